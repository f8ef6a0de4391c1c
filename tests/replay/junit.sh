#!/bin/sh
# The JUnit XML of a replay, against a schema, with names and texts that no XML can hold as they are.
#
#   junit.sh PYZAP FAKE_WORKER XSD
set -u
pyzap=$1
fake=$2
xsd=$3
command -v xmllint >/dev/null || {
    echo "SKIP: xmllint is not installed (Debian: libxml2-utils)"
    exit 77
}
. "$(dirname "$0")/lib.sh"
fakes 3.9.18 3.11.7

valid() {
    xmllint --noout --schema "$xsd" "$1" 2>out || fail "$1 is not as $xsd has it"
}
# How many nodes of the file an XPath finds.
count() {
    xmllint --xpath "count($2)" "$1" 2>out
}
is() {
    found=$(count "$1" "$2")
    [ "$found" = "$3" ] || fail "$2 in $1: $found instead of $3"
}

mkdir plans
plan='route drop
module m0
object n = node elsewhere
global m0 a = n'
printf 'pyzap plan 1\n%s\n' "$plan" >plans/none.plan
printf 'pyzap plan 1\n# expect .. HELD dies nothing lives a\n%s\n' "$plan" >plans/held.plan
printf 'pyzap plan 1\n# expect .. HELD dies a because a < b && "c" ]]> \303\251 \357\277\277\n%s\n' "$plan" \
    >plans/changed.plan
printf 'pyzap plan 1\n# expect .. CRASHED known a.c:b because <so>\n%s\nscript n\n    raise\n' "$plan" \
    >plans/known.plan
printf 'pyzap plan 1\n# expect .. CRASHED known a.c:b because so\n%s\n' "$plan" >plans/gone.plan
printf 'pyzap plan 1\nroute reload\nmodule m0\n' >plans/skipped.plan

ZAP_FAKE=segv@raise expect 1 "6 plans on 2 builds" "$pyzap" replay --junit a.xml plans
valid a.xml
is a.xml '/testsuites/testsuite' 2
is a.xml '/testsuites/testsuite[@name="3.9.18"]/testcase' 6
is a.xml '//testcase[not(*)]' 4
is a.xml '//failure' 4
is a.xml '//failure[starts-with(@message, "known, but no longer happens")]' 2
is a.xml '//failure[contains(@message, "a < b && ") and contains(@message, "]]>")]' 2
is a.xml '//failure[contains(@message, "\xef\xbf\xbf")]' 2
is a.xml '//skipped[starts-with(@message, "known a.c:b: CRASHED SIGSEGV")]' 2
is a.xml '//skipped[contains(@message, "this build has no route reload")]' 2
is a.xml '/testsuites[@tests=12 and @failures=4 and @errors=0 and @skipped=4]' 1
is a.xml '//testsuite[@tests=6 and @failures=2 and @errors=0 and @skipped=2]' 2

ZAP_FAKE=3.9.18/vanish expect 70 "failed" "$pyzap" replay --junit b.xml plans/held.plan
valid b.xml
is b.xml '//testsuite[@name="3.9.18" and @errors=1]//error[@type="HARNESS"]' 1
is b.xml '//testsuite[@name="3.11.7" and @errors=0]//error' 0
ZAP_FAKE='finding@*' expect 1 "BROKEN P1" "$pyzap" replay --trace --junit c.xml plans/held.plan
valid c.xml
is c.xml '//failure[@type="BROKEN" and contains(., "is broken")]' 2
is c.xml '//system-out[contains(., "route kind=drop")]' 2

# Any name a file can have.
mkdir hostile
for name in "$(printf 'a\001b')" "$(printf 'a\033[31m')" "$(printf 'a\nb\tc')" 'a&amp;<b>"' "]]>'" \
    "$(printf '\377\376')" "$(printf '\355\240\200')" "$(printf '\300\200')" "$(printf '\364\220\200\200')" \
    "$(printf '\357\277\276')" "$(printf '\303')" "$(printf 'caf\303\251 \360\237\220\215')" '#'; do
    cp plans/held.plan "hostile/$name.plan"
done
expect 0 "13 plans" "$pyzap" replay --junit d.xml hostile
valid d.xml
is d.xml '//testcase' 26
is d.xml "//testcase[contains(@name, '/a\\x01b.plan')]" 2
is d.xml "//testcase[contains(@name, '/]]>')]" 2
is d.xml "//testcase[contains(@name, '/\\xff\\xfe.plan')]" 2
is d.xml "//testcase[contains(@name, '/\\xed\\xa0\\x80.plan')]" 2
is d.xml "//testcase[contains(@name, '/\\xc3.plan')]" 2
is d.xml "//testcase[contains(@name, 'caf$(printf '\303\251')')]" 2
"$pyzap" replay --tap hostile >tap || fail "hostile names: not status 0"
awk -f "$here/tap.awk" tap >out || fail "hostile names as TAP"
expect 0 '"changes": 0' "$pyzap" replay --json hostile

# All of it, or what was there.
echo before >there.xml
expect 70 "replay: there.xml/x.xml: Not a directory" "$pyzap" replay --junit there.xml/x.xml plans/held.plan
expect 70 "replay: nowhere/x.xml: No such file" "$pyzap" replay --junit nowhere/x.xml plans/held.plan
expect 2 "give a plan file" "$pyzap" replay --junit there.xml nowhere
[ "$(cat there.xml)" = before ] || fail "there.xml was written"
(ulimit -f 0; trap '' XFSZ; "$pyzap" replay --junit there.xml plans/held.plan >/dev/null 2>&1)
[ $? = 70 ] || fail "a file that cannot be written: not status 70"
[ "$(cat there.xml)" = before ] || fail "half of there.xml was written"
[ "$(ls -A | grep -c '^\.there')" = 0 ] || fail "something was left beside there.xml"
expect 0 "plans" "$pyzap" replay --junit there.xml plans/held.plan
valid there.xml

# The schema says no where it should.
for change in 's/ time="[^"]*"//' 's/tests="12"/tests="x"/' 's/<failure message="[^"]*"/<failure/' \
    's/<skipped /<passed /' 's/testsuite name="3.9.18"/testsuite name="3.11.7"/' 's/classname="[^"]*"//'; do
    sed "$change" a.xml >e.xml
    xmllint --noout --schema "$xsd" e.xml 2>/dev/null && fail "the schema takes $change"
done
finish
