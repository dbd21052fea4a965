# shellcheck shell=bash
# The files that a release needs of Debian, in /needed: its shared libraries, a shell with the tools of the release's scripts, an
# init, certificates, time zones, the locale of UTF-8, and terminals for a remote console.

# The tools of busybox that scripts may use.
TOOLS="[ awk base64 basename cat chmod cmp cp cut date dd df dirname du env expr false find free grep gunzip gzip
    head hexdump hostname id kill less ln ls md5sum mkdir mktemp mv nc nproc nslookup od pidof ping printf ps pwd
    readlink realpath rm rmdir sed seq sha256sum sleep sort stat strings stty tail tar tee test timeout top touch tr true
    tty uname uniq uptime vi wc wget which whoami xargs xxd zcat"

# copy_files: what every release needs, and what its packages have added.
copy_files() {
    local dir
    mkdir -p /needed/{etc,tmp,usr/{bin,lib/ssl,lib64,sbin},var/lib/dpkg/status.d}
    chmod 1777 /needed/tmp
    for dir in bin lib lib64 sbin; do ln -s "usr/$dir" "/needed/$dir"; done
    ln -s /usr/share/zoneinfo/Etc/UTC /needed/etc/localtime
    ln -s /etc/ssl/certs/ca-certificates.crt /needed/usr/lib/ssl/cert.pem
    ln -s /etc/ssl/openssl.cnf /needed/usr/lib/ssl/openssl.cnf
    echo 'hosts: files dns' > /needed/etc/nsswitch.conf
    printf '%s\n' root:x:0:0::/tmp:/bin/sh nobody:x:65534:65534::/tmp:/bin/sh > /needed/etc/passwd
    printf '%s\n' root:x:0: nogroup:x:65534: > /needed/etc/group
    {
        cat /var/lib/added
        find /usr/lib/locale/C.utf8 /usr/share/{terminfo,zoneinfo}
        printf '%s\n' /usr/bin/{bash,busybox,tini} /etc/{ld.so.cache,os-release,ssl/openssl.cnf,ssl/certs/ca-certificates.crt} \
            /usr/lib/os-release /usr/lib/*/ossl-modules/legacy.so
    } | tar -C / --no-recursion -cf - -T - | tar -C /needed --keep-directory-symlink -xf -
}

# copy_libraries LIST: the libraries that LIST names, and those that the files in /needed load.
copy_libraries() {
    local library dir
    {
        sed 's/.*/- => &/' "$1"
        find /needed -type f \( -name '*.so*' -o -perm -u+x \) -exec ldd {} + 2> /dev/null || true
    } | awk '$2 == "=>" && $3 ~ "^/" { print $3 } $1 ~ "^/" && $2 ~ "^[(]" { print $1 }' | sort -u |
        while read -r library; do
            dir=/needed$(realpath "$(dirname "$library")")
            mkdir -p "$dir"
            cp -Lp "$library" "$dir/"
        done
}

# finish: links the tools, lists for scanners which packages the files come from, and takes the time of the build off them.
finish() {
    local tool package
    ln -s bash /needed/usr/bin/sh
    for tool in $TOOLS; do [ -e "/needed/usr/bin/$tool" ] || ln -s busybox "/needed/usr/bin/$tool"; done
    {
        echo ca-certificates
        find /needed -type f -printf '/%P\n' | xargs dpkg -S 2> /dev/null || true
    } | cut -d : -f 1 | sort -u |
        while read -r package; do dpkg-query -s "$package" > "/needed/var/lib/dpkg/status.d/$package"; done
    find /needed -exec touch -hd @0 {} +
}
