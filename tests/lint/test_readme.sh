#!/bin/sh
# Is readme.sh awake? Each of these edits to the READMEs must be seen, and the READMEs as they are must pass.
#
#   test_readme.sh ROOT PYZAP
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$1" && pwd)
pyzap=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# A tree of links to the real one, but for README.md and src/README.md. In: which of them, and how to edit it.
plant() { # expected message, file, sed script
    rm -rf "$work/tree"
    mkdir -p "$work/tree/src"
    ln -s "$root"/fuzz "$root"/tests "$root"/tools "$root"/cmake "$root"/corpus "$root"/LICENSE "$root"/CMake* "$work/tree"
    cp -r "$root"/src/. "$work/tree/src"
    cp "$root/README.md" "$work/tree"
    sed -i "$3" "$work/tree/$2"
    sh "$here/readme.sh" "$work/tree" "$pyzap" >"$work/out"
    status=$?
    if [ -z "$1" ]; then
        [ "$status" = 0 ] && return
        cat "$work/out"
        echo "FAIL: the READMEs as they are: status $status"
    else
        [ "$status" = 1 ] && grep -qF "$1" "$work/out" && return
        cat "$work/out"
        echo "FAIL: not seen: $1"
    fi
    failures=$((failures + 1))
}

plant '' README.md ''
plant 'has no row for the verb check' README.md '/^| `check`/d'
plant 'has a row for frob, which is no verb' README.md 's/^| `check`.*/&\n| `frob` | nothing |/'
plant 'names --frobnicate, which no verb has' README.md '$s/$/\nGive `--frobnicate`./'
plant 'names src/plan/gone.h, which is not there' README.md '$s/$/\nRead `src\/plan\/gone.h`./'
plant 'names gone.def, which is not there' src/README.md '$s/$/\nA row in `gone.def`./'
plant 'says nothing of src/proto' README.md '/^| `src\/proto`/d'

[ "$failures" = 0 ]
