#!/bin/sh
# What `pyzap report` refuses and with which words, what it leaves out, and that its bytes are the same each time.
#
#   verb.sh PYZAP FAKE_WORKER
#
# With fake workers: no CPython is needed. What the page shows is for page.sh.
set -u
pyzap=$1
fake=$2
. "$(dirname "$0")/../replay/lib.sh"
fakes 3.9.18 3.11.7

# One line of what was printed, and nothing written.
refuses() { # words, arguments...
    words=$1
    shift
    expect 2 "$words" "$pyzap" report "$@"
    [ "$(grep -c . out)" = 1 ] || fail "report $*: not one line"
}
# The data in a page: one line of JSON between two tags.
data() {
    sed -n 's|^<script type="application/json" id="data">\(.*\)</script>$|\1|p' "$1"
}
has() { # page, words
    data "$1" | grep -qF -e "$2" || fail "$1 has no $2"
}
has_not() {
    ! data "$1" | grep -qF -e "$2" || fail "$1 has $2"
}

mkdir plans empty
printf 'pyzap plan 1\nroute drop\nmodule m0\nobject n = node elsewhere\nglobal m0 a = n\n' >plans/one.plan
printf 'pyzap plan 1\nroute wipe\nmodule m0\nobject n = node m0\nglobal m0 _b = n\n' >plans/two.plan
printf 'pyzap plan 1\nroute nowhere\n' >bad.plan

refuses "-o FILE is missing" plans
refuses "-o: FILE is missing" plans -o
refuses "there is no option --o;" --o x.html
refuses "nowhere/x.html: cannot write there: No such file or directory" -o nowhere/x.html plans
refuses "bad.plan/x.html: cannot write there: Not a directory" -o bad.plan/x.html plans
refuses "plans: it is a folder" -o plans plans
refuses "no such build" -o x.html --python 9.9 plans
refuses "none.plan: No such file" -o x.html none.plan
refuses "bad.plan: line 2, column 7: expected a route" -o x.html bad.plan
refuses "no plans beside the workers" -o x.html
refuses "nowhere: No such file or directory: give the folder" -o x.html --findings nowhere plans
refuses "bad.plan: Not a directory: give the folder" -o x.html --findings bad.plan plans
[ ! -e x.html ] || fail "something was written"
expect 0 "Usage: pyzap report" "$pyzap" report --help

# A page, twice; the second one replaces the first, whole or not at all.
expect 0 "a.html: 2 plans on 2 builds, 0 findings" "$pyzap" report -o a.html plans
expect 0 "b.html: 2 plans" "$pyzap" report plans -o b.html
cmp -s a.html b.html || fail "the same input gives other bytes"
(ulimit -f 0; trap '' XFSZ; "$pyzap" report -o a.html --python 3.9 plans >/dev/null 2>&1)
[ $? = 70 ] || fail "a page that cannot be written: not status 70"
cmp -s a.html b.html || fail "half of a page was written"
[ "$(ls -A | grep -c '^\.a')" = 0 ] || fail "something was left beside a.html"
! grep -qF "$work" a.html || fail "a path of this machine is in the page"
has a.html '"name":"one"'
expect 0 "1 build," "$pyzap" report -o c.html --python 3.11 plans
has_not c.html 3.9.18

# What breaks, and what pyzap fails at.
ZAP_FAKE='finding@*' expect 0 "2 builds" "$pyzap" report -o d.html plans
has d.html '"verdict":2'
ZAP_FAKE=3.9.18/vanish expect 70 "failed in 2 of 4 runs, first with plans/one.plan on 3.9.18: " "$pyzap" report -o e.html plans
has e.html '"verdict":7'

# Findings as sessions file them, and what is none.
ZAP_FAKE='finding@1,segv@2' "$pyzap" check --plans 5 --out shelf >log 2>&1
[ $? = 1 ] || fail "no findings were made: $(cat log)"
count=$(ls shelf/flaky | grep -c .) # a fake worker does nothing twice
expect 0 " $count finding" "$pyzap" report -o f.html --findings shelf plans
one=$(ls shelf/flaky | head -n 1)
has f.html "\"name\":\"flaky/$one\""
mkdir shelf/half shelf/headless shelf/torn shelf/.draft.1
cp -r "shelf/flaky/$one" "shelf/$one"
cp "shelf/$one/min.plan" shelf/half/
for name in headless torn; do
    cp "shelf/$one"/* "shelf/$name/"
done
grep -v '^#' "shelf/$one/min.plan" >shelf/headless/min.plan
head -n 2 "shelf/$one/min.plan" >shelf/torn/min.plan
echo notes >shelf/README
ln -s nowhere shelf/lost
expect 0 "$((count + 1)) findings" "$pyzap" report -o g.html --findings shelf plans
for line in 'README: left out: no finding: it is no folder' 'half: left out: no finding: repro.py: No such file' \
    'headless: left out: no finding: the head of min.plan' 'torn: left out: no finding: min.plan:' \
    'lost: left out: No such file'; do
    grep -qF "pyzap report: shelf/$line" out || fail "does not say $line"
    has g.html "$(printf '%s' "${line#*: left out: }" | cut -c1-20)"
done
[ "$(grep -c 'left out' out)" = 5 ] || fail "not one line for each thing that is left out"
has g.html "\"name\":\"$one\""

# Texts that end an element, that are no UTF-8, or that JavaScript takes for an end of line.
hostile="shelf/$one"
printf '# </script><!--<script>"\\ caf\303\251 \342\200\250 \377\376 \355\240\200 \000 &amp;\n' >>"$hostile/repro.py"
printf '\n</script><script>document.title = 1</script> \360\237\220\215\n' >>"$hostile/report.md"
expect 0 findings "$pyzap" report -o h.html --findings shelf plans
[ "$(grep -c '</script>' h.html)" = "$(grep -c '</script>' a.html)" ] || fail "a finding ends a script element"
has h.html '\u003c/script>\u003c!--\u003cscript>\"\\ caf\u00E9 \u2028 \\xff\\xfe \\xed\\xa0\\x80 \u0000 &amp;'
has h.html '\uD83D\uDC0D'
finish
