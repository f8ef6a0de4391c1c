#!/bin/sh
# tools/build-cpython on wrong arguments, without a network, and with a source tree that is quick to build.
#
#   test_build_cpython.sh ROOT
#
# Runs a copy, so that neither its folders nor its lock are the real ones. The source tree is a configure that
# writes a Makefile; what both do is said by files in the source tree.
set -u
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools" "$work/bin"
cp "$root/tools/build-cpython" "$root/tools/apt.sh" "$work/tools"
failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# Run it; status, out and err are what it did.
run() { # arguments...
    (cd "$work" && tools/build-cpython "$@") >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

# Status 2, and one line that holds these words.
refuses() { # words, arguments...
    words=$1
    shift
    run "$@"
    [ "$status" = 2 ] || fail "$*: status $status, not 2"
    [ "$(wc -l <"$work/err")" = 1 ] || fail "$*: not one line: $(cat "$work/err")"
    grep -q "^build-cpython: .*$words" "$work/err" || fail "$*: says $(cat "$work/err"), not '$words'"
}

# --- arguments ---
run --help
[ "$status" = 0 ] || fail "--help: status $status"
grep -q -- '--variant' "$work/out" || fail "--help says nothing"
refuses "whose source"
refuses "whose source" --variant cov
refuses "unknown suite woody" woody --variant cov
refuses "which --variant" bookworm
refuses "unknown variant fast" bookworm --variant fast
refuses "needs a value" bookworm --variant
refuses "needs a value" bookworm --variant ''
refuses "needs a value" bookworm --series
refuses "unknown option --fast" bookworm --fast
refuses "one source at a time" bookworm trixie --variant debug
refuses "unknown series 3.5" bookworm --variant debug --series 3.5
refuses "unknown series" bookworm --variant debug --series 3.11.2
refuses "no free-threaded build" bookworm --variant nogil
refuses "no free-threaded build" bullseye --variant nogil --series 2.7
refuses "holds no CPython source" ./nowhere --variant debug
CC=no-such-compiler refuses "needs no-such-compiler" bookworm --variant env
[ ! -e "$work/build" ] || fail "a refusal left something behind"

# --- no network ---
for command in apt-get apt-cache dpkg-source; do
    printf '#!/bin/sh\necho "Err:1 something"\necho "E: Failed to fetch it  404  Not Found" >&2\nexit 100\n' \
        >"$work/bin/$command"
    chmod +x "$work/bin/$command"
done
PATH=$work/bin:$PATH CC=cc refuses '\(Failed to fetch\|no Debian mirror\)' bookworm --variant env
[ ! -e "$work/build/cpython/3.11-env" ] || fail "a failed download leaves a build folder behind"

# --- a source tree ---
tree=$work/tree
mkdir -p "$tree"
cat >"$tree/configure" <<'END'
#!/bin/sh
PACKAGE_NAME='python'
PACKAGE_VERSION='3.11'
source=$(dirname "$0")
echo "$CC $CFLAGS $*" >>"$source/configured"
[ ! -e config.cache ] || cp config.cache "$source/answers"
printf "ac_cv_env_CFLAGS_value='$CFLAGS'\nac_cv_header_ffi_h=yes\n" >config.cache
printf 'python pybuilddir.txt:\n\tsh %s/make $@\n' "$source" >Makefile
END
cat >"$tree/make" <<'END'
echo '#!/bin/sh' >"$1"
chmod +x "$1"
END
chmod +x "$tree/configure"
configured() { # how often
    [ "$(wc -l <"$tree/configured")" = "$1" ] || fail "configured $(wc -l <"$tree/configured") times, not $1"
}
builds() { # how often configured until now, arguments...
    times=$1
    shift
    run "$@"
    [ "$status" = 0 ] || fail "$*: status $status: $(cat "$work/err")"
    configured "$times"
}
export CC=cc CFLAGS=-O1
into=$work/build/cpython/3.11-env

builds 1 ./tree --variant env
grep -qx 'cc -O1 .*' "$tree/configured" || fail "CC and CFLAGS did not arrive"
[ -x "$into/python" ] && [ -e "$into/pyzap-finished" ] || fail "nothing was built"
[ ! -e "$into/pyzap-unfinished" ] || fail "finished, and unfinished"
builds 1 ./tree --variant env
grep -q 'is there already' "$work/out" || fail "says nothing of what is there"
: >"$into/leftover"
CFLAGS=-O2 builds 2 ./tree --variant env
[ ! -e "$into/leftover" ] || fail "built into what another build left"
builds 3 ./tree --variant env --into else/where
[ -e "$work/else/where/pyzap-finished" ] || fail "--into has no effect"

# A build that fails, and one that is killed.
mv "$tree/make" "$tree/good"
echo 'echo no compiler today; exit 1' >"$tree/make"
run ./tree --variant env --into failed
[ "$status" = 1 ] || fail "a failed build: status $status"
grep -q 'no compiler today' "$work/err" || fail "a failed build does not say why"
[ ! -e "$work/failed/pyzap-finished" ] || fail "a failed build looks finished"
echo 'touch started; sleep 10' >"$tree/make"
(cd "$work" && exec tools/build-cpython ./tree --variant env --into killed) >"$work/out" 2>&1 &
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ ! -e "$work/killed/started" ] || break
    sleep 0.2
