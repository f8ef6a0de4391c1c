#!/bin/sh
# Transitions guide: the planted bug chain-of-six takes six __del__, each of which brings down the next. With
# the transitions as feedback libFuzzer finds it within RUNS runs from nothing, whatever the seed; without
# them (PYZAP_FUZZ_FEEDBACK=off) it does not. The interpreter is a stock one, so there is no other feedback.
#
#   guides.sh TARGET
set -u
target=$1
RUNS=300000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# Prints the number of runs until the bug was found, or "none".
search() { # feedback, seed
    mkdir -p "$work/corpus-$1-$2"
    PYZAP_FUZZ_FEEDBACK=$1 PYZAP_PLANT=chain-of-six "$target" -seed="$2" -runs=$RUNS -len_control=0 \
        -max_len=1024 -artifact_prefix="$work/" -print_final_stats=1 "$work/corpus-$1-$2" \
        >"$work/log" 2>&1 </dev/null
    if grep -q 'I13 .* is broken' "$work/log"; then
        sed -n 's/^stat::number_of_executed_units: *//p' "$work/log"
    elif grep -q "^Done $RUNS runs" "$work/log"; then
        echo none
    else
        tail -n 20 "$work/log" >&2
        echo failed
    fi
}

for seed in 1 2 3; do
    with=$(search '' $seed)
    without=$(search off $seed)
    echo "seed $seed: found after $with runs with feedback, $without without"
    case $with in *[!0-9]* | '') failed=1 ;; esac
    [ "$without" = none ] || failed=1
done
exit $failed
