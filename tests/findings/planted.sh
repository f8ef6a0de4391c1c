#!/bin/sh
# For every bug of tests/planted-cpython/bugs.tsv: `pyzap check` finds it, files it once under the right name,
# makes it small, and repro.py shows it on the bare interpreter. And without a bug it finds nothing.
#
#   planted.sh ROOT [NAME...]      default: every bug, and what holds for all of them
#
# Builds what it takes (tests/planted-cpython/build.sh), which is kept for the next time. Skipped (77) where that
# cannot be had.
set -eu
LC_ALL=C
export LC_ALL
unset PYZAP_CPYTHON_BUG
root=$(cd "$1" && pwd)
shift
here=$root/tests/planted-cpython
pyzap=$root/build/planted/bin/pyzap
python=$root/build/planted-cpython/python
lines_max=8 # of a plan, without comments and the first line

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failures=0
fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

status=0
"$here/build.sh" >"$work/build.out" 2>&1 || status=$?
if [ "$status" = 2 ]; then
    echo "SKIP: $(tail -n 1 "$work/build.out")"
    exit 77
fi
[ "$status" = 0 ] || {
    cat "$work/build.out"
    exit 1
}

# The routes of rows that name none: bugs in how an interpreter ends have rows of their own, and plans that end one
# take a hundred times as long where something shows.
in_process=$(sed -nE 's/^ZAP_ROUTE\([0-9]+, [A-Z_]+, +"([a-z-]+)", +[0-9]+, 0, .*/--route \1/p' "$root/src/plan/route.def" |
    tr '\n' ' ')

check() { # plans, route or -, out, verdict that is expected
    status=0
    only=$in_process
    [ "$2" = - ] || only="--route $2"
    deadline=30 # never met by what only takes long on a busy machine
    [ "$4" != TIMED_OUT ] || deadline=1
    # shellcheck disable=SC2086 # two words, or none
    "$pyzap" check --plans "$1" $only --seed 1 --deadline $deadline --memory 400 --out "$3" >"$work/said" 2>"$work/err" \
        </dev/null || status=$?
}

# A finding's signature begins so, as far as words go: I1 is not the beginning of I12.
is_named() { # signature, beginning
    case $1 in
    "$2" | "$2"-*) return 0 ;;
    esac
    return 1
}

run_script() { # folder, output
    ran=0
    (ulimit -v 500000 && ulimit -c 0 && PYTHONHASHSEED=0 exec timeout 10 "$python" "$1/repro.py") >"$2.raw" 2>&1 ||
        ran=$?
    sed 's/0x[0-9a-f]*//g' "$2.raw" >"$2"
}

# pyzap says that the script shows it. Here is what can be seen without it: how the interpreter ends, or that it prints
# something else without the bug.
see_for_yourself() { # folder, verdict
    export PYZAP_CPYTHON_BUG="$name"
    run_script "$1" "$work/with"
    unset PYZAP_CPYTHON_BUG
    with=$ran
    run_script "$1" "$work/without"
    [ $ran = 0 ] || fail "$name: repro.py ends with status $ran where there is no bug"
    case $2 in
    BROKEN) ! cmp -s "$work/with" "$work/without" || fail "$name: repro.py prints the same without the bug" ;;
    TIMED_OUT) [ $with = 124 ] || fail "$name: repro.py ends, with status $with" ;;
    *) [ $with -gt 128 ] || fail "$name: repro.py ends with status $with" ;;
    esac
}

# The folder of a row's own finding, of which there is exactly one.
look_at() { # folder, verdict, repro
    lines=$(grep -vc -e '^#' -e '^pyzap plan 1$' -e '^$' "$1/min.plan" || true)
    [ "$lines" -le $lines_max ] || fail "$name: the plan has $lines lines"
    shown=$(sed -n 's/^repro\.py shows it on .*\]: //p' "$1/report.md")
    case $3 in
    yes)
        [ "$shown" = yes ] || fail "$name: repro.py shows it: ${shown:-nothing is said}"
        see_for_yourself "$1" "$2"
        ;;
    c-api)
        case $shown in
        *"needs the C API"*) ;;
        *) fail "$name: report.md does not say that it takes the C API: ${shown:-nothing is said}" ;;
        esac
        ;;
    *) fail "$name: bugs.tsv has '$3' where it has yes or c-api" ;;
    esac
}

