#!/bin/sh
# tools/coverage on wrong arguments, and its table of made-up counts.
#
#   test_coverage.sh ROOT
set -u
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

for arguments in "--time" "--time 0" "--time soon" "--fast" "bookworm"; do
    # shellcheck disable=SC2086 # words
    "$root/tools/coverage" $arguments >"$work/out" 2>"$work/err"
    [ $? = 2 ] || fail "$arguments: not status 2"
    [ "$(wc -l <"$work/err")" = 1 ] || fail "$arguments: not one line: $(cat "$work/err")"
done

# Every function has ten lines, of which both reach the first three; but ours one more of dict_dealloc, and
# theirs four of cell_clear.
python3 - "$root/tools/coverage_table.py" "$work" <<'END' || fail "cannot make up counts"
import json
import os
import sys

with open(sys.argv[1]) as file:
    scope = {"__name__": "table"}
    exec(file.read().rsplit("\nmain(", 1)[0], scope)
ours, theirs = {}, {}
for path, names in scope["FUNCTIONS"]:
    os.makedirs(os.path.dirname(os.path.join(sys.argv[2], path)), exist_ok=True)
    with open(os.path.join(sys.argv[2], path), "w") as file:
        file.write("".join("line %d\n" % n for n in range(1, 400)))
    for counts in ours, theirs:
        counts[path] = {"functions": {}, "lines": {}}
        for number, name in enumerate(names.split()):
            first = 1 + 10 * number
            counts[path]["functions"][name] = [first, first + 9]
            reached = 3 + (counts is ours and name == "dict_dealloc")
            for line in range(first, first + 10):
                count = int(line < first + reached)
                if counts is theirs and name == "cell_clear":
                    count = int(line - first in (0, 1, 2, 5, 7, 8, 9))
                counts[path]["lines"][str(line)] = count
for name, counts in ("ours", ours), ("theirs", theirs):
    with open(os.path.join(sys.argv[2], name), "w") as file:
        json.dump(counts, file)
del ours["Objects/cellobject.c"]["functions"]["cell_clear"]
with open(os.path.join(sys.argv[2], "stale"), "w") as file:
    json.dump(ours, file)
END
python3 "$root/tools/coverage_table.py" compare --lines "$work" "$work/ours" "$work/theirs" >"$work/table" ||
    fail "no table"
grep -qx '  dict_dealloc  *10  *4  *3' "$work/table" || fail "dict_dealloc: $(grep dict_dealloc "$work/table")"
grep -qx '  cell_clear  *10  *3  *7  16, 18-20' "$work/table" || fail "cell_clear: $(grep cell_clear "$work/table")"
grep -qx ' *18 line 18' "$work/table" || fail "--lines shows no source"
grep -qx 'functions where the tests reach more lines: 1' "$work/table" || fail "wrong sum: $(tail -n 2 "$work/table")"
grep -qx '  cell_clear: .*' "$work/table" || fail "no word on cell_clear"
if python3 "$root/tools/coverage_table.py" compare "$work" "$work/stale" "$work/theirs" >"$work/out" 2>"$work/err"; then
    fail "a function that is not there is none"
fi
grep -q 'has no function cell_clear' "$work/err" || fail "a function that is not there: $(cat "$work/err")"

[ "$failures" = 0 ]
