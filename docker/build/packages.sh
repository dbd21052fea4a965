# shellcheck shell=bash
# Debian packages, for the stages of ../Dockerfile.

# install_packages NAME...: installs those that are missing.
install_packages() {
    local name missing=()
    for name; do dpkg-query -Wf '${Status}' "$name" 2> /dev/null | grep -q ' installed' || missing+=("$name"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
    rm -rf /var/lib/apt/lists/*
}

# install_runtime NAME...: installs what every release needs, and these. What these have added is listed in /var/lib/added.
install_runtime() {
    install_packages bash busybox ca-certificates libncurses6 libstdc++6 ncurses-base openssl tini tzdata
    touch /tmp/before
    install_packages "$@"
    {
        find /etc /opt /usr -cnewer /tmp/before ! -type d
        [ $# = 0 ] || dpkg -L "$@"
    } | sed -E '\#^/usr/share/(doc|info|lintian|locale|man)(/|$)#d' | sort -u > /var/lib/added
    rm /tmp/before
}
