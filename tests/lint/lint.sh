#!/bin/sh
# What no compiler checks about this source tree: layering, versions, state and symbols of the core, tables, layout.
#
#   lint.sh ROOT [CORE_ARCHIVE]
#
# One function per check; each prints a line "place: [check] what is wrong" per violation, and nothing
# when all is well. test_lint.sh holds every check against a planted violation, so that none
# can go blind unnoticed. Exit status 0 all well, 1 violations, 77 well as far as could be seen.
set -u
LC_ALL=C
export LC_ALL
root=$1
archive=${2:-}
cd "$root" || exit 1

found=$(mktemp)
skipped=
trap 'rm -f "$found"' EXIT

# Our files with these endings; planted violations are not ours. In: endings. Out: one path a line.
ours() {
    for ending; do
        find src tools tests fuzz cmake -name "*.$ending" ! -path 'tests/lint/planted/*' 2>/dev/null
    done | sort
}

# grep -n with our marks. In: check, message, pattern. Files on stdin.
forbid() {
    xargs -r grep -nHE "$3" | sed -E "s|^([^:]*:[0-9]*):.*|\1: [$1] $2|"
}

# Python.h is for the workers alone (and for the probe that asks whether a worker could be linked).
check_python_header() {
    ours c h | grep -vE '^src/py/|^cmake/link_probe\.c$' |
        forbid python-header 'Python.h outside src/py' '^ *# *include *[<"]Python\.h'
}

# "How do I call it?" is answered in one header; "what should happen?" in feature.def.
check_version_test() {
    ours c h def | grep -v '^src/py/compat\.h$' |
        forbid version-test 'a version test outside src/py/compat.h' 'PY_(VERSION_HEX|(MAJOR|MINOR|MICRO)_VERSION)'
}

