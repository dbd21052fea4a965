# The layers of `mix phx.gen.release --docker`, for ./bench/build to compare docker/Dockerfile with. Left out are the steps
# that need Hex (mix local.hex, mix local.rebar) and the assets, which the apps of the benchmark do not have.
ARG BUILDER_IMAGE
ARG RUNNER_IMAGE

# hadolint ignore=DL3006
FROM ${BUILDER_IMAGE} AS builder
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends build-essential git && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV MIX_ENV=prod
COPY mix.exs mix.lock ./
# Path dependencies have to be there before deps.get.
COPY libs libs
RUN mix deps.get --only $MIX_ENV
RUN mkdir config
COPY config/config.exs config/${MIX_ENV}.exs config/
RUN mix deps.compile
COPY priv priv
COPY lib lib
RUN mix compile
COPY config/runtime.exs config/
COPY rel rel
RUN mix release

# hadolint ignore=DL3006
FROM ${RUNNER_IMAGE} AS final
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install -y --no-install-recommends libstdc++6 openssl libncurses6 locales ca-certificates && \
    rm -rf /var/lib/apt/lists/*
RUN sed -i '/en_US.UTF-8/s/^# //g' /etc/locale.gen && locale-gen
ENV LANG=en_US.UTF-8 LANGUAGE=en_US:en LC_ALL=en_US.UTF-8
WORKDIR /app
RUN chown nobody /app
ENV MIX_ENV=prod
COPY --from=builder --chown=nobody:root /app/_build/prod/rel/hello ./
USER nobody
CMD ["/app/bin/hello", "start"]
