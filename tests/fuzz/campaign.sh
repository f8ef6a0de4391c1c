#!/bin/sh
# A campaign from the seeds, on a build with three planted bugs that each take at least three things
# together: `pyzap fuzz` finds all of them and reports each once.
#
# It ends when they are found, however slow the machine is, and LIMIT_S is a limit for hopeless cases only:
# where more is found than was planted the engine ends too early, so it is asked for one finding more in the
# next round, and goes on with the corpus that it has.
#
#   campaign.sh PYZAP WORKERS ENGINE BUILD     the folder of the planted workers
set -u
pyzap=$1
workers=$2
engine=$3
build=$4
LIMIT_S=300
ROUND_S=100
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

reports() { # signature
    find "$work/out" -mindepth 1 -maxdepth 1 -type d -name "$build-$1" | grep -c .
}

is_complete() {
    [ "$(reports I3)" != 0 ] && [ "$(reports I9)" != 0 ] && [ "$(reports I13)" != 0 ]
}

started=$(date +%s)
wanted=3
left=$LIMIT_S
failed=0
while [ "$left" -gt 0 ]; do
    round=$((left < ROUND_S ? left : ROUND_S))
    PYZAP_WORKERS=$workers PYZAP_PLANT=three-rows,four-rows,chain-of-six \
        "$pyzap" fuzz --engine "$engine" --python "$build" --time $round --max-findings $wanted \
        --corpus "$work/corpus" --out "$work/out" >"$work/log" 2>&1 </dev/null
    status=$?
    cat "$work/log"
    [ "$status" = 1 ] || {
        echo "FAILED: exit status $status"
        failed=1
        break
    }
    left=$((LIMIT_S - $(date +%s) + started))
    ! is_complete || break
    wanted=$((wanted + 1))
done
echo "$((LIMIT_S - left)) s in all"
for signature in I3 I9 I13; do
    count=$(reports $signature)
    [ "$count" = 1 ] || {
        echo "FAILED: $signature was reported $count times"
        failed=1
    }
done
exit $failed
