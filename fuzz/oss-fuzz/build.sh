#!/bin/bash -eu
# OSS-Fuzz and ClusterFuzzLite run this in the image of the Dockerfile beside it, and take what is then in
# $OUT. All that is special is said in CC, CXX, CFLAGS, CXXFLAGS, LIB_FUZZING_ENGINE and SANITIZER, which
# tools/build-cpython and CMake read.

# The interpreter that is built here also runs here, and leaves memory to the system at its end.
export ASAN_OPTIONS=detect_leaks=0

# Until 3.13 CPython's slots are called through pointers of another function type: clang 17 and newer would
# stop its build there.
export CFLAGS="$CFLAGS -fno-sanitize=function"

"$SRC/pyzap/tools/build-cpython" "$SRC/cpython" --variant env --into "$WORK/cpython"

# Only this CPython, and flags as they are: a new warning of a newer compiler is no reason to stop.
cmake -S "$SRC/pyzap" -B "$WORK/pyzap" --compile-no-warning-as-error -DCMAKE_BUILD_TYPE=None \
    -DZAP_TESTS=OFF -DZAP_FIND_PYTHONS=OFF -DPYZAP_PYTHONS="$WORK/cpython" -DZAP_PYTHON_BESIDE=python
cmake --build "$WORK/pyzap" --target oss-fuzz -j "$(nproc)"
cmake --install "$WORK/pyzap" --component oss-fuzz --prefix "$OUT"

# Plans import this module (import-new in src/plan/op.def). Its bytecode is checked against nothing, because
# the times of files do not survive the way to the runner.
"$WORK/cpython/python" -E -s -S - "$OUT"/python/lib/python*/colorsys.py <<'END'
import py_compile, sys
py_compile.compile(sys.argv[1], doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
END
