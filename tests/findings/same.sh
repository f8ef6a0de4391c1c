#!/bin/sh
# Many crashes of five planted bugs, and exactly five findings.
#
#   same.sh ROOT [CRASHES]      so many or more of each bug (default: 60)
#
# One folder takes the findings of all five, one bug after the other. Skipped (77) where the CPython with planted
# bugs cannot be had.
set -eu
LC_ALL=C
export LC_ALL
root=$(cd "$1" && pwd)
crashes=${2:-60}
pyzap=$root/build/planted/bin/pyzap
# Which, and how many plans it takes for a crash, about.
bugs='module-double-free:50 del-two-references:290 del-recursion:22 weakref-fatal:180 generator-null:9'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

status=0
"$root/tests/planted-cpython/build.sh" >"$work/build.out" 2>&1 || status=$?
if [ "$status" = 2 ]; then
    echo "SKIP: $(tail -n 1 "$work/build.out")"
    exit 77
fi
[ "$status" = 0 ] || {
    cat "$work/build.out"
    exit 1
}

failed=0
total=0
for bug in $bugs; do
    name=${bug%:*}
    status=0
    PYZAP_CPYTHON_BUG=$name "$pyzap" check --plans $((crashes * ${bug#*:})) --seed 2 --out "$work/out" --json \
        >"$work/said" 2>"$work/err" </dev/null || status=$?
    [ $status = 1 ] || {
        echo "FAIL: $name: pyzap ended with status $status"
        tail -n 5 "$work/err"
        failed=1
    }
    n=$(sed -n 's/.*"CRASHED": *\([0-9]*\).*/\1/p' "$work/said" | head -n 1)
    echo "$name: ${n:-no} crashes"
    [ "${n:-0}" -ge "$crashes" ] || {
        echo "FAIL: these are fewer than $crashes"
        failed=1
    }
    total=$((total + ${n:-0}))
done
findings=$(find "$work/out" -mindepth 1 -maxdepth 1 -type d | sed 's|.*/||' | sort)
echo "$total crashes, $(echo "$findings" | grep -c .) findings:"
echo "$findings"
[ "$(echo "$findings" | grep -c .)" = 5 ] || failed=1
[ "$(find "$work/out" -mindepth 2 -maxdepth 2 -name min.plan | grep -c .)" = 5 ] || failed=1
exit $failed
