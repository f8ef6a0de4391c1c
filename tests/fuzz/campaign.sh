#!/bin/sh
# A campaign of a minute, from the seeds, on a build with three planted bugs that each take at least three
# things together: `pyzap fuzz` finds all of them and reports each once.
#
#   campaign.sh PYZAP WORKERS ENGINE BUILD     the folder of the planted workers
set -u
pyzap=$1
workers=$2
engine=$3
build=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PYZAP_WORKERS=$workers PYZAP_PLANT=three-rows,four-rows,chain-of-six "$pyzap" fuzz --engine "$engine" \
    --python "$build" --time 60 --corpus "$work/corpus" --out "$work/out" >"$work/log" 2>&1 </dev/null
status=$?
cat "$work/log"
failed=0
[ "$status" = 1 ] || {
    echo "FAILED: exit status $status"
    failed=1
}
for signature in I3 I9 I13; do
    count=$(find "$work/out" -mindepth 1 -maxdepth 1 -type d -name "$build-$signature" | grep -c .)
    [ "$count" = 1 ] || {
        echo "FAILED: $signature was reported $count times"
        failed=1
    }
done
exit $failed
