# shellcheck shell=bash disable=SC1090,SC1091,SC2015,SC2164
# What the steps of ../Dockerfile do. Bash reads this file before each of them (BASH_ENV), with errexit and pipefail set.
#
# Mix may read any file of an app, and only it knows which. So each step before the last is there for the cache alone: where
# Mix cannot do with the files that are there, it gives up with a line, and the next one, which has more, does all of it. The last
# has every file, and its error is the real one.

[ ! -f /decanter/env ] || . /decanter/env
eval "${BUILD_ENV:-}"
[ ! -f /run/secrets/build ] || . /run/secrets/build
# project.ex, compiled.
export ERL_AFLAGS="-pa /decanter/ebin ${ERL_AFLAGS:-}"

# What the steps have learned, and exit codes by which they tell each other.
state=/decanter/state
needs_more=75 differs=42 needs_assets=43

# The deploy's output repeats these lines.
say() { echo "decanter: $*"; }

# date_files FOLDER gives files a time that is made of what they hold: the same in every build of the same files, and another
# when one of them changes, as a web server may tell by it what a browser has.
date_files() {
    local sum
    sum=$(cd "$1" && find . -type f -exec cksum {} + | sort | cksum | cut -d " " -f 1)
    find "$1" -exec touch -hd "@$((1000000000 + sum % 700000000))" {} +
}

# Sorts the files of /context into the groups of /sorted. EARLY has the paths that Mix probably reads before it compiles,
# one a line.
sort_sources() {
    local file
    mkdir -p /sorted/{early,packages,code,release,runtime}
    cp -a /context /tmp/context
    cd "/tmp/context/$APP"
    copy_manifests
    # `mix release` copies this file and does not read it: an empty one has its place until then.
    if [ -e config/runtime.exs ]; then
        install -D -m 0644 config/runtime.exs /sorted/runtime/app/releases/runtime.exs
        date_files /sorted/runtime
        rm config/runtime.exs
        install -D /dev/null "/sorted/release/$APP/config/runtime.exs"
    fi
    # What lies outside of the app's folder goes as a whole, below.
    while IFS= read -r file; do
        case $file in '' | /* | ..* | .) ;; *) move early "$file" ;; esac
    done <<< "${EARLY:-}"
    move early deps
    # The mix.exs of an umbrella's apps have gone by now: what has one still is compiled as a whole, with what lies in it.
    find . -mindepth 2 -name mix.exs -printf '%d %h\n' | sort -n | cut -d ' ' -f 2- > /tmp/projects
    while IFS= read -r file; do move early "$file"; done < /tmp/projects
    move release rel
    # Styles and scripts change without the code. Where the code reads them, it is compiled with them.
    if ! grep -rqP --include='*.*ex' --include='*.exs' "[\"']assets[\"'/]|(?<!static)(?<=[\w.}])/assets[\"'/]" lib ./*/*/lib 2> /dev/null; then
        move release assets
        while IFS= read -r file; do
            case $file in ..*) ;; */mix.exs) move release "${file%mix.exs}assets" ;; esac
        done <<< "${EARLY:-}"
    fi
    mkdir -p "/sorted/code/$APP"
    find . -mindepth 1 -maxdepth 1 -exec mv -t "/sorted/code/$APP" {} +
    # A commit changes .git, and no dependency.
    cd /tmp/context
    [ ! -e .git ] || mv .git /sorted/code/
    # Whatever lies outside the app's folder is a path dependency.
    cp -a /tmp/context/. /sorted/early
}

# move GROUP PATH moves what lies there, if anything does, into a group of the sorted files.
move() {
    local target=/sorted/$1/$APP/$2
    [ -e "$2" ] || [ -L "$2" ] || return 0
    if [ -d "$target" ]; then
        cp -a "$2/." "$target"
        rm -r "$2"
    else
        mkdir -p "$(dirname "$target")"
        mv "$2" "$target"
    fi
}

locks="package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb"

# Copies what a package manager of JavaScript reads: each package.json, and what lies beside it or is referred to by it.
copy_manifests() {
    local folder name target=/sorted/packages/$APP
    mkdir -p "$target"
    find . \( -name node_modules -o -name deps -o -name priv -o -name test -o -name _build \) -prune -o \
        -name package.json -type f -printf '%h\n' | sort > /tmp/manifests
    while IFS= read -r folder; do
        # shellcheck disable=SC2086 # words
        for name in package.json $locks .npmrc .yarnrc .yarnrc.yml .yarn pnpm-workspace.yaml .pnpmfile.cjs bunfig.toml patches; do
            [ ! -e "$folder/$name" ] || cp -a --parents -t "$target" "$folder/$name"
        done
        while IFS= read -r name; do
            name=$(realpath -m --relative-to=. "$folder/$name")
            case $name in ..* | .) ;; *) [ ! -e "$name" ] || cp -a --parents -t "$target" "$name" ;; esac
        done < <(grep -ohE '"(file|link|portal):[^"]+' "$folder/package.json" | cut -d : -f 2-)
    done < /tmp/manifests
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

