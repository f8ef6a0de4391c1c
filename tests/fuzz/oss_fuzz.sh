#!/bin/sh
# fuzz/oss-fuzz/build.sh under the variables that OSS-Fuzz and ClusterFuzzLite set, and then what their build
# check (bad_build_check) asks of the outcome: every target starts, runs its seeds, and is instrumented by
# the sanitizer and by nothing else. Of all that there was, only $OUT is left by then, and it has moved.
#
#   oss_fuzz.sh SOURCE FOLDER SANITIZER TARGETS     address, undefined or none; a list with commas
#
# FOLDER keeps the CPython that is built here (a minute or two), for the next time. Skipped (77) where the
# service's compiler or CPython's source cannot be had.
set -eu
LC_ALL=C
export LC_ALL
source=$1
folder=$2/$3
sanitizer=$3
targets=$(echo "$4" | tr ',' '\n' | sed 's/^/pyzap_/')

skip() {
    echo "SKIP: $*"
    exit 77
}

failed=0
fail() { # what, log to show the end of
    echo "FAILED: $1"
    [ -z "${2:-}" ] || tail -n 20 "$2"
    failed=1
}

for tool in clang clang++ bash make objdump; do
    command -v $tool >/dev/null 2>&1 || skip "$tool is not installed"
done
[ -e "$(clang -print-file-name="libclang_rt.fuzzer-$(uname -m).a")" ] || skip "libclang-rt-dev is not installed"
if [ ! -e "$source/build/cpython-source/bookworm-3.11/configure" ]; then
    status=0
    "$source/tools/build-cpython" bookworm --variant cov || status=$?
    [ "$status" != 2 ] || skip "there is no CPython source"
    [ "$status" = 0 ] || exit 1
fi

# --- the builder: base-clang's CFLAGS, and base-builder's for each sanitizer and for coverage ---
# Only the first one is optimised as theirs are (-O1): that is three quarters of clang's time, and nothing here looks
# at how fast a target is.
level=-O0
[ "$sanitizer" != address ] || level=-O1
flags="$level -fno-omit-frame-pointer -gline-tables-only -Wno-error=incompatible-function-pointer-types
-Wno-error=int-conversion -Wno-error=deprecated-declarations -Wno-error=implicit-function-declaration
-Wno-error=implicit-int -Wno-error=unknown-warning-option -Wno-error=vla-cxx-extension
-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
checks=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,return
checks=$checks,returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound,vptr
case $sanitizer in
address) flags="$flags -fsanitize=address -fsanitize-address-use-after-scope" ;;
undefined) flags="$flags -fsanitize=$checks,unsigned-integer-overflow -fno-sanitize-recover=$checks" ;;
none) ;;
*)
    echo "oss_fuzz.sh: unknown sanitizer $sanitizer" >&2
    exit 2
    ;;
esac
flags=$(echo "$flags -fsanitize=fuzzer-no-link" | tr '\n' ' ')

SRC=$folder/src
WORK=$folder/work
OUT=$folder/out
hidden=$folder/hidden
elsewhere=$(mktemp -d)
put_back() {
    for place in "$SRC" "$WORK"; do
        [ ! -e "$hidden/${place##*/}" ] || mv "$hidden/${place##*/}" "$place"
    done
}
trap 'put_back; rm -rf "$elsewhere"' EXIT
trap 'exit 1' HUP INT TERM
put_back # of a run that was killed
rm -rf "$OUT" "$SRC/pyzap"
mkdir -p "$SRC/pyzap" "$WORK" "$OUT" "$hidden"
(cd "$source" && tar -cf - CMakeLists.txt LICENSE README.md cmake corpus fuzz src tools) |
    tar -xf - -C "$SRC/pyzap"
cp "$source/fuzz/oss-fuzz/build.sh" "$SRC"
# What configure found out for the instrumented CPython, of the same source by the same compiler, holds here too;
# without it (of an older build) configure asks again.
mkdir -p "$SRC/pyzap/build/cpython-source"
cp -p "$source"/build/cpython-source/configure-*.cache "$SRC/pyzap/build/cpython-source" 2>/dev/null || true
if [ ! -e "$SRC/cpython" ]; then
    mkdir "$SRC/cpython.new"
    (cd "$source/build/cpython-source/bookworm-3.11" && tar -cf - .) | tar -xf - -C "$SRC/cpython.new"
    mv "$SRC/cpython.new" "$SRC/cpython"
fi

log=$folder/build.log
(cd "$SRC/pyzap" && env -i PATH="$PATH" HOME="$elsewhere" SRC="$SRC" WORK="$WORK" OUT="$OUT" CC=clang CXX=clang++ \
    CFLAGS="$flags" CXXFLAGS="$flags" LIB_FUZZING_ENGINE=-fsanitize=fuzzer FUZZING_ENGINE=libfuzzer \
    FUZZING_LANGUAGE=c SANITIZER="$sanitizer" ARCHITECTURE="$(uname -m)" \
    UBSAN_OPTIONS=silence_unsigned_overflow=1 bash -eux "$SRC/build.sh") >"$log" 2>&1 </dev/null || {
    fail "build.sh" "$log"
    exit 1
}

