#!/bin/sh
# Crashes and hangs that are known of a CPython, as if nobody knew: random plans find each of them, `pyzap check`
# files it once, makes it small and names it, and repro.py shows it on the bare interpreter, or the report
# says which C API it takes. Without --run-known nothing is found.
#
#   known.sh PYZAP SERIES SIGNATURE...     the beginnings of the signatures; nothing else may be found
set -u
pyzap=$1
series=$2
shift 2
lines_max=8 # of a plan, without comments and the first line
plans=12000

build=$("$pyzap" pythons | sed -n "s/^\($series\.[0-9]*\)  .*/\1/p" | head -n 1)
[ -n "$build" ] || {
    echo "SKIP: no release build of $series"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
    echo "FAILED: $*"
    failed=1
}

"$pyzap" check --python "$build" --plans $plans --out "$work/none" >"$work/log" 2>&1 </dev/null ||
    fail "exit status $? where what is known is left alone: $(cat "$work/log")"
"$pyzap" check --run-known --python "$build" --plans $plans --out "$work/out" >"$work/log" 2>&1 </dev/null
[ $? = 1 ] || fail "it does not end with 1: $(cat "$work/log")"
for signature in "$@"; do
    count=$(find "$work/out" -mindepth 1 -maxdepth 1 -name "$build-$signature*" | grep -c .)
    [ "$count" = 1 ] || fail "$signature is $count findings"
done
for folder in "$work"/out/*; do
    name=$(basename "$folder")
    lines=$(grep -cv -e '^#' -e '^pyzap plan' "$folder/min.plan")
    shown=$(sed -n 's/^repro\.py shows it on .*: \(yes\|no\)\(: .*\)\{0,1\}$/\1\2/p' "$folder/report.md")
    echo "$name: $lines lines, repro.py: $shown"
    [ "$lines" -le $lines_max ] || fail "$name has $lines lines"
    case $shown in
    yes | "no: needs the C API: "*) ;;
    *) fail "$name: repro.py does not show it" ;;
    esac
done
count=$(find "$work/out" -mindepth 1 -maxdepth 1 | grep -c .)
[ "$count" = $# ] || fail "$count findings, not $#: $(ls "$work/out")"
exit $failed
