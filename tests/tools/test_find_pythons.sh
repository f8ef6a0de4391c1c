#!/bin/sh
# Which folders of build/cpython count, and what instrumented builds are called.
#
#   test_find_pythons.sh ROOT CMAKE CC
#
# The interpreters are scripts that say what describe.py would; they have no headers, so each becomes a line
# with a reason, which is all that is looked at here.
set -u
root=$1
cmake=$2
cc=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# --- what describe.py makes of compiler flags ---
python3 - "$root/cmake/describe.py" <<'END' || fail "describe.py reads flags wrongly"
import sys

with open(sys.argv[1]) as file:
    functions = file.read().split("\nHERE = ")[0]
scope = {}
exec(functions, scope)
for flags, sanitize, coverage in (
        ("-O2 -Wall -fno-sanitize=undefined", [], []),
        ("-O1 -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp", [], ["sancov"]),
        ("-fsanitize=address,fuzzer-no-link", ["address"], ["sancov"]),
        ("-fsanitize=address -fsanitize=bool,shift -fno-sanitize-recover=bool", ["address", "undefined"], []),
        ("-fsanitize=memory -fsanitize-coverage=trace-pc-guard", ["memory"], ["sancov"]),
        ("-O0 --coverage", [], ["gcov"])):
    found = scope["instrumentation"](flags.split())
    found = [sorted(set(names)) for names in found]
    if found != [sanitize, coverage]:
        sys.exit("%s: %s" % (flags, found))
END

# --- folders and names ---
interpreter() { # folder, version, more lines...
    folder=$work/build/cpython/$1
    version=$2
    shift 2
    mkdir -p "$folder"
    {
        echo '#!/bin/sh'
        for line in implementation=cpython "version=$version" "series=${version%.*}" "executable=$folder/python" \
            home=/nowhere tree=1 "build_dir=$folder" has_headers=0 "$@"; do
            echo "echo pyzap:$line"
        done
    } >"$folder/python"
    chmod +x "$folder/python"
}
interpreter finished 3.90.1
interpreter unfinished 3.91.1
interpreter by-hand 3.92.1
interpreter cov 3.93.1 coverage=sancov
interpreter asan 3.93.1 coverage=sancov sanitize=address
interpreter ubsan 3.93.1 sanitize=address sanitize=undefined
interpreter gcov 3.93.1 coverage=gcov
interpreter debug 3.93.1 debug=1
interpreter nogil 3.93.1 nogil=1 coverage=sancov
for name in finished cov asan ubsan gcov debug nogil; do
    echo a recipe >"$work/build/cpython/$name/pyzap-finished"
done
: >"$work/build/cpython/unfinished/pyzap-unfinished"
: >"$work/build/cpython/finished.log"
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(find C)
set(ZAP_FIND_PYTHONS ON)
include($root/cmake/FindPythons.cmake)
zap_find_pythons("")
foreach(build IN LISTS ZAP_BUILDS)
    message(STATUS "build \${build} s='\${ZAP_BUILD_\${build}_SANITIZE}' c='\${ZAP_BUILD_\${build}_COVERAGE}'")
endforeach()
END
env -u PYZAP_PYTHONS HOME="$work" PYENV_ROOT="$work" "$cmake" -S "$work" -B "$work/out" -DCMAKE_C_COMPILER="$cc" \
    >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "cmake fails"
}
sed -n "s/^-- build \(3[.]9[0-9][.].*\)/\1/p" "$work/log" | sort >"$work/found"
sort >"$work/wanted" <<'END'
3.90.1-tree s='' c=''
3.93.1-cov s='' c='sancov'
3.93.1-asan s='address' c='sancov'
3.93.1-asan-ubsan s='address;undefined' c=''
3.93.1-gcov s='' c='gcov'
3.93.1-debug-tree s='' c=''
3.93.1t-cov s='' c='sancov'
END
diff "$work/wanted" "$work/found" || fail "not the builds that are wanted"
grep -q 'build .*finished' "$work/log" && fail "a log or an unfinished folder became a build"

[ "$failures" = 0 ]