try() { # name, plans, route, verdict, signatures, repro
    name=$1
    out=$work/out/$name
    PYZAP_CPYTHON_BUG=$name "$python" -c 'import ctypes, gc, json; gc.collect()' >"$work/said" 2>&1 ||
        fail "$name: the interpreter does not come up and end: $(tail -n 1 "$work/said")"
    export PYZAP_CPYTHON_BUG="$name"
    check "$2" "$3" "$out" "$4"
    unset PYZAP_CPYTHON_BUG
    [ "$status" = 1 ] || fail "$name: pyzap ended with status $status: $(tail -n 1 "$work/err")"
    own=0
    index=-
    seen=
    for folder in "$out"/*; do
        [ -f "$folder/min.plan" ] || {
            fail "$name: ${folder##*/} is no finding"
            continue
        }
        signature=$(sed -n 's/^# signature //p' "$folder/min.plan")
        case ${folder##*/} in
        *-"$signature") ;;
        *) fail "$name: ${folder##*/} is about $signature" ;;
        esac
        seen="$seen $signature"
        if is_named "$signature" "${5%%,*}"; then
            own=$((own + 1))
            index=$(sed -n 's/^# pyzap gen .*--from \([0-9]*\).*/\1/p' "$folder/min.plan")
            grep -q "^# $4 on " "$folder/min.plan" || fail "$name: $signature is no $4"
            look_at "$folder" "$4" "$6"
            continue
        fi
        is_known=no
        for other in $(echo "$5" | tr ',' ' '); do
            ! is_named "$signature" "$other" || is_known=yes
        done
        [ $is_known = yes ] || fail "$name: also gives $signature"
    done
    [ $own = 1 ] || fail "$name: $own findings begin with ${5%%,*}, not one"
    echo "$name: plan $index of $2,$seen"
}

tab=$(printf '\t')
rows=$(grep -v '^#' "$here/bugs.tsv")
if [ $# = 0 ]; then
    # The patch and the table have the same names.
    sed -n 's/^+.*BUG([A-Z_0-9]*, "\([a-z0-9-]*\)").*/\1/p' "$here/bugs.patch" | sort >"$work/in-patch"
    echo "$rows" | cut -f 1 | sort >"$work/in-table"
    diff "$work/in-patch" "$work/in-table" || fail "bugs.patch and bugs.tsv do not have the same names"
    [ "$(echo "$rows" | awk -F'\t' '$6 == "yes"' | grep -c .)" -ge 20 ] || fail "fewer than 20 bugs are for scripts"

    status=0
    PYZAP_CPYTHON_BUG=no-such-bug "$python" -c pass >"$work/said" 2>&1 || status=$?
    [ $status = 2 ] && [ "$(grep -c . "$work/said")" = 1 ] || fail "an unknown bug: status $status, $(cat "$work/said")"

    for route in - $(echo "$rows" | cut -f 3 | grep -v '^-' | sort -u); do
        plans=5000
        [ "$route" != - ] || plans=20000
        check $plans "$route" "$work/out/none" HELD
        [ "$status" = 0 ] || fail "without a bug, route $route: status $status, $(ls "$work/out/none")"
    done
fi
echo "$rows" >"$work/rows"
tried=0
while IFS=$tab read -r name plans route verdict signatures repro where what; do
    case " $* " in
    "  " | *" $name "*) ;;
    *) continue ;;
    esac
    try "$name" "$plans" "$route" "$verdict" "$signatures" "$repro"
    tried=$((tried + 1))
done <"$work/rows"
[ $tried -gt 0 ] || fail "no such bug: $*"
echo "$tried bugs, $failures failures"
[ $failures = 0 ]