# base <- plan <- oracle <- proto <- {py, host} <- {tools, tests, fuzz}; paths are relative to src/.
check_layering() {
    ours c h def | xargs -r awk '
        function may_include(file) {
            if (file ~ /^src\/base\//) return "base/"
            if (file ~ /^src\/plan\//) return "(base|plan)/"
            if (file ~ /^src\/oracle\//) return "(base|plan|oracle)/"
            if (file ~ /^src\/proto\//) return "(base|plan|oracle|proto)/"
            if (file ~ /^src\/py\//) return "(base|plan|oracle|proto|py)/"
            if (file ~ /^src\/host\//) return "(base|plan|oracle|proto|host)/"
            if (file ~ /^src\//) return "nothing"
            # or a file beside it, or a table, or a header of py that needs no Python.h
            return "((base|plan|oracle|proto|host)/|py/[a-z]*\\.def$|py/(embed|crash|rewind|standby)\\.h$|[^/]*$)"
        }
        FNR == 1 { may = "^" may_include(FILENAME) }
        /^ *# *include *"/ {
            included = $0
            sub(/^[^"]*"/, "", included)
            sub(/".*/, "", included)
            if (included !~ may)
                printf "%s: [layering] may not include %s\n", FILENAME, included
        }'
}

# Work that is left open belongs in an issue.
check_leftover() {
    { ours c h def txt sh cmake py; find tools -type f 2>/dev/null; } | sort -u |
        forbid leftover 'left open' '(TO[D]O|FIX[M]E|(^|[^X])X[X]X([^X]|$))'
}

# A path of the machine that it was written on says nothing to anybody else.
check_machine_path() {
    { ours c h def txt sh cmake py; find tools corpus -type f 2>/dev/null; ls -- *.md *.txt *.json; } 2>/dev/null |
        sort -u | forbid machine-path 'a path of one machine' '(^|[^A-Za-z0-9_.])/(roo[t]|wor[k])/'
}

# Every file says first what it is.
check_head_comment() {
    ours c h def | xargs -r awk '
        BEGIN {
            for (i = 1; i < ARGC; i++) {
                line = "" # of an empty file too
                getline line <ARGV[i]
                close(ARGV[i])
                if (line !~ /^(\/\*|\/\/)/)
                    print ARGV[i] ":1: [head-comment] does not begin with a comment"
            }
            exit
        }'
}

# The rows of a table differ in code, in identifier and in name. One row is one MACRO( at the start of
# a line; multi-line rows keep these three on the first.
check_table() {
    ours def | while read -r file; do
        awk -v file="$file" '
            function seen(what, value) {
                if (value != "" && (macro, what, value) in row)
                    printf "%s:%d: [table] %s %s is also in line %d\n", file, NR, what, value,
                           row[macro, what, value]
                row[macro, what, value] = NR
            }
            /^[A-Z][A-Z0-9_]*\(/ {
                macro = $0
                sub(/\(.*/, "", macro)
                rest = substr($0, length(macro) + 2)
                name = ""
                if (match(rest, /"([^"\\]|\\.)*"/))
                    name = substr(rest, RSTART, RLENGTH)
                sub(/".*/, "", rest)
                n = split(rest, column, /[ ,()]+/)
                first = (column[1] == "") ? 2 : 1
                if (column[first] ~ /^[0-9]/) {
                    seen("code", column[first])
                    seen("identifier", column[first + 1])
                } else {
                    seen("identifier", column[first])
                }
                if (macro != "ZAP_FEATURE" && macro != "ZAP_VERDICT")
                    seen("name", name)
            }' "$file"
    done
}

# The core has no I/O, clock, environment, heap, locale and Python: what it needs of the C library is this.
# (The compiler makes fwrite of
# fprintf, and calls __popcountdi2 and the like in its own library.)
core_may='^(zap_[a-z0-9_]*|mem(cpy|move|set|cmp|chr)|str(len|nlen|cmp|ncmp|chr|rchr|str|spn|cspn)|v?snprintf|_GLOBAL_OFFSET_TABLE_|__[a-z]+[dst]i[23]|__stack_chk_fail|__(mem(cpy|move|set)|v?snprintf)_chk)$'
check_may='^(fprintf|__fprintf_chk|fwrite|fflush|stderr)$'
check_core_symbol() {
    [ -n "$archive" ] || return 0
    nm -A -u "$archive" | sed -E 's/^[^:]*:([^:]*): *U /\1 /' | core_may=$core_may check_may=$check_may awk '
        $2 ~ ENVIRON["core_may"] { next }
        $1 == "check.c.o" && $2 ~ ENVIRON["check_may"] { next }
        { print $1 ": [core-symbol] the core may not use " $2 }'
}

# The core has no state: nothing writable but relocated constants.
check_core_state() {
    [ -n "$archive" ] || return 0
    objdump -t "$archive" | awk '
        /^[^ ]*\.o: / { object = $1; sub(/:$/, "", object) }
        $2 ~ /^[lgu!]/ && / O / && /(\.bss|\.data|\.tbss|\.tdata|\*COM\*)/ && !/\.data\.rel\.ro/ {
            printf "%s: [core-state] %s is a mutable global\n", object, $NF
        }'
}

# .clang-format decides, as clang-format 14 reads it: another version would disagree about details.
check_format() {
    if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
        skipped="$skipped format (no clang-format 14)"
        return
    fi
    said=$(ours c h | xargs -r clang-format --dry-run -Werror 2>&1) && return
    printf '%s\n' "$said" | sed -nE 's/^([^:]*):[0-9]+:.*/\1: [format] not as clang-format would have it/p' |
        sort -u | grep . || printf '.clang-format:1: [format] clang-format fails: %s\n' "$said"
}

{
    check_python_header
    check_version_test
    check_layering
    check_leftover
    check_machine_path
    check_head_comment
    check_table
    check_core_symbol
    check_core_state
    check_format
} >"$found"
cat "$found"
[ -s "$found" ] && exit 1
if [ -n "$skipped" ]; then
    echo "SKIP:$skipped"
    exit 77
fi
exit 0
