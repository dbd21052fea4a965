# shellcheck shell=bash
# What bin/up, bin/test and bin/pulumi share. It runs on Linux and on the bash 3.2 of macOS.
set -euo pipefail

# With --help a command says what its head says, and does nothing; bin/pulumi hands it on.
case ${0##*/}:${1:-} in
    pulumi:*) ;;
    *:--help | *:-h)
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
        exit
        ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD
# Everything that belongs to this checkout on this machine: state, passphrase, tools. Git ignores it.
mine=$here/.decanter
PULUMI_SKIP_UPDATE_CHECK=true
# Pulumi would install the plugins of all targets, and look for missing ones before every command: who deploys to a Docker
# host does not need AWS's, which is large.
PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL=true
# Types are checked by `npm run check` and in CI: here that would hold up the first `pulumi up` of a checkout, and the first after
# each change of the program.
: "${PULUMI_NODEJS_TRANSPILE_ONLY=true}"
export PULUMI_SKIP_UPDATE_CHECK PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL PULUMI_NODEJS_TRANSPILE_ONLY

say() { printf '%s\n' "$*" >&2; }
fail() { say "$(basename "$0"): $*"; exit 1; }
has() { command -v "$1" > /dev/null 2>&1; }
is_debian_root() { [ "$(id -u)" = 0 ] && has apt-get; }

# install WHAT PACKAGE...: installs Debian packages, or says what to install where it may not.
install() {
    local what=$1
    shift
    is_debian_root || fail "$what is missing: install it, and run this again"
    say "installing $what (Debian packages $*)"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
        > /dev/null || fail "$what could not be installed: see what apt-get says above"
}

node_is_new_enough() {
    has node && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 12) ? 0 : 1)'
}

set_up_node() {
    PATH=$mine/node/node_modules/node/bin:$PATH
    export PATH
    if ! node_is_new_enough; then
        has npm || install "Node.js 22.12 or newer, with npm," nodejs npm
        say "this machine's Node.js is older than 22.12: taking one from npm"
        npm install --silent --no-save --prefix "$mine/node" node@24 > /dev/null ||
            fail "Node.js 22.12 or newer is missing: install it, and run this again"
        hash -r
        node_is_new_enough || fail "Node.js 22.12 or newer is missing: install it, and run this again"
    fi
    if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
        say "installing the npm packages"
        npm ci --silent || fail "npm ci has failed: see what it says above"
    fi
    # A Pulumi CLI on the PATH is taken; else npm's pulumi package brings one.
    PATH=$PATH:$here/node_modules/.bin
}

set_up_pulumi() {
    mkdir -p "$mine/state"
    local login=${PULUMI_HOME:-$HOME/.pulumi}/credentials.json
    if [ -z "${PULUMI_BACKEND_URL:-}" ] && ! grep -q '"current": *"[^"]' "$login" 2> /dev/null; then
        PULUMI_BACKEND_URL=file://$mine/state
        export PULUMI_BACKEND_URL
    fi
}

# The stack `local` has a passphrase of its own; for others it comes from their owner.
set_up_passphrase() {
    [ "$1" = local ] && [ -z "${PULUMI_CONFIG_PASSPHRASE+set}${PULUMI_CONFIG_PASSPHRASE_FILE+set}" ] || return 0
    PULUMI_CONFIG_PASSPHRASE_FILE=$mine/local.passphrase
    export PULUMI_CONFIG_PASSPHRASE_FILE
    [ -s "$PULUMI_CONFIG_PASSPHRASE_FILE" ] ||
        (umask 077 && head -c 32 /dev/urandom | base64 > "$PULUMI_CONFIG_PASSPHRASE_FILE")
}

# reach_stack STACK: sees to what Pulumi needs for a stack on this machine. From then on `setting` and `outputs` are about this
# stack.
reach_stack() {
    set_up_node
    set_up_pulumi
    set_up_passphrase "$1"
    opened=$1
}
# open_stack STACK [FLAG]: sees to what a stack itself needs too, and selects it. From then on `host` and `target` are its.
open_stack() {
    reach_stack "$1"
    pulumi stack select "$@" > /dev/null 2> "$mine/select.log" || fail "$(cat "$mine/select.log")"
    known_settings=$(read_settings)
    host=$(setting host) target=$(setting target)
    # On AWS only a build needs Docker.
    is_on_aws || reach_docker
}
is_on_aws() { case $target in fargate | floating-ip) ;; *) return 1 ;; esac; }
# names_host [STACK]: whether the stack, or the one that is selected, names a Docker host.
names_host() { [ -n "$(pulumi config get host ${1:+--stack "$1"} 2> /dev/null)" ]; }
reach_docker() {
    # All commands are for the host of the stack, as the resources are.
    if [ -n "$host" ]; then
        DOCKER_HOST=$host
        export DOCKER_HOST
    fi
    set_up_docker
}
# read_settings: the settings of the stack, or of the file that `settings` names, KEY=VALUE a line each: Pulumi takes half a
# second for an answer, so it is asked for all at once. Of a secret it is told that there is one.
# shellcheck disable=SC2016 # the dollars are of JavaScript
read_settings() {
    pulumi config --stack "$opened" ${settings:+--config-file "$settings"} --json | node -e '
        const settings = JSON.parse(require("node:fs").readFileSync(0, "utf8") || "{}");
        for (const [key, { value, secret }] of Object.entries(settings))
            console.log(`${key.replace(/^decanter:/, "")}=${secret ? "[secret]" : value.replaceAll("\n", " ")}`);'
}
# setting KEY: one of them.
setting() {
    local line known
    known=${known_settings-$(read_settings)} || return
    while IFS= read -r line; do
        case $line in "$1="*) printf '%s\n' "${line#*=}" ;; esac
    done <<< "$known"
}
# outputs KEY...: outputs of the stack, a line each: of a list the first, and an empty line for what is not there.
outputs() {
    pulumi stack output --stack "$opened" --json 2> /dev/null | node -e '
        const outputs = JSON.parse(require("node:fs").readFileSync(0, "utf8") || "{}");
        for (const key of process.argv.slice(1)) console.log([outputs[key] ?? ""].flat()[0] ?? "");' "$@"
}