done
[ -e "$work/killed/started" ] || fail "the build to be killed did not begin"
kill -9 $!
wait $! 2>/dev/null
[ ! -e "$work/killed/pyzap-finished" ] || fail "a killed build looks finished"
cp "$tree/good" "$tree/make"
CFLAGS=-O3 builds 6 ./tree --variant env --into killed
[ -e "$work/killed/pyzap-finished" ] && [ ! -e "$work/killed/started" ] || fail "a killed build was not made again"

# A patch changes a copy.
printf 'one\n' >"$tree/words"
printf -- '--- a/words\n+++ b/words\n@@ -1 +1 @@\n-one\n+two\n' >"$work/two.patch"
builds 6 ./tree --variant env --patch two.patch --into patched
[ "$(cat "$tree/words")" = one ] || fail "a patch changed the source itself"
[ "$(cat "$work/patched/source/words")" = two ] || fail "a patch has no effect"
[ "$(wc -l <"$work/patched/source/configured")" = 7 ] || fail "what was configured is not the patched copy"
builds 6 ./tree --variant env --patch two.patch --into patched
grep -q 'is there already' "$work/out" || fail "a patched build is made again"
sed 's/+two/+three/' "$work/two.patch" >"$work/three.patch"
builds 6 ./tree --variant env --patch three.patch --into patched
[ "$(cat "$work/patched/source/words")" = three ] || fail "another patch has no effect"
sed 's/-one/-four/' "$work/two.patch" >"$work/four.patch"
refuses "does not fit" ./tree --variant env --patch four.patch --into patched
[ ! -e "$work/patched/pyzap-finished" ] || fail "a patch that does not fit looks finished"
refuses "needs --into" ./tree --variant env --patch two.patch
refuses "cannot read the patch" ./tree --variant env --patch no.patch --into patched

# What is not ours is not emptied.
mkdir "$work/mine"
echo precious >"$work/mine/file"
refuses "not made by build-cpython" ./tree --variant env --into mine
[ "$(cat "$work/mine/file")" = precious ] || fail "somebody's files are gone"
: >"$work/a-file"
refuses "a-file" ./tree --variant env --into a-file
refuses "cannot make the folder" ./tree --variant env --into a-file/below
mkdir "$work/empty"
builds 7 ./tree --variant env --into empty

# Two at once: one of them builds.
(cd "$work" && exec tools/build-cpython ./tree --variant env --into both) >/dev/null 2>&1 &
builds 8 ./tree --variant env --into both
wait $! || fail "the other of two failed"

# What configure has answered is not asked again: unless it is about another machine, or packages have come since.
asked() { # what the cache held, or nothing; arguments of builds...
    rm -f "$tree/answers"
    held=$1
    shift
    builds "$@"
    [ "$(cat "$tree/answers" 2>/dev/null)" = "$held" ] || fail "$*: configure was given $(cat "$tree/answers" 2>&1)"
}
CFLAGS=-O2 asked ac_cv_header_ffi_h=yes 9 ./tree --variant env --into answered
CFLAGS=-m32 asked '' 10 ./tree --variant env --into for-32
find "$work/build/cpython-source" -name '*.cache' -exec touch -d 2001-01-01 {} +
if [ -e /var/lib/dpkg/status ]; then
    asked '' 11 ./tree --variant env --into with-more-packages
fi

mkdir -p "$tree/Programs"
: >"$tree/Programs/python.o"
refuses "built in place" ./tree --variant env --into other

[ "$failures" = 0 ]
