#!/bin/sh
# What `pyzap replay` says of plans that do not do what their headers say, and how --update records it.
#
#   changes.sh PYZAP FAKE_WORKER
set -u
pyzap=$1
fake=$2
. "$(dirname "$0")/lib.sh"
fakes 2.7.18 3.8.18 3.11.7 3.13.5t-tree

# A plan with these expectation lines. The fake worker sees nothing die, so `a` lives. In: file, lines.
plan() {
    printf 'pyzap plan 1\n# A node.\n%s# More.\nroute drop\nmodule m0\nobject n = node elsewhere\nglobal m0 a = n\n' \
        "$2" >"$1"
}
held='HELD dies nothing lives a'

# Words of each kind of change.
plan p "# expect 2.7..3.8, 3.13..t $held
# expect 3.9.. $held
"
expect 0 "1 plans on 4 builds" "$pyzap" replay p
grep -q '4 as expected, 0 known, 0 skipped, 0 without expectation, 0 changed, 0 new, 0 failed' out ||
    fail "the counts of p"
[ "$(wc -l <out)" = 1 ] || fail "what is as expected is no news"

plan p "# expect 2.7 $held
# expect 3.8..3.11 HELD dies a
"
expect 1 "Not as expected p on 3.8.18, 3.11.7 expected (line 4) HELD dies a found $held" "$pyzap" replay p
grep -A2 'No expectation' out | grep -qx '  p on 3.13.5t-tree' || fail "3.13.5t is not named"
expect 1 "not ok 2 - p on 3.8.18 --- verdict: HELD change: changed line: 4 expected: | HELD dies a found: | $held" \
    "$pyzap" replay --tap p
expect 1 '"change": "changed"' "$pyzap" replay --json p

plan p "# expect .. CRASHED SIGSEGV known https://example.org/7 because of a bug
"
expect 1 "Known, but no longer happening (record it with --update --reason) p on 2.7.18, 3.8.18, 3.11.7," \
    "$pyzap" replay p
expect 1 "not ok 1 - p on 2.7.18 --- verdict: HELD change: gone message: known, but no longer happens, record it with --update --reason" \
    "$pyzap" replay --tap p
ZAP_FAKE='segv@*' expect 0 "Known findings p on 2.7.18, 3.8.18, 3.11.7, 3.13.5t-tree expected (line 3) CRASHED SIGSEGV known https://example.org/7" \
    "$pyzap" replay p
ZAP_FAKE='segv@*' expect 0 "not ok 4 - p on 3.13.5t-tree # TO""DO known https://example.org/7" "$pyzap" replay --tap p
ZAP_FAKE='fatal@*' expect 1 "found CRASHED SIGABRT" "$pyzap" replay p
ZAP_FAKE='3.8.18/segv@*,hang@*' expect 1 "Known findings p on 3.8.18" "$pyzap" replay --deadline 0.3 p

plan p ""
expect 0 "4 without expectation" "$pyzap" replay p
ZAP_FAKE='3.8.18/finding@*' expect 1 "New findings p on 3.8.18 found BROKEN P1" "$pyzap" replay p
ZAP_FAKE=3.8.18/vanish expect 70 "pyzap's own failures p on 3.8.18" "$pyzap" replay p

# A mistake in a header is bad input: nothing is run.
plan p "# expect 3.8 HELD
# expect ..3.9 VOID
"
expect 2 "p: line 4, column 3: expected versions that no line expects yet (see line 3)" "$pyzap" replay p
expect 2 "give the reason for what is to be recorded, with --reason" "$pyzap" replay --update p
expect 2 "--tap, --json and --update: give one of them" "$pyzap" replay --tap --json p
expect 2 "--reason and --reference: only with --update" "$pyzap" replay --reason x p

# Recording: the lines that are wrong, and nothing else.
plan p "# expect 2.7  $held because it is old
# expect 3.8..3.13  HELD dies a
# expect 3.14..     VOID because of tomorrow
"
cp p before
expect 0 "p: recorded 1 of 1 plans recorded" "$pyzap" replay --update --reason "so it is" p
plan wanted "# expect 2.7        $held because it is old
# expect 3.8..3.13  $held because so it is
# expect 3.14..     VOID because of tomorrow
"
cmp p wanted || fail "p is not as wanted: $(diff p wanted)"
expect 0 "0 of 1 plans recorded" "$pyzap" replay --update --reason again p
cmp p wanted || fail "p was changed for nothing"
[ "$(ls -A | grep -c '^\.p')" = 0 ] || fail "something was left beside p"

cp before p
expect 2 "line 4 is for 3.8.18 too, which did not run: leave out --python" \
    "$pyzap" replay --update --reason x --python 3.11 p
cmp p before || fail "p was changed in spite of that"
plan q "# expect 3.8   HELD dies a
# expect 3.11  HELD dies a
"
expect 0 "1 of 1 plans recorded" "$pyzap" replay --update --reason x --python 3.11 q
grep -q "^# expect 3.11  $held because x" q && grep -q '^# expect 3.8   HELD dies a$' q || fail "q: $(cat q)"

# What is refused.
plan q ""
cp q before
ZAP_FAKE='segv@*' expect 2 "not recorded: CRASHED on 2.7.18 is a finding: say where it is known, with --reference" \
    "$pyzap" replay --update --reason x q
ZAP_FAKE=3.8.18/vanish expect 70 "not recorded: pyzap failed on 3.8.18" "$pyzap" replay --update --reason x q
ZAP_FAKE=3.8.18/once expect 1 "not recorded: it does not do the same twice on 3.8.18: CRASHED SIGSEGV, then $held" \
    "$pyzap" replay --update --reason x --reference a.c:b q
expect 2 "not recorded: only text plans in files have a header" sh -c "\"$pyzap\" replay --update --reason x - <q"
cmp q before || fail "q was changed in spite of that"
ZAP_FAKE='segv@*' expect 0 "1 of 1 plans recorded" "$pyzap" replay --update --reason x --reference a.c:b q
grep -qx '# expect 2.7..  CRASHED SIGSEGV known a.c:b because x' q || fail "q: $(cat q)"
ln -s q link
expect 0 "link: recorded" "$pyzap" replay --update --reason "it is fixed" link
[ -L link ] || fail "a link was replaced"
grep -qx "# expect 2.7..  $held because it is fixed" q || fail "q: $(cat q)"
finish
