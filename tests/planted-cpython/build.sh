#!/bin/sh
# Build the CPython with planted bugs, and a pyzap whose one build it is; what is there and up to date stays.
#
#   tests/planted-cpython/build.sh [SOURCE]
#
#   SOURCE  as tools/build-cpython takes it (default: bookworm)
#
# The CPython goes to build/planted-cpython, which pyzap's build does not look into, pyzap to build/planted. Logs are
# beside them. Exit status 0 they are there, 1 a build failed, 2 something is missing that it takes.
set -eu
cd "$(dirname "$0")/../.."
source=${1:-bookworm}
cpython=build/planted-cpython
pyzap=build/planted

# repro.py reaches the wipe through ctypes, which the patch builds into the interpreter.
if ! echo '#include <ffi.h>' | ${CC:-cc} -E -x c - >/dev/null 2>&1; then
    echo "build.sh: needs libffi: apt-get install libffi-dev" >&2
    exit 2
fi
CC=${CC:-cc} CFLAGS='-O1 -g' tools/build-cpython "$source" --variant env --into $cpython \
    --patch tests/planted-cpython/bugs.patch

log=$pyzap.log
if ! {
    cmake -S . -B $pyzap -G Ninja -DPYZAP_PYTHONS="$PWD/$cpython" -DZAP_FIND_PYTHONS=OFF -DZAP_ENGINES=none \
        -DZAP_TESTS=OFF && cmake --build $pyzap --target program
} >$log 2>&1 </dev/null; then
    tail -n 20 $log >&2
    echo "build.sh: the build failed; all of it is in $log" >&2
    exit 1
fi
echo "pyzap for it is in $pyzap/bin."