# Fetches and compiles the dependencies, and notes what they were compiled for. Exits with $needs_more where other files may
# be what is missing; a dependency that cannot be fetched is an error at once.
#
# What the last build of the same app in the same folder has fetched and compiled is taken from a cache, and Mix does again what
# mix.lock has changed, as on a developer's machine. Files that were sent look new, for Mix takes a file that is older than the
# cache, and as long as before, for compiled.
#
# Mix offers to install Hex and rebar3 when a dependency asks for them; `yes` accepts. An app without such dependencies is
# never asked, and a builder image that brings them needs no network.
fetch_dependencies() {
    local seed=/seed/app-${CACHE_ID:-} key dep code=0
    use_ssh_key
    trap '[ $? = 0 ] || exit $needs_more' EXIT
    find /build -name node_modules -prune -o -type f -exec touch {} +
    eval "${PREPARE_DEPS:-}"
    mix decanter.describe < <(yes)
    if [ -n "${CACHE_ID:-}" ]; then
        exec 9> "$seed.lock"
        flock 9
        key=$({ dpkg-query -W && cat "$state/own" && head -n 1 "$state/fingerprint" && echo "${BUILD_ENV:-}"; } | sha256sum)
        if [ "$(cat "$seed/key" 2> /dev/null)" = "$key" ]; then
            mkdir -p deps
            for dep in "$seed"/deps/*; do [ ! -e "$dep" ] || [ -e "deps/${dep##*/}" ] || cp -a "$dep" deps/; done
            cp -a "$seed/_build" ./
        fi
    fi
    trap - EXIT
    mix deps.get --only "$MIX_ENV" < <(yes)
    trap '[ $? = 0 ] || exit $needs_more' EXIT
    [ ! -d deps ] || mix deps.clean --unused
    MIX_OS_DEPS_COMPILE_PARTITION_COUNT=$(nproc)
    export MIX_OS_DEPS_COMPILE_PARTITION_COUNT
    # Those before one that fails are kept all the same: the next attempt, or the next build, does not wait for them again.
    mix deps.compile < <(yes) || code=$needs_more
    trap - EXIT
    mkdir -p deps _build
    if [ -n "${CACHE_ID:-}" ]; then
        rm -rf "$seed"
        mkdir "$seed"
        cp -a deps _build "$seed/"
        echo "$key" > "$seed/key"
        find /seed -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} +
        exec 9>&-
    fi
    return "$code"
}

# start_over GROUP... has the files of these groups in /build, as they were sent, and packages of JavaScript.
start_over() {
    local group
    rm -rf deps _build "$state/fingerprint"
    find /build -name node_modules -prune -o ! -type d -exec rm -f {} +
    for group; do cp -a "/sorted/$group/." /build/; done
}

# attempt GROUP... fetches and compiles the dependencies, or gives up with the files as they were sent.
attempt() {
    local code=0
    bash -eo pipefail -c fetch_dependencies || code=$?
    [ "$code" != 0 ] || return 0
    [ "$code" = "$needs_more" ] || exit "$code"
    start_over "$@"
    return 1
}

compile_dependencies() {
    attempt early ||
        say "Mix needs more files for the dependencies than mix.exs and config/ tell: they are compiled with the code, at every change of it"
}

# Compiles the app's own code, for the dependencies that are there if Mix still says the same.
compile_code() {
    local code=0
    if [ -f "$state/fingerprint" ]; then
        mix decanter.compile || code=$?
        [ "$code" != 0 ] || return 0
        [ "$code" != "$differs" ] ||
            say "with the code, Mix has other dependencies or another configuration: they are compiled with the code, at every change of it"
    fi
    if [ "$code" = 0 ] || [ "$code" = "$differs" ]; then
        start_over early code
        if attempt early code && mix compile; then return 0; fi
    fi
    rm -f "$state/fingerprint"
    say "the code cannot be compiled without assets/ and rel/, or not at all: it is compiled with them"
}

# Makes the assets and then the release, with every file of the app, and sorts it into layers.
build_release() {
    [ -f "$state/fingerprint" ] || fetch_with_all
    make_release
    sort_layers
}

fetch_with_all() {
    start_over early code release
    bash -eo pipefail -c fetch_dependencies
    export FETCHED=all
}

