#!/bin/sh
# The whole corpus on every build there is: as expected, within two seconds of processor time a build (20 seconds for
# ten) and what plans take that hang, as expected; and red where an expectation is wrong.
#
#   corpus.sh PYZAP CORPUS
set -u
pyzap=$1
corpus=$2
. "$(dirname "$0")/lib.sh"
"$pyzap" pythons --json >builds.json 2>/dev/null || {
    echo "SKIP: no usable build"
    exit 77
}

limit_s=$(($(grep -c '"usable": true' builds.json) * 2))
[ "$limit_s" -gt 20 ] || limit_s=20

hang_s=3 # at the most five builds hang on one plan
limit_s=$((limit_s + 5 * hang_s))

(
    "$pyzap" replay --tap --junit all.xml --deadline $hang_s "$corpus" >tap 2>out
    echo $? >status
    times >times # the second line: of children that are over, and theirs
)
status=$(cat status)
used_ms=$(awk 'NR == 2 { split($1, u, /[ms]/); split($2, s, /[ms]/); print int(1000 * (60 * (u[1] + s[1]) + u[2] + s[2])) }' times)
[ $status = 0 ] || fail "the corpus is not as expected: $(grep '^not ok' tap | grep -v ' # TO''DO known ')"
[ "$used_ms" -lt $((limit_s * 1000)) ] || fail "it took $used_ms ms of processor time"
[ "$used_ms" -gt 0 ] || fail "its processor time was not measured"
awk -f "$here/tap.awk" tap >out || fail "its TAP"
cat out
grep -q '^points [1-9]' out || fail "no points"
if command -v xmllint >/dev/null; then
    xmllint --noout --schema "$here/junit.xsd" all.xml 2>out || fail "its JUnit"
fi
# The order is that of plans and builds, however many are at work.
for jobs in 1 7; do
    "$pyzap" replay --tap --jobs $jobs "$corpus/seed" 2>/dev/null | sed '/^  ---$/,/^  \.\.\.$/d' >"seed-$jobs"
done
cmp seed-1 seed-7 || fail "the order of points depends on the number of jobs"

# An expectation that is wrong is red, and says what was expected and what found.
plan=$corpus/seed/S3-underscore-names-first.plan
sed 's/^# expect 3.6.*/# expect 3.6..  HELD dies a _b c _d __a/; s/^# expect 2.7.*/# expect ..3.5  HELD dies a _b/' \
    "$plan" >wrong.plan
cmp -s "$plan" wrong.plan && fail "$plan has no such lines any more"
expect 1 "HELD dies a _b" "$pyzap" replay wrong.plan
if grep -q '"version": "3' builds.json; then
    line=$(grep -n '^# expect 3.6' wrong.plan | cut -d: -f1)
    expect 1 "expected (line $line) HELD dies a _b c _d __a found HELD dies _b _d a c __a" "$pyzap" replay wrong.plan
fi
finish
