#!/bin/sh
# Killing `pyzap check` at any moment loses no finding that it has told of, and leaves no half-written file.
#
#   kill.sh PYZAP FAKE_WORKER [KILLS]      so many sessions (default: 50)
#
# Sessions with many findings are killed (SIGKILL) at moments that a seed decides; it is printed, and
# PYZAP_KILL_SEED gives it again. Every other one is killed some time after its start, and may not have come
# to anything; the others some time after they have told of so many findings, however slow the machine is. They
# share a folder, as sessions do, so that new findings, folders of earlier sessions and what the killed have
# left meet. After each kill every folder that was told of is
# there, or has gone to the flaky ones; all files in all of them are whole; and nothing half-written has a
# name that is not hidden. The session after the last one removes what is hidden.
set -u
pyzap=$(realpath "$1")
fake=$(realpath "$2")
seed=${PYZAP_KILL_SEED:-$$}
kills=${3:-50}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/workers"
for name in 3.9.18 3.11.7; do
    ln -s "$fake" "$work/workers/worker-$name"
done
export PYZAP_WORKERS="$work/workers"
export ZAP_FAKE='finding@raise,segv@keep,fatal@collect,exit@grow,assert@7,slow'
out=$work/out
failed=0
echo "seed $seed"

fail() {
    echo "FAILED after kill $kill_number ($delay_ms ms): $*"
    failed=1
}

# The last line of a script. The interpreter goes on after the route; or its own end is the route; or a
# subinterpreter's was, and its own is no part of the plan; or the script has looked for a freed key.
script_ends='^(z\.end\(\)|exec\(compile\(LATE, .*\)|os\._exit\(0\)  # .*|    os\._exit\(3\))$'

# Whole: it ends as such a file ends, and plans can be read.
check_folder() {
    for name in found.plan min.plan trace.txt repro.py report.md; do
        [ -s "$1/$name" ] || fail "$1/$name is missing or empty"
    done
    tail -n 1 "$1/repro.py" | grep -qE "$script_ends" || fail "$1/repro.py is cut"
    tail -n 1 "$1/report.md" | grep -q '^```$' || fail "$1/report.md is cut"
    head -n 1 "$1/trace.txt" | grep -q '^build ' || fail "$1/trace.txt is no trace"
    for name in "$1"/*; do
        [ ! "$name" -ot "$work/checked" ] || continue # as it was when it was looked at last
        case ${name##*/} in
        found.plan | min.plan | again.plan | earlier.plan)
            "$pyzap" show --text "$name" >/dev/null 2>"$work/why" || fail "$(cat "$work/why")" ;;
        trace.txt | repro.py | report.md) ;;
        *) fail "$name should not be there" ;;
        esac
    done
}

check_all() {
    touch "$work/checking"
    sed -n 's/^found \(.*-[^ ]*\)  [A-Z_]*  .*/\1/p' "$work"/told.* | sort -u >"$work/shown"
    while read -r folder; do
        [ -d "$folder" ] || [ -d "$out/flaky/${folder##*/}" ] || fail "$folder was told of and is gone"
    done <"$work/shown"
    for folder in "$out"/[!.]*-* "$out"/flaky/[!.]*-*; do
        [ ! -e "$folder" ] || check_folder "$folder"
    done
    mv "$work/checking" "$work/checked"
}

# Wait until a session has told of so many findings, or has ended.
wait_for() { # count, file, process
    while [ "$(grep -c '^found ' "$2")" -lt "$1" ] && kill -0 "$3" 2>/dev/null; do
        sleep 0.01
    done
}

kill_number=0
shown=0
drafts=0
while [ "$kill_number" -lt "$kills" ]; do
    kill_number=$((kill_number + 1))
    # Numbers of awk's generator, which the seed sets; short ones are more frequent.
    delay_ms=$(awk -v seed="$((seed * 1000 + kill_number))" 'BEGIN { srand(seed); rand(); r = rand(); print int(20 + 1100 * r * r) }')
    [ $((kill_number % 10)) != 1 ] || rm -rf "$out" "$work"/told.*
    "$pyzap" check --seed "$kill_number" --plans 300 --deadline 0.5 --out "$out" \
        >/dev/null 2>"$work/told.$kill_number" </dev/null &
    pid=$!
    [ $((kill_number % 2)) = 0 ] || wait_for $((1 + delay_ms % 3)) "$work/told.$kill_number" "$pid"
    sleep "$(awk -v ms="$delay_ms" 'BEGIN { print ms / 1000 }')"
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    check_all
    [ "$failed" = 0 ] || exit 1
    shown=$((shown + $(grep -c . "$work/told.$kill_number")))
    drafts=$((drafts + $(find "$out" -mindepth 1 -name '.*' 2>/dev/null | grep -c .)))
done
echo "$kills kills, after $shown findings were told of; drafts were left behind $drafts times"
"$pyzap" check --seed 77 --plans 300 --deadline 0.5 --out "$out" >/dev/null 2>"$work/told.last" </dev/null
check_all
hidden=$(find "$out" -name '.*' | grep -c .)
[ "$hidden" = 0 ] || fail "$hidden drafts are left after a session that nobody killed"
[ "$shown" -gt "$kills" ] || fail "only $shown findings: the test has tested nothing"
grep -q 'Reproduced 5 of 5' "$out"/*/report.md || fail "nothing was examined"
exit $failed