make_release() {
    local code=0 roots
    rm -rf /layers
    mix decanter.release || code=$?
    if [ "$code" = "$differs" ]; then
        fetch_with_all
        code=0
        mix decanter.release || code=$?
    fi
    if [ "$code" = "$needs_assets" ]; then
        make_assets
        ASSETS=made mix decanter.release
    elif [ "$code" != 0 ]; then
        exit "$code"
    elif [ "${ASSETS:-}" = none ]; then
        say "assets: none were made, as the setting says"
    else
        mapfile -t roots < <(package_roots)
        [ "${#roots[@]}" = 0 ] || say "assets: nothing was made of $(
            printf '%s/package.json, ' "${roots[@]}" | sed 's#\(^\| \)\./#\1#g'
        )as mix.exs has no alias assets.deploy: the setting assets names a command, such as 'cd ${roots[0]} && npm run build'"
    fi
}

# Installs the packages of JavaScript, where assets are to be made of them and nothing but their manifests is needed.
install_packages() {
    [ -s "$state/assets" ] || [ "${ASSETS:-}" != "" ] || return 0
    [ "${ASSETS:-}" != none ] || return 0
    if bash -eo pipefail -c install_all; then
        touch "$state/packages"
    else
        find . -name node_modules -prune -exec rm -rf {} +
        say "the packages of JavaScript cannot be installed by their manifests alone: they are installed with all files, at every change"
    fi
}

# The folders of the app whose packages a manager installs: the outermost with a package.json, and those with a lock of their
# own. What lies in a mix project that is no app of the umbrella is another's.
package_roots() {
    cd "/sorted/packages/$APP"
    local folder above root name own
    local roots=()
    while IFS= read -r folder; do
        own=true above=$folder
        for root in "${roots[@]}"; do
            case $root in .) own=false ;; *) case $folder in "$root"/*) own=false ;; esac ;; esac
        done
        for name in $locks; do [ ! -f "$folder/$name" ] || own=true; done
        while [ "$above" != . ]; do
            [ ! -f "/build/$APP/$above/mix.exs" ] || grep -qxF "$above" "$state/apps" || own=false
            above=$(dirname "$above")
        done
        [ "$own" = false ] || roots+=("$folder")
    done < <(find . \( -name node_modules -o -name vendor -o -name .yarn \) -prune -o -name package.json -printf '%d %P\n' |
        sort -n | cut -d ' ' -f 2- | xargs -rd '\n' -n 1 dirname)
    [ "${#roots[@]}" = 0 ] || printf '%s\n' "${roots[@]}"
}

# Has the programs and the environment of nodeImage, which is mounted at /node.
use_node() {
    local variable folder
    [ -f /node/decanter-env ] || return 0
    while IFS= read -rd '' variable; do
        case $variable in
            PATH=*) for folder in $(tr : ' ' <<< "${variable#*=}"); do PATH=$PATH:/node$folder; done ;;
            NODE_EXTRA_CA_CERTS=/*) export NODE_EXTRA_CA_CERTS="/node${variable#*=}" ;;
            NODE_* | NPM_* | npm_* | YARN_* | PNPM_* | COREPACK_* | BUN_*) export "${variable?}" ;;
        esac
    done < /node/decanter-env
    for folder in /node/opt/*; do [ ! -e "$folder" ] || [ -e "/opt/${folder##*/}" ] || ln -s "$folder" /opt/; done
    export CI=true
}

install_all() {
    local folder roots
    use_node
    mapfile -t roots < <(package_roots)
    for folder in "${roots[@]}"; do install_in "$folder"; done
}

# install_in FOLDER installs its packages, with the manager that its lock tells.
install_in() {
    local lock=package.json name version
    cd "/build/$APP/$1"
    for name in $locks; do [ ! -f "$name" ] || lock=$name; done
    trap 'say "the packages of $1/'"$lock"' could not be installed: see above, or set nodeImage to an image that has what they need"' EXIT
    case $lock in
        package-lock.json | npm-shrinkwrap.json) npm ci --no-audit --no-fund ;;
        package.json) npm install --no-audit --no-fund --no-package-lock ;;
        yarn.lock)
            version=$(sed -n 's/^  version: *\([0-9]*\).*/\1/p' yarn.lock | head -n 1)
            if grep -q '^__metadata:' yarn.lock; then
                manager yarn @yarnpkg/cli-dist "$((version > 6 ? 4 : 3))"
                yarn install --immutable
            else
                manager yarn yarn 1
                yarn install --frozen-lockfile --non-interactive
            fi
            ;;
        pnpm-lock.yaml)
            version=$(sed -n "s/^lockfileVersion: *'*\([0-9]*\).*/\1/p" pnpm-lock.yaml | head -n 1)
            manager pnpm pnpm "$((version > 6 ? 10 : version > 5 ? 8 : 7))"
            pnpm install --frozen-lockfile
            ;;
        bun.lock | bun.lockb)
            manager bun bun 1
            bun install --frozen-lockfile
            ;;
    esac
    trap - EXIT
}

