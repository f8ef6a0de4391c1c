#!/bin/sh
# Are the checks of lint.sh awake? Each must see every file of its own planted/<check>/, and nothing else in it.
#
# planted/clean breaks no rule and must pass. The checks are read from lint.sh itself, so that none
# can be added without its plants. A % in a planted file is taken out first: some words must not stand here.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# A planted tree as a source tree of its own, its core compiled: lint it into $work/out.
lint() { # name
    tree=$work/$1
    cp -r "$here/planted/$1" "$tree"
    cp "$here/../../.clang-format" "$tree"
    find "$tree" -type f ! -name .clang-format -exec sed -i 's/%//g' {} +
    archive=
    for source in "$tree"/src/base/*.c; do
        [ "$1" = layering ] || [ ! -f "$source" ] && continue
        object=$(basename "$source").o
        (cd "$work" && "${CC:-cc}" -O2 -std=c11 -I"$tree/src" -c "$source" -o "$object" &&
            ar rc "$tree/core.a" "$object") || fail "$1: cannot compile $source"
        archive=$tree/core.a
    done
    sh "$here/lint.sh" "$tree" "$archive" >"$work/out"
    status=$?
}

lint clean
[ "$status" = 0 ] || [ "$status" = 77 ] || {
    cat "$work/out"
    fail "clean: status $status"
}
[ -z "$archive" ] && fail "clean: no archive was looked at"

for check in $(sed -n 's/^check_\([a-z_]*\)() {$/\1/p' "$here/lint.sh" | tr _ -); do
    if [ ! -d "$here/planted/$check" ]; then
        fail "$check: nothing planted"
        continue
    fi
    lint "$check"
    if [ "$check" = format ] && [ "$status" = 77 ]; then
        skipped="$skipped format (no clang-format 14)"
        continue
    fi
    [ "$status" = 1 ] || fail "$check: status $status, not 1"
    if grep -v "\[$check\]" "$work/out"; then
        fail "$check: something else was found in its plants"
    fi
    for plant in $(cd "$here/planted/$check" && find . -type f | sed 's|^\./||'); do
        grep -q -e "^$plant:.*\[$check\]" -e "^$(basename "$plant").o: \[$check\]" "$work/out" ||
            fail "$check: $plant was not seen"
    done
done

[ "$failures" = 0 ] || exit 1
if [ -n "$skipped" ]; then
    echo "SKIP:$skipped"
    exit 77
fi