# program NAME ARGUMENT...: runs a program of commands/, whose errors are those of this command. run_program NAME ARGUMENT...: becomes it.
program() { COMMAND=${0##*/} node --import=tsx "commands/$1.ts" "${@:2}"; }
run_program() { exec env COMMAND="${0##*/}" node --import=tsx "commands/$1.ts" "${@:2}"; }

# lift_dead_lock STACK: where Pulumi has locked the stack, ends here if that is its owner's; lifts the lock of a Pulumi that is gone,
# and sets `interrupted`, for bin/up to tidy up after it.
lift_dead_lock() {
    local lock
    case ${PULUMI_BACKEND_URL:-} in file://*) ;; *) return 0 ;; esac
    for lock in "${PULUMI_BACKEND_URL#file://}/.pulumi/locks/organization/decanter/$1"/*.json; do
        [ -f "$lock" ] || continue
        program unlock "$1" || exit
        # shellcheck disable=SC2034
        interrupted=yes
        return
    done
}

# follow_context COMMAND...: Pulumi's Docker provider knows none of the contexts of Docker's command line (docker context use), or
# knows them halfway (DOCKER_CONTEXT). So both are handed what the context stands for, unless the command says that they need
# not be. What Docker says of a context that is not there is left in `context_problem`.
follow_context() {
    local found name address skips certificates
    context_problem=
    if [ -z "${DOCKER_HOST:-}" ] && has docker; then
        if found=$(docker context inspect --format "{{.Name}} {{with .Endpoints.docker}}{{.Host}} {{.SkipTLSVerify}}{{end}} {{if .TLSMaterial.docker}}{{.Storage.TLSPath}}/docker{{end}}" 2>&1); then
            read -r name address skips certificates <<< "$found"
            if [ "${name:-default}" != default ] && ! "$@"; then
                DOCKER_HOST=$address
                export DOCKER_HOST
                if [ -n "$certificates" ]; then
                    DOCKER_CERT_PATH=$certificates
                    export DOCKER_CERT_PATH
                    [ "$skips" = true ] || export DOCKER_TLS_VERIFY=1
                fi
            fi
        else
            case $found in *context*'does not exist'* | *context*'not found'*) context_problem=$found ;; esac
        fi
    fi
    unset DOCKER_CONTEXT
}

set_up_docker() {
    PATH=$mine/bin:$PATH
    follow_context false
    [ -z "$context_problem" ] || fail "$context_problem (docker context ls shows those that are there)"
    if ! docker info > /dev/null 2>&1; then
        case ${DOCKER_HOST:-} in
            '' | unix:///var/run/docker.sock) ;;
            *)
                has docker || fail "Docker's command line is missing: install it, and run this again"
                fail "Docker does not answer at $DOCKER_HOST: start it there, or choose a different one (docker context use, DOCKER_HOST, the setting host)"
                ;;
        esac
        if is_debian_root; then
            has dockerd || install "Docker Engine" docker.io
            start_docker
        elif has docker; then
            fail "Docker does not answer: start Docker Engine or Docker Desktop (or join the group docker), and run this again"
        else
            fail "Docker is missing: install Docker Engine or Docker Desktop, and run this again"
        fi
    fi
    # Debian's own client builds with BuildKit by itself; a newer one without the plugin buildx does not build.
    if ! docker buildx version > /dev/null 2>&1 && [ -x /usr/bin/docker ]; then
        mkdir -p "$mine/bin"
        ln -sf /usr/bin/docker "$mine/bin/docker"
        hash -r
    fi
}

start_docker() {
    say "starting the Docker daemon"
    mkdir -p "$mine"
    if [ -d /run/systemd/system ]; then
        systemctl start docker
    else
        setsid dockerd > "$mine/dockerd.log" 2>&1 < /dev/null &
    fi
    local i
    for i in $(seq 60); do
        ! docker info > /dev/null 2>&1 || return 0
        sleep 1
    done
    fail "the Docker daemon does not answer after $i s: see $mine/dockerd.log"
}

# The base images of a build, by setting.
# shellcheck disable=SC2034 # read by bin/up
image_settings="builderImage runnerImage routerImage registryImage"

# default_image SETTING: the image where the setting is empty; nothing where it has no such default.
default_image() { sed -n "s/.*\"$1\": *\"\(.*\)\".*/\1/p" docker/images.json; }

# have_images IMAGE...: whether every image is on the Docker host or can be pulled. An empty one comes from .tool-versions,
# and from the same registry as the others.
have_images() {
    local image
    for image in "$@"; do
        [ -z "$image" ] || docker image inspect "$image" > /dev/null 2>&1 || docker pull -q "$image" > /dev/null 2>&1 || return 1
    done
}

# Sees to a builder image for tests and benchmarks, and tells them where it is a stand-in.
set_up_images() {
    builder=$(default_image builderImage)
    if ! have_images "$builder"; then
        make_stand_ins
        DECANTER_STAND_INS=1
        export DECANTER_STAND_INS
        builder=$(stand_in builderImage)
    fi
}

make_stand_ins() {
    say "Docker Hub cannot be reached: making stand-ins for the base images from Debian packages"
    ./bin/make-base-images
}

# stand_in SETTING: name of the stand-in for an image.
stand_in() { echo "decanter/${1%Image}:trixie"; }
