#!/bin/sh
# Does the README speak of the program and the tree that are there?
#
#   readme.sh ROOT PYZAP
#
# The verbs of its table are those of `pyzap --help`; every option it names is in the help of some verb; every
# file or folder it names in `backticks` exists; every folder of src/ is in its layout table. The same
# for the files that src/README.md names. Prints a line per violation; exit status 0 none, 1 some.
set -u
LC_ALL=C
export LC_ALL
root=$1
pyzap=$2
found=$(mktemp)
help=$(mktemp)
trap 'rm -f "$found" "$help"' EXIT

say() {
    echo "$1: [readme] $2" >>"$found"
}

verbs=$("$pyzap" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\)  .*/\1/p')
[ -n "$verbs" ] || say pyzap 'its help lists no commands'
"$pyzap" --help >"$help"
for verb in $verbs; do
    "$pyzap" "$verb" --help >>"$help" || say pyzap "$verb --help fails"
    grep -qE "^\| \`$verb( [^\`]*)?\`" "$root/README.md" || say README.md "has no row for the verb $verb"
done
for verb in $(sed -nE '/^\| `pyzap \.\.\.`/,/^$/s/^\| `([a-z]+).*/\1/p' "$root/README.md"); do
    case $verb in pyzap) continue ;; esac
    echo "$verbs" | grep -qx "$verb" || say README.md "has a row for $verb, which is no verb"
done

# Options of other programs stand in lines that call them.
grep -vE 'cmake|ctest|clang|configure|git |apt|tools/(bench|build-cpython|get-cpython) ' "$root/README.md" | grep -oE '(^|[^-A-Za-z])--[a-z][-a-z]*' |
    grep -oE -- '--[a-z][-a-z]*' | sort -u |
    while read -r option; do
        grep -q -e "$option" "$help" || say README.md "names $option, which no verb has"
    done

# Paths: a slash, or one of our endings; relative to the root, or to src/ as in #include.
for readme in README.md src/README.md; do
    grep -oE '`[A-Za-z0-9_./*-]+`' "$root/$readme" | tr -d '`' |
        grep -E '^(src|tests|tools|cmake|corpus|fuzz|base|plan|oracle|proto|py|host)/|\.(def|c|h|md)$' | sort -u |
        while read -r path; do
            case $path in *\**) continue ;; esac
            [ -e "$root/$path" ] || [ -e "$root/src/$path" ] || [ -e "$root/build/$path" ] ||
                find "$root/src" "$root/tests" "$root/tools" -name "$path" 2>/dev/null | grep -q . ||
                say "$readme" "names $path, which is not there"
        done
done
for folder in "$root"/src/*/; do
    grep -q "^|.*\`src/$(basename "$folder")\`" "$root/README.md" ||
        say README.md "says nothing of src/$(basename "$folder")"
done

cat "$found"
[ ! -s "$found" ]
