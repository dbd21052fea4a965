# shellcheck shell=bash disable=SC1091,SC2015,SC2164
# What the steps of ../Dockerfile do. Bash reads this file before each of them (BASH_ENV), with errexit and pipefail set.

[ ! -f /decanter/env ] || . /decanter/env
[ ! -f /run/secrets/build ] || . /run/secrets/build

# date_files FOLDER gives files a time that is made of what they hold: the same in every build of the same files, and another
# when one of them changes, as a web server may tell by it what a browser has.
date_files() {
    local sum
    sum=$(cd "$1" && find . -type f -exec cksum {} + | sort | cksum | cut -d " " -f 1)
    find "$1" -exec touch -hd "@$((1000000000 + sum % 700000000))" {} +
}

# Where an umbrella has its apps.
umbrella() { sed -n 's/.*apps_path: *"\([^"]*\)".*/\1/p' mix.exs; }

# move GROUP PATH: moves what lies there, if anything does, into a group of the sorted files.
move() {
    [ -e "$2" ] || return 0
    mkdir -p "$(dirname "/sorted/$1/$APP/$2")"
    mv "$2" "/sorted/$1/$APP/$2"
}

# Sorts the files of /context into the groups of /sorted.
sort_sources() {
    local umbrella file
    mkdir -p /sorted/{deps,npm,code,release,runtime}
    cp -a /context /tmp/context
    cd "/tmp/context/$APP"
    rm -rf _build deps assets/node_modules
    # `mix release` copies this file and does not read it: an empty one has its place until then.
    if [ -e config/runtime.exs ]; then
        install -D -m 0644 config/runtime.exs /sorted/runtime/app/releases/runtime.exs
        date_files /sorted/runtime
        rm config/runtime.exs
        install -D /dev/null "/sorted/release/$APP/config/runtime.exs"
    fi
    move release rel
    for file in package.json package-lock.json .npmrc; do
        [ ! -f "assets/$file" ] || cp -a "assets/$file" /sorted/npm/
    done
    move release assets
    umbrella=$(umbrella)
    move deps mix.exs
    move deps mix.lock
    move deps config
    # Of an umbrella's apps `mix deps.get` wants the mix.exs; another folder with a mix.exs is a path dependency, and is
    # compiled as such.
    find . -mindepth 2 -name mix.exs -not -path './test/*' -printf '%P\n' > /tmp/projects
    while read -r file; do
        case $file in
            "${umbrella:-/}"/*/mix.exs) move deps "$file" ;;
            *) move deps "$(dirname "$file")" ;;
        esac
    done < /tmp/projects
    mkdir -p "/sorted/code/$APP"
    find . -mindepth 1 -maxdepth 1 -exec mv -t "/sorted/code/$APP" {} +
    # Whatever lies outside the app's folder is a path dependency.
    cp -a /tmp/context/. /sorted/deps
}

# Has git's ssh use the key of the build.
use_ssh_key() {
    [ -n "${GIT_SSH_KEY:-}" ] || return 0
    command -v ssh > /dev/null || {
        apt-get update
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openssh-client
    }
    [ -n "${GIT_KNOWN_HOSTS:-}" ] || {
        echo "GIT_SSH_KEY needs GIT_KNOWN_HOSTS: what ssh-keyscan says of the host"
        exit 1
    }
    (umask 077 && echo "$GIT_SSH_KEY" > /root/.hex/key && echo "$GIT_KNOWN_HOSTS" > /root/.hex/known_hosts)
    export GIT_SSH_COMMAND="ssh -i /root/.hex/key -o UserKnownHostsFile=/root/.hex/known_hosts"
}

# Fetches and compiles the dependencies, from where the app's last build has left them.
compile_dependencies() {
    local seed key
    use_ssh_key
    find /build -type f -exec touch {} +
    seed=/seed/app-$(sed -n '/^ *defmodule /{s///;s/ .*//p;q}' mix.exs)
    key=$({ dpkg-query -W && find config -type f -exec sha256sum {} + 2> /dev/null || true; } | sort | sha256sum)
    if [ "$(cat "$seed/key" 2> /dev/null)" = "$key" ]; then cp -a "$seed"/{deps,_build} ./; fi
    eval "$PREPARE_DEPS"
    MIX_OS_DEPS_COMPILE_PARTITION_COUNT=$(nproc)
    export MIX_OS_DEPS_COMPILE_PARTITION_COUNT
    mix deps.get --only "$MIX_ENV" < <(yes)
    [ ! -d deps ] || mix deps.clean --unused
    mix deps.compile < <(yes)
    rm -rf "$seed"
    mkdir -p deps _build "$seed"
    cp -a deps _build "$seed/"
    echo "$key" > "$seed/key"
}

# Compiles the app's own code.
compile_code() { mix compile; }

# Makes the assets and then the release, in /layers/app/app. The cookie that `mix release` makes up would be in every copy of
# the image; RELEASE_COOKIE comes with the container. An app that lists no releases has one, which `mix release` does not know
# by name.
make_release() {
    if [ -d assets ] && mix help assets.deploy > /dev/null 2>&1; then
        if [ "$NODE_MODULES" = npm ]; then
            # npm has linked packages of dependencies, such as file:../deps/phoenix.
            ln -s /node/assets/node_modules assets/
            ln -s "$PWD/deps" /node/
            PATH=$PATH:/node/usr/local/bin
        fi
        if mix help assets.setup > /dev/null 2>&1; then mix assets.setup; fi
        mix assets.deploy
    fi
    set --
    ! grep -q '\breleases:' mix.exs || set -- "$RELEASE"
    mix release "$@" ${VERSION:+--version "$VERSION"} --path /layers/app/app
    rm -f /layers/app/app/releases/COOKIE
}

# Sorts the release by how often its files change, so that a deploy pushes and pulls little: Erlang and Elixir, then the
# dependencies, then the app. config/runtime.exs becomes a link to where the image has it, so that a change of it runs nothing
# here. The programs and NIFs are copied to /programs, as what they load makes the rest of the image.
sort_layers() {
    local erlang elixir apps own dir name
    mkdir -p /layers/{otp,deps}/app/lib /programs
    cd /layers/app/app
    mv erts-* /layers/otp/app/ || {
        echo "The release $RELEASE has no Erlang of its own (include_erts: false in mix.exs), and the image has none either: take that line out"
        exit 1
    }
    find releases -name runtime.exs -empty -exec ln -sf ../runtime.exs {} \;
    home() { dirname "$(dirname "$(readlink -f "$(command -v "$1")")")"; }
    erlang=$(home erl)
    elixir=$(home elixir)
    cd "/build/$APP"
    apps=$(umbrella)
    own=$({ grep -ohE '\bapp: +:\w+' mix.exs "${apps:-/none}"/*/mix.exs 2> /dev/null || true; } | grep -oE '\w+$')
    for dir in /layers/app/app/lib/*; do
        name=${dir##*/}
        if [ -d "$erlang/lib/$name" ] || [ -d "$elixir/lib/${name%-*}" ]; then
            mv "$dir" /layers/otp/app/lib/
        elif ! grep -qx "${name%-*}" <<< "$own"; then
            mv "$dir" /layers/deps/app/lib/
        fi
    done
    for dir in /layers/*; do date_files "$dir"; done
    find /layers/otp/app/erts-* /layers/*/app/lib -type f \( -name '*.so' -o -perm -u+x \) -exec cp -a --parents -t /programs {} +
}

build_release() {
    make_release
    sort_layers
}
