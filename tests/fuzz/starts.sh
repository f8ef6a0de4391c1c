#!/bin/sh
# Every fuzz target around one build, with every engine: it starts, runs the seeds and ends well. Targets that
# are told of no feedback refuse to start by themselves.
#
#   starts.sh FOLDER BUILD ENGINES TARGETS     lists with commas; the folder of the targets
set -u
folder=$1
build=$2
engines=$(echo "$3" | tr ',' ' ')
targets=$(echo "$4" | tr ',' ' ')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
runs=0
seeds=$(find "$folder/seeds/" -name '*.zap' | grep -c .)
[ "$seeds" -gt 20 ] || {
    echo "FAILED: $seeds seeds in $folder/seeds"
    exit 1
}
for target in $targets; do
    for engine in $engines; do
        program=$folder/$engine-$target-$build
        log=$work/$engine-$target.log
        case $engine in
        libfuzzer) options="-runs=$seeds -artifact_prefix=$work/ -max_len=4096 $work/new" ;;
        *) options= ;;
        esac
        mkdir -p "$work/new"
        runs=$((runs + 1))
        # shellcheck disable=SC2086 # a list of words
        if [ "$engine" = afl ]; then
            "$program" "$folder"/seeds/*.zap >"$log" 2>&1 </dev/null
        else
            "$program" $options "$folder/seeds" >"$log" 2>&1 </dev/null
        fi
        status=$?
        if [ "$status" != 0 ] || grep -qE 'Sanitizer|runtime error|BROKEN' "$log"; then
            echo "FAILED: $engine-$target-$build: status $status"
            tail -n 20 "$log"
            failed=1
        fi
        # libFuzzer says itself what it learns from.
        if [ "$engine" = libfuzzer ] && ! grep -q '[1-9][0-9]* Extra Counters' "$log"; then
            echo "FAILED: $engine-$target-$build: no extra counters"
            failed=1
        fi
    done
done
echo "$runs targets of $build ran $seeds seeds"
[ "$runs" -gt 0 ] && exit "$failed"
exit 1
