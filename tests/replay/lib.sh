# What the tests of `pyzap replay` share. Sets here, the folder of the test, and work, one of its own to be in; count failures with fail, end
# with finish. fakes NAME... makes workers of these names out of $fake.
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAIL: $*"
    [ ! -s out ] || sed 's/^/    /' out | head -n 40
    failures=$((failures + 1))
}

fakes() {
    mkdir -p workers
    for name; do
        ln -sf "$fake" "workers/worker-$name"
    done
    PYZAP_WORKERS=$work/workers
    export PYZAP_WORKERS
}

# expect STATUS WORDS COMMAND...: its status, and WORDS in what it prints (in `out`), where a line's end
# counts as a space.
expect() {
    wanted=$1
    words=$2
    shift 2
    "$@" >out 2>&1
    status=$?
    [ $status = "$wanted" ] || fail "$*: status $status instead of $wanted"
    tr '\n' ' ' <out | tr -s ' ' | grep -qF -e "$words" || fail "$*: does not say \"$words\""
}

finish() {
    [ $failures = 0 ] || exit 1
    exit 0
}
