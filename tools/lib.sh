# shellcheck shell=sh
# Shell functions that tools/run and tools/test share. Sourced, with the source folder as current folder.

mkdir -p build/log

# Run a command with its output in build/log/NAME.log; on failure show the end of it, and fail.
logged() { # name, command...
    log=build/log/$1.log
    shift
    "$@" >"$log" 2>&1 </dev/null && return 0
    echo "failed: $*"
    echo "the end of $log:"
    tail -n 40 "$log"
    return 1
}

# Configure one preset. build/log/configure-PRESET.log lists the CPython builds found.
configure_preset() { # preset
    if command -v ninja >/dev/null 2>&1; then
        export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}" # a folder that has a generator keeps it
    fi
    logged "configure-$1" cmake --preset "$1"
}

# Configure and build one preset, targets as given or all.
build_preset() { # preset, targets...
    preset=$1
    shift
    folder=build
    [ "$preset" = dev ] || folder=build/$preset
    configure_preset "$preset" && logged "build-$preset" cmake --build "$folder" -j "$(nproc)" ${1:+--target "$@"}
}