# manager NAME PACKAGE MAJOR sees to it that a package manager is on the PATH: the one in .yarn/releases, nodeImage's own, or
# npm's, at the version of package.json's field packageManager.
manager() {
    local wanted path folder=/decanter/managers/$1
    path=$(sed -n 's/^yarnPath: *"\{0,1\}\([^"]*\)"\{0,1\} *$/\1/p' .yarnrc.yml 2> /dev/null || true)
    if [ "$1" = yarn ] && [ -n "$path" ]; then
        mkdir -p "$folder"
        printf '#!/bin/sh\nexec node "%s" "$@"\n' "$PWD/$path" > "$folder/yarn"
        chmod +x "$folder/yarn"
        PATH=$folder:$PATH
        return
    fi
    wanted=$(node -p 'const [, name, version] = /^(\w+)@([^+]+)/.exec(require("./package.json").packageManager ?? "") ?? []; name === process.argv[1] ? version : ""' "$1")
    if command -v "$1" > /dev/null && { [ -z "$wanted" ] && [[ $("$1" --version) = "$3".* ]] || [ "$("$1" --version)" = "$wanted" ]; }; then return; fi
    npm install --no-audit --no-fund --prefix "$folder" "$2@${wanted:-$3}"
    PATH=$folder/node_modules/.bin:$PATH
}

# Makes the assets of each folder that has the alias assets.deploy, or by the command of the setting.
make_assets() {
    local folder folders
    [ -f "$state/packages" ] || bash -eo pipefail -c install_all
    use_node
    # What has installed the packages is what their scripts are run with.
    for folder in /decanter/managers/*/node_modules/.bin /decanter/managers/*; do
        [ ! -d "$folder" ] || PATH=$folder:$PATH
    done
    if [ -n "${ASSETS:-}" ]; then
        bash -eo pipefail -c "$ASSETS"
        say "assets: made by $ASSETS"
        return
    fi
    mapfile -t folders < "$state/assets"
    for folder in "${folders[@]}"; do
        cd "$folder"
        if mix help assets.setup > /dev/null 2>&1; then mix assets.setup; fi
        mix assets.deploy
        say "assets: made by mix assets.deploy in $(realpath --relative-to="/build/$APP" "$folder")"
    done
    cd "/build/$APP"
}

# Sorts the release by how often its files change, so that a deploy pushes and pulls little: Erlang and Elixir, then the
# dependencies, then the app. config/runtime.exs becomes a link to where the image has it, so that a change of it runs nothing
# here. Programs, NIFs and the libraries beside them are copied to /programs, as what they load makes the rest of the image.
sort_layers() {
    local erlang elixir dir name archive
    mkdir -p /layers/{otp,deps}/app/lib /programs
    cd /layers/app/app
    # The cookie that `mix release` makes up would be in every copy of the image; RELEASE_COOKIE comes with the container. The
    # step :tar leaves an archive of all this, cookie included.
    for archive in *.tar.gz; do
        [ ! -f "$archive" ] || ! tar -tzf "$archive" 2> /dev/null | grep -x releases/COOKIE > /dev/null || rm "$archive"
    done
    rm -f releases/COOKIE
    mv erts-* /layers/otp/app/ || {
        echo "The release $RELEASE has no Erlang of its own (include_erts: false in mix.exs), and the image has none either: take that line out"
        exit 1
    }
    find releases -name runtime.exs -empty -exec ln -sf ../runtime.exs {} \;
    home() { dirname "$(dirname "$(readlink -f "$(command -v "$1")")")"; }
    erlang=$(home erl)
    elixir=$(home elixir)
    for dir in lib/*; do
        name=${dir##*/}
        # A version may hold dashes, and the name of an app none.
        if [ -d "$erlang/lib/$name" ] || [ -d "$elixir/lib/${name%%-*}" ]; then
            mv "$dir" /layers/otp/app/lib/
        elif ! grep -qx "${name%%-*}" "$state/own"; then
            mv "$dir" /layers/deps/app/lib/
        fi
    done
    for dir in /layers/*; do date_files "$dir"; done
    for dir in /layers/*; do
        (cd "$dir" && { LC_ALL=C grep -rlaZ $'^\x7fELF' app || true; find app -type l -name '*.so*' -print0; } |
            xargs -0r cp -a --parents -t /programs)
    done
}
