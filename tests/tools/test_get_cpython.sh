#!/bin/sh
# tools/get-cpython on wrong arguments, without a network, and with packages that are quick to fetch.
#
#   test_get_cpython.sh ROOT
#
# Runs a copy, so that neither its folders nor its lock are the real ones. apt is a stand-in whose packages are in a
# folder; they hold a python that is a shell script.
set -u
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools" "$work/bin" "$work/packages"
cp "$root/tools/get-cpython" "$root/tools/apt.sh" "$work/tools"
failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# Run it; status, out and err are what it did.
run() { # arguments...
    (cd "$work" && PATH=$work/bin:$PATH tools/get-cpython "$@") >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

# Its status, and one line on stderr that holds these words.
says() { # status, words, arguments...
    wanted=$1
    words=$2
    shift 2
    run "$@"
    [ "$status" = "$wanted" ] || fail "$*: status $status, not $wanted"
    [ "$(wc -l <"$work/err")" = 1 ] || fail "$*: not one line: $(cat "$work/err")"
    grep -q "^get-cpython: .*$words" "$work/err" || fail "$*: says $(cat "$work/err"), not '$words'"
}

is_there() { # folder...
    for folder in "$@"; do
        [ -f "$work/build/cpython/$folder/pyzap-finished" ] || fail "$folder is not there"
    done
}

for tool in dpkg-deb dpkg-architecture; do
    command -v $tool >/dev/null 2>&1 || {
        echo "SKIP: $tool is not installed"
        exit 77
    }
done

# --- arguments ---
printf '#!/bin/sh\nexit 1\n' >"$work/bin/patchelf"
chmod +x "$work/bin/patchelf"
run --help
[ "$status" = 0 ] || fail "--help: status $status"
grep -q -- '--debug' "$work/out" || fail "--help says nothing"
says 2 "whose"
says 2 "whose" --debug
says 2 "unknown suite woody" woody
says 2 "unknown suite 3.14" bullseye 3.14
says 2 "unknown option --fast" sid --fast
[ ! -e "$work/build" ] || fail "a refusal left something behind"

# --- no network ---
for command in apt-get apt-cache; do
    printf '#!/bin/sh\necho "E: Failed to fetch it  404  Not Found" >&2\nexit 100\n' >"$work/bin/$command"
    chmod +x "$work/bin/$command"
done
says 2 '\(Failed to fetch\|no Debian mirror\)' sid
[ -z "$(ls "$work/build/cpython")" ] || fail "a failed update leaves a folder behind"
grep -qs '/debian/*$' /etc/apt/sources.list /etc/apt/sources.list.d/* || grep -qs '/debian/* ' /etc/apt/sources.list \
    /etc/apt/sources.list.d/* || {
    echo "SKIP: the rest, this system's apt names no Debian mirror"
    exit 77
}

# --- packages ---
package() { # name, interpreter or -, what it ends with, another file or -
    rm -rf "$work/tree"
    mkdir -p "$work/tree/DEBIAN" "$work/tree/usr/bin"
    printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y>\nDescription: x\n' "$1" \
        >"$work/tree/DEBIAN/control"
    if [ "$2" != - ]; then
        printf '#!/bin/sh\necho "%s $*" >>"%s"\necho "it is broken" >&2\nexit %s\n' "$2" "$work/ran" "$3" \
            >"$work/tree/usr/bin/$2"
        chmod +x "$work/tree/usr/bin/$2"
    fi
    if [ "$4" != - ]; then
        mkdir -p "$work/tree/$(dirname "$4")"
        : >"$work/tree/$4"
    fi
    dpkg-deb -b "$work/tree" "$work/packages/$1.deb" >/dev/null
}
series_of() { # series, what its interpreter ends with
    for name in "libpython$1-minimal" "libpython$1-stdlib" "libpython$1-dev" "libpython$1" "python$1-minimal" \
        "libpython$1-dbg"; do
        package "$name" - 0 -
    done
    package "python$1" "python$1" "$2" -
    package "python$1-dbg" "python$1-dbg" "$2" -
}
cat >"$work/bin/apt-get" <<END
#!/bin/sh
while [ \$# -gt 0 ]; do
    case \$1 in
    -o) shift ;;
    update) exit 0 ;;
    download) break ;;
    esac
    shift
done
shift
echo "\$*" >>"$work/downloads"
for name in "\$@"; do
    [ -e "$work/packages/\$name.deb" ] || { echo "E: Unable to locate package \$name" >&2; exit 100; }
    cp "$work/packages/\$name.deb" .
done
END
cat >"$work/bin/apt-cache" <<END
#!/bin/sh
case "\$*" in
*pkgnames*) printf '%s\n' python3 python3.9 python3.14 python3.15 python3.15-dbg python3.100a ;;
*libc6*) printf 'Package: libc6\nVersion: %s\n' "\$(cat "$work/libc")" ;;
esac
END
echo 0.1 >"$work/libc"
series_of 2.7 0
says 0 "3.9 of bullseye cannot be had today: .*Unable to locate" bullseye
is_there 2.7-bullseye
[ ! -e "$work/build/cpython/3.9-bullseye" ] || fail "what cannot be had leaves a folder behind"
grep -q '^python2.7 ' "$work/ran" || fail "nobody asked whether it runs"

# Once is enough; with its debug build it is another matter.
series_of 3.9 0
: >"$work/downloads"
run bullseye
[ "$status" = 0 ] || fail "again: status $status"
grep -q '2.7-bullseye is there already' "$work/out" || fail "again: $(cat "$work/out")"
[ "$(wc -l <"$work/downloads")" = 1 ] || fail "again: not only 3.9 is fetched"
run bullseye --debug
is_there 2.7-bullseye 3.9-bullseye
[ -x "$work/build/cpython/2.7-bullseye/usr/bin/python2.7-dbg" ] || fail "--debug brings no debug build"
: >"$work/downloads"
run bullseye
run bullseye --debug
[ ! -s "$work/downloads" ] || fail "what is there with its debug build is fetched again: $(cat "$work/downloads")"

# What does not run is said, and not taken for one that does; it is fetched again the next time.
series_of 3.11 1
says 1 "3.11-bookworm/usr/bin/python3.11 does not run: it is broken" bookworm
[ ! -e "$work/build/cpython/3.11-bookworm/pyzap-finished" ] || fail "one that does not run counts as there"
series_of 3.11 0
run bookworm
is_there 3.11-bookworm

# A folder of somebody else stays as it is.
mkdir -p "$work/build/cpython/3.13-trixie"
echo mine >"$work/build/cpython/3.13-trixie/file"
series_of 3.13 0
says 2 "3.13-trixie is there and not made by get-cpython" trixie
[ "$(cat "$work/build/cpython/3.13-trixie/file")" = mine ] || fail "a folder of somebody else was changed"

# A newer C library comes along, and the interpreter is told to run with that. sid's own series are those from 3.14.
echo 999 >"$work/libc"
printf '#!/bin/sh\necho "$*" >>"%s"\n' "$work/patched" >"$work/bin/patchelf"
series_of 3.14 0
series_of 3.15 0
for name in libc6-dev linux-libc-dev libgcc-s1 libcrypt1 zlib1g zlib1g-dev libexpat1 libexpat1-dev libzstd1 libzstd-dev; do
    package $name - 0 -
done
package libc6 - 0 usr/lib64/ld-linux-x86-64.so.2
run sid
[ "$status" = 0 ] || fail "sid: status $status, $(cat "$work/err")"
is_there 3.14-sid 3.15-sid
[ ! -e "$work/build/cpython/3.9-sid" ] || fail "sid's 3.9 is bullseye's"
for series in 3.14 3.15; do
    grep -q -- "--set-interpreter $work/build/cpython/$series-sid/lib64/ld-linux-x86-64.so.2 .*/python$series\$" \
        "$work/patched" || fail "python$series runs with this system's C library"
done

# One that was killed has left half of it.
mv "$work/build/cpython/3.15-sid/pyzap-finished" "$work/build/cpython/3.15-sid/pyzap-unfinished"
run sid
is_there 3.15-sid

printf '%s failures\n' "$failures"
[ "$failures" = 0 ]