# --- the runner: $OUT alone, elsewhere ---
mv "$SRC" "$WORK" "$hidden"
mv "$OUT" "$elsewhere/out"
out=$elsewhere/out
cd "$out"
found=$(find . -maxdepth 1 -type f -perm -u+x -exec grep -l LLVMFuzzerTestOneInput {} + | sed 's|^\./||' | sort)
[ "$found" = "$(echo "$targets" | sort)" ] || fail "the targets are: $(echo $found)"

# A target as the runner starts it. The environment is base-runner's, with what the target's .options add.
section() { # of the .options, what precedes a key
    awk -v section="[$1]" -v mark="$2" '
        /^\[/ { on = $0 == section }
        on && /=/ { gsub(/ /, ""); print mark $0 }' "$target.options"
}
run() { # target's options...
    asan=alloc_dealloc_mismatch=0:allocator_may_return_null=1:allocator_release_to_os_interval_ms=500
    asan=$asan:check_malloc_usable_size=0:detect_container_overflow=1:detect_odr_violation=0:detect_leaks=1
    asan=$asan:detect_stack_use_after_return=1:fast_unwind_on_fatal=0:handle_abort=1:handle_segv=1
    asan=$asan:handle_sigill=1:max_uar_stack_size_log=16:print_scariness=1:quarantine_size_mb=10
    asan=$asan:strict_memcmp=1:symbolize=1:use_sigaltstack=1:dedup_token_length=3$(section asan :)
    ubsan=print_stacktrace=1:print_summary=1:silence_unsigned_overflow=1:symbolize=1:dedup_token_length=3
    # shellcheck disable=SC2046 # a list of words
    env -i PATH="$out:$PATH" ASAN_OPTIONS="$asan" UBSAN_OPTIONS="$ubsan" "./$target" -rss_limit_mb=2560 \
        -timeout=25 "$@" $(section libfuzzer -) >"$log" 2>&1 </dev/null
}

count() { # a sanitizer's calls
    sed -n "s/^$1 //p" "$elsewhere/calls" | grep . || echo 0
}

seeds=$(find "$source/corpus/seed" -name '*.plan' | grep -c .)
for target in $targets; do
    log=$elsewhere/$target.log
    grep -vE '^(#.*|\[(libfuzzer|asan|msan|ubsan|env)\]|[a-z_]+ = [^ ]+|)$' "$target.options" &&
        fail "$target.options has lines that the runner does not know"

    # It starts from nothing, and CPython counts its edges.
    run -seed=1337 -runs=4 && grep -q '^Done 4 runs' "$log" || fail "$target does not start" "$log"
    edges=$(sed -n 's/^INFO: Loaded 1 modules.*inline 8-bit counters): \([0-9]*\).*/\1/p' "$log")
    [ "${edges:-0}" -gt 50000 ] || fail "$target counts ${edges:-no} edges" "$log"
    grep -q '[1-9][0-9]* Extra Counters' "$log" || fail "$target has no counters of transitions" "$log"

    # Its seeds.
    corpus=$elsewhere/${target}_corpus
    mkdir "$corpus"
    (cd "$corpus" && cmake -E tar xf "$out/${target}_seed_corpus.zip")
    [ "$(find "$corpus" -maxdepth 1 -type f | grep -c .)" = "$seeds" ] || fail "$seeds seeds are not all in the zip"
    run -runs=0 -dict="$target.dict" "$corpus" || fail "$target does not run its seeds" "$log"
    grep -q "seed corpus: files: $seeds " "$log" || fail "$target did not see its seeds" "$log"
    grep -q 'Dictionary: [1-9][0-9]* entries' "$log" || fail "$target did not read its dictionary" "$log"
    grep -q 'WARNING: unrecognized flag' "$log" && fail "$target does not know its options" "$log"

    # The right sanitizer, in most of it.
    objdump -d "$target" | awk '
        match($0, /call.*<__(asan|ubsan|msan|dfsan)/) { sub(/.*</, "", $0); sub(/^__/, ""); sub(/_.*/, ""); n[$0]++ }
        END { for (what in n) print what, n[what] }' >"$elsewhere/calls"
    echo "$target, $sanitizer: $edges edges, $seeds seeds, calls: $(tr '\n' ' ' <"$elsewhere/calls")"
    [ "$(count msan)" -le 3 ] && [ "$(count dfsan)" = 0 ] || fail "$target has another sanitizer in it"
    if [ "$sanitizer" = address ]; then
        [ "$(count asan)" -ge 1000 ] || fail "$target is not compiled with AddressSanitizer"
    else
        [ "$(count asan)" = 0 ] || fail "$target is compiled with AddressSanitizer"
    fi
    if [ "$sanitizer" = undefined ]; then
        [ "$(count ubsan)" -ge 1000 ] || fail "$target is not compiled with UndefinedBehaviorSanitizer"
    else
        [ "$(count ubsan)" -le 200 ] || fail "$target is compiled with UndefinedBehaviorSanitizer"
    fi
done
exit $failed
