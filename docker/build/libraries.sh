# shellcheck shell=bash
# What the release loads of the image's libraries, asked of the loader itself, with every file in its final place.

# number FILE OFFSET BYTES: a number in a file.
number() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }

# machine FILE: class, byte order and CPU of an ELF file.
machine() { echo "$(od -An -t x1 -j 4 -N 2 "$1" | tr -d ' ')-$(number "$1" 18 2)"; }

# interpreter FILE: the loader that a program asks for; nothing where the file is not a program.
interpreter() {
    local word=8 at=32 sizes=54 offset=8 length=32 headers size count i
    [ "$(number "$1" 4 1)" = 2 ] || { word=4 at=28 sizes=42 offset=4 length=16; }
    headers=$(number "$1" "$at" "$word") size=$(number "$1" "$sizes" 2) count=$(number "$1" $((sizes + 2)) 2)
    for ((i = headers; i < headers + size * count; i += size)); do
        [ "$(number "$1" "$i" 4)" = 3 ] || continue
        dd if="$1" bs=1 skip="$(number "$1" $((i + offset)) "$word")" count="$(number "$1" $((i + length)) "$word")" 2> /dev/null |
            tr -d '\0'
    done
}

# is_excepted LIBRARY FILE: whether MISSING_LIBRARIES names one of them.
is_excepted() {
    local pattern
    set -f
    for pattern in $MISSING_LIBRARIES; do
        # shellcheck disable=SC2254 # patterns
        case $1 in $pattern) set +f; return 0 ;; esac
        # shellcheck disable=SC2254
        case $2 in $pattern | */$pattern) set +f; return 0 ;; esac
    done
    set +f
    return 1
}

# once NAME COMMAND...: runs a command for half a minute at most, the first time; then it tells how that went.
once() {
    local marker=/tmp/once-$1
    shift
    [ -e "$marker" ] || { timeout 30 "$@" > /dev/null 2>&1 && echo 0 || echo 1; } > "$marker"
    [ "$(< "$marker")" = 0 ]
}

# package_of LIBRARY: the package of Debian that has it. The builder's lists know what the release was linked with; otherwise
# the package with the usual name is looked into, and then Debian's whole list. What takes longer than half a minute is left.
package_of() {
    local list name version candidate folder
    list=$(grep -lE "/${1//./\\.}\$" /builder/*.list 2> /dev/null | head -n 1) || true
    if [ -n "$list" ]; then
        list=${list##*/} list=${list%.list}
        echo "${list%%:*}"
        return
    fi
    case $1 in libc.musl-* | ld-musl-*) return ;; esac
    once update-lists apt-get update || return 0
    folder=$(mktemp -d)
    name=${1%%.so*} version=${1#*.so} version=${version#.}
    case $name in *[0-9]) name=$name${version:+-} ;; esac
    name=$(echo "$name$version" | tr 'A-Z_' 'a-z-')
    for candidate in "$name" "${name}t64"; do
        (cd "$folder" && timeout 30 apt-get download "$candidate") > /dev/null 2>&1 || continue
        dpkg-deb -c "$folder"/*.deb | grep -E "/${1//./\\.}( |\$)" > /dev/null || continue
        echo "$candidate"
        return
    done
    once install-apt-file env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends apt-file || return 0
    once update-apt-file apt-file update || return 0
    apt-file search --package-only "/$1" | sed -n 1p
}

# complain LIBRARY FILE SETTING: what is missing, and the two ways on.
complain() {
    local file=${2#/app/} package beside
    beside=$(find /app -name "$1" ! -path "$2" | head -n 1)
    printf '%s loads %s, which ' "$file" "$1"
    if [ -n "$beside" ]; then
        printf "is in %s, where the loader does not look: link it with -Wl,-rpath,'\$ORIGIN'.\n" "${beside#/app/}"
    elif package=$(package_of "$1") && [ -n "$package" ]; then
        printf 'the image does not have: it is in %s. Add it: %s\n' "$package" \
            "pulumi config set --path 'runtimePackages[$(wc -w <<< "$RUNTIME_PACKAGES")]' $package"
    else
        printf 'the image does not have, and Debian knows no package for.\n'
    fi
    printf "  If the release runs without it: pulumi config set --path 'missingLibraries[%s]' %s\n" "$3" "$1"
}

# Asks the loader for every file of the release that it loads, fails where a library is missing, and leaves the paths of those
# that it has found in /libraries.
find_libraries() {
    local own_machine own_loader file loader listed library rest missing='' foreign='' last='' exceptions
    own_machine=$(machine /bin/bash) own_loader=$(realpath "$(interpreter /bin/bash)")
    exceptions=$(wc -w <<< "$MISSING_LIBRARIES")
    : > /tmp/listed
    while IFS= read -r -d '' file; do
        # Neither objects for a linker nor core dumps.
        case $(number "$file" 16 2) in 2 | 3) ;; *) continue ;; esac
        if [ "$(machine "$file")" != "$own_machine" ]; then
            foreign+="${file#/app/} (a different CPU) "
            continue
        fi
        loader=$(interpreter "$file")
        if [ -n "$loader" ] && [ "$(realpath -m "$loader")" != "$own_loader" ]; then
            foreign+="${file#/app/} ($loader) "
            continue
        fi
        listed=$(ldd "$file" 2>&1) || true
        while read -r library rest; do
            case $rest in
                '=> not found'*)
                    is_excepted "$library" "${file#/app/}" || missing+="$library $file"$'\n' ;;
                '=> /'*) rest=${rest#=> } && echo "${rest% (*}" ;;
                '('*) case $library in /*) echo "$library" ;; esac ;;
                *"version "*" not found"*)
                    is_excepted "${library%:}" "${file#/app/}" || missing+="version $file $rest"$'\n' ;;
            esac >> /tmp/listed
        done <<< "$listed"
    done < <(LC_ALL=C grep -rlaZ $'^\x7fELF' /app || true)
    [ -z "$foreign" ] || echo "Not looked into, as this image's loader does not load them: $foreign"
    grep -v '^/app/' /tmp/listed | sort -u > /libraries || true
    [ -n "$missing" ] || return 0
    while read -r library file rest; do
        # A file of the same library has the same exception.
        [ "$library" = "$last" ] || [ -z "$last" ] || exceptions=$((exceptions + 1))
        last=$library
        if [ "$library" = version ]; then
            echo "${file#/app/} does not fit the libraries of the image (${rest% (required*}): builderImage and runnerImage must be of one Debian."
        else
            complain "$library" "$file" "$exceptions"
        fi
    done < <(printf %s "$missing" | sort -u)
    exit 1
}
