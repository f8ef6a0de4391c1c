#!/bin/sh
# `pyzap compare` of a build with itself, and with itself with a planted bug: what no feature explains is told of,
# with exit status 1; and what bad usage gets.
#
#   planted.sh PYZAP PLANTED_WORKER FAKE_WORKER
set -u
pyzap=$1
planted=$2
fake=$3
. "$(dirname "$0")/../replay/lib.sh"

# Workers of one CPython under two names; the second one with a bug, where one is named.
workers() {
    mkdir -p workers
    ln -sf "$planted" workers/worker-a
    printf '#!/bin/sh\nPYZAP_PLANT=%s exec "%s"\n' "$1" "$planted" >workers/worker-b
    [ -n "$1" ] || printf '#!/bin/sh\nexec "%s"\n' "$planted" >workers/worker-b
    chmod +x workers/worker-b
}
PYZAP_WORKERS=$work/workers
export PYZAP_WORKERS
cat >p <<'EOF'
pyzap plan 1
route wipe
module m0
object o0 = int
object o1 = cnode
global m0 _a = o1
global m0 _b = o0
EOF

workers ''
expect 0 'p: 1 behaviour group 1: a b' "$pyzap" compare p
expect 0 '200 plans on 2 builds: 0 behave differently somewhere, 0 classes' "$pyzap" compare --random 200

workers late-death
expect 1 'p: 2 behaviours group 1: a group 2: b' "$pyzap" compare p
grep -q '^ *UNEXPLAINED: ' out || fail 'what is planted is not told of'
grep -q ' ?[<>] *cnode o1' out || fail 'the late death is not marked'
expect 1 'UNEXPLAINED: begins with' "$pyzap" compare --random 200
grep -q '    | route ' out || fail 'there is no smallest plan'
"$pyzap" compare --random 200 2>told >all
grep -q '^between a and b, plan [0-9]*: UNEXPLAINED: begins with' told || fail 'a class is not told of when it is seen'
"$pyzap" compare --random 200 --jobs 1 2>/dev/null >one
cmp -s all one || fail 'what is found depends on the number of jobs'

expect 2 'PLAN... is missing' "$pyzap" compare
expect 2 'give one of them' "$pyzap" compare --random 5 p
expect 2 'only with --random' "$pyzap" compare --from 5 p
expect 2 'expected a row of' "$pyzap" compare --history NOTHING
expect 2 'it takes two' "$pyzap" compare --python a p
expect 2 'no-such-file' "$pyzap" compare no-such-file

expect 0 'a yes b yes' "$pyzap" compare --history SAFE_FINALIZERS
expect 0 'I1 wipe-two-pass, on 1 plans' "$pyzap" compare --history wipe-two-pass p
grep -q 'held from a on$' out || fail 'it is not said since when the invariant holds'
workers no-pass-one
expect 0 'held on none of the last, broken up to b' "$pyzap" compare --history wipe-two-pass p
# An invariant that asks for a second run gets one.
printf 'pyzap plan 1\nroute exit\nmodule m0\nobject o0 = cnode\nglobal m0 a = o0\n' >e
expect 0 'I29 repeatability, on 1 plans' "$pyzap" compare --history I29 e
grep -q '^ *a  *1 ' out || fail 'there is no second run for the invariant that asks for one'

# One of two builds dies: it is said where that is known, and only then is all explained.
rm workers/*
fakes 3.8.18 3.11.7 3.13.0
ZAP_FAKE=3.13.0/segv-one@raise
export ZAP_FAKE
printf 'pyzap plan 1\nroute drop\nmodule m0\nobject n = node elsewhere\nglobal m0 a = n\nscript n\n    raise\n' >d
expect 1 'UNEXPLAINED: one dies: lives | SIGSEGV-' "$pyzap" compare d
mkdir -p workers/regress
sed '1a # expect 3.13.. CRASHED SIGSEGV known a.c:b because so' d >workers/regress/known.plan
expect 0 'KNOWN: one dies: lives | SIGSEGV-' "$pyzap" compare d
grep -q '^  a.c:b, see known.plan$' out || fail 'it is not said where it is known'
finish
