# Fuzz targets: every fuzz/TARGET.c, for every CPython build with a worker, with every engine there is.
#
#   libexec/pyzap/fuzz/ENGINE-TARGET-BUILD   an executable
#   libexec/pyzap/fuzz/afl-mutator.so        AFL++'s way to src/plan/mutate.h
#   libexec/pyzap/fuzz/pyzap.dict, seeds/    from the tables and corpus/seed (fuzz/make_data.c)
#
# An engine is what is linked in, and nothing else differs:
#   none       fuzz/engine_none.c: runs files
#   libfuzzer  clang's libclang_rt.fuzzer; our own code needs no clang
#   afl        AFL++'s driver and runtime: persistent mode, test cases in shared memory
#   custom     what ZAP_FUZZING_ENGINE, or LIB_FUZZING_ENGINE in the environment, says: then this one and
#              none are made, as OSS-Fuzz wants it
# What an engine needs and the machine lacks leaves its targets out, with a line that says so.

set(ZAP_ENGINES all CACHE STRING "Fuzzing engines: all, or a list of none, libfuzzer, afl")
set(ZAP_FUZZING_ENGINE "$ENV{LIB_FUZZING_ENGINE}" CACHE STRING
    "Link options of one more engine; it then replaces libfuzzer and afl")

# The targets; more than the engine's own sources are no targets.
set(ZAP_FUZZ_TARGETS teardown shutdown)
set(fuzz_common fuzz/fuzz.c fuzz/engine.c fuzz/seen.c)
list(TRANSFORM fuzz_common PREPEND ${CMAKE_SOURCE_DIR}/)

# Nothing in fuzz/ asks which CPython it is linked with: each source is compiled once, a target's own once more
# for builds whose edges are counted. In: the name of a library of objects, its sources, definitions.
function(zap_add_fuzz_objects name sources)
    add_library(${name} OBJECT ${sources})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/fuzz)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE ${ARGN})
    target_link_libraries(${name} PRIVATE zap-core)
endfunction()
zap_add_fuzz_objects(fuzz-common "${fuzz_common}")
foreach(target IN LISTS ZAP_FUZZ_TARGETS)
    foreach(edges 0 1)
        zap_add_fuzz_objects(fuzz-${target}-${edges} ${CMAKE_SOURCE_DIR}/fuzz/${target}.c ZAP_FUZZ_EDGES=${edges})
    endforeach()
endforeach()
set(fuzz_dir ${libexec_dir}/fuzz)

set(ZAP_ENGINES_FOUND)
set(engine_none_sources ${CMAKE_SOURCE_DIR}/fuzz/engine_none.c)
set(engine_none_libraries)
list(APPEND ZAP_ENGINES_FOUND none)

separate_arguments(custom_engine UNIX_COMMAND "${ZAP_FUZZING_ENGINE}")
if(custom_engine)
    set(engine_custom_sources ${CMAKE_SOURCE_DIR}/fuzz/libfuzzer_mutator.c)
    set(engine_custom_libraries ${custom_engine})
    enable_language(CXX) # its linker: an engine is C++
    list(APPEND ZAP_ENGINES_FOUND custom)
else()
    find_program(ZAP_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
    set(runtime)
    if(ZAP_CLANG)
        execute_process(COMMAND ${ZAP_CLANG} -print-file-name=libclang_rt.fuzzer-${CMAKE_SYSTEM_PROCESSOR}.a
                        OUTPUT_VARIABLE runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
    endif()
    if(runtime AND EXISTS "${runtime}")
        set(engine_libfuzzer_sources ${CMAKE_SOURCE_DIR}/fuzz/libfuzzer_mutator.c)
        set(engine_libfuzzer_libraries ${runtime} -lstdc++ -lm -lrt)
        list(APPEND ZAP_ENGINES_FOUND libfuzzer)
    else()
        message(STATUS "No libFuzzer: on Debian, apt-get install clang libclang-rt-dev")
    endif()
    find_library(ZAP_AFL_DRIVER NAMES libAFLDriver.a PATH_SUFFIXES afl)
    find_file(ZAP_AFL_RUNTIME NAMES afl-compiler-rt.o PATHS /usr/lib/afl /usr/local/lib/afl)
    if(ZAP_AFL_DRIVER AND ZAP_AFL_RUNTIME)
        set(engine_afl_sources)
        set(engine_afl_libraries ${ZAP_AFL_DRIVER} ${ZAP_AFL_RUNTIME} -lrt)
        list(APPEND ZAP_ENGINES_FOUND afl)
    else()
        message(STATUS "No AFL++: on Debian, apt-get install afl++")
    endif()
endif()
if(NOT ZAP_ENGINES STREQUAL "all")
    set(chosen ${ZAP_ENGINES})
    list(FILTER chosen INCLUDE REGEX "^(none|libfuzzer|afl|custom)$")
    set(both)
    foreach(engine IN LISTS ZAP_ENGINES_FOUND)
        if(engine IN_LIST chosen)
            list(APPEND both ${engine})
        endif()
    endforeach()
    set(ZAP_ENGINES_FOUND ${both})
endif()

foreach(engine IN LISTS ZAP_ENGINES_FOUND)
    if(engine_${engine}_sources)
        zap_add_fuzz_objects(fuzz-engine-${engine} "${engine_${engine}_sources}")
    endif()
endforeach()

add_custom_target(fuzz ALL)

# All targets with all engines around one build.
function(zap_add_fuzz prefix build python folder)
    set(edges 0)
    if("sancov" IN_LIST ZAP_BUILD_${build}_COVERAGE)
        set(edges 1)
    endif()
    foreach(target IN LISTS ZAP_FUZZ_TARGETS)
        foreach(engine IN LISTS ZAP_ENGINES_FOUND)
            set(name ${engine}-${target}-${build})
            set(objects $<TARGET_OBJECTS:fuzz-${target}-${edges}> $<TARGET_OBJECTS:fuzz-common>)
            if(engine_${engine}_sources)
                list(APPEND objects $<TARGET_OBJECTS:fuzz-engine-${engine}>)
            endif()
            add_executable(${prefix}${name} ${objects})
            target_link_libraries(${prefix}${name} PRIVATE ${python} zap-core
                                  ${engine_${engine}_libraries})
            set_target_properties(${prefix}${name} PROPERTIES
                OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${folder})
            if(NOT ZAP_BUILD_${build}_COVERAGE AND NOT ZAP_BUILD_${build}_SANITIZE)
                # Names are enough for an engine's stack traces; there are many of these executables.
                target_link_options(${prefix}${name} PRIVATE -Wl,--strip-debug)
            endif()
            set(language C)
            if(engine STREQUAL "custom")
                set(language CXX)
            endif()
            set_target_properties(${prefix}${name} PROPERTIES LINKER_LANGUAGE ${language})
            add_dependencies(fuzz ${prefix}${name})
        endforeach()
    endforeach()
endfunction()

# What all targets of all builds share.
add_executable(zap-fuzz-data fuzz/make_data.c)
target_compile_definitions(zap-fuzz-data PRIVATE _GNU_SOURCE)
target_link_libraries(zap-fuzz-data PRIVATE zap-core)
file(GLOB seeds CONFIGURE_DEPENDS corpus/seed/*.plan)
add_custom_command(
    OUTPUT ${fuzz_dir}/pyzap.dict
    COMMAND zap-fuzz-data ${fuzz_dir} ${seeds}
    DEPENDS zap-fuzz-data ${seeds})
add_custom_target(fuzz-data DEPENDS ${fuzz_dir}/pyzap.dict)
# A module's code has to be position independent; the core of executables would only get slower by it.
set(module_sources ${core_sources})
list(FILTER module_sources INCLUDE REGEX "/src/(base|plan)/")
add_library(zap-plan-pic STATIC ${module_sources} ${embedded})
target_include_directories(zap-plan-pic PRIVATE ${generated_dir})
target_link_libraries(zap-plan-pic PUBLIC zap-flags)
set_target_properties(zap-plan-pic PROPERTIES POSITION_INDEPENDENT_CODE ON)
add_library(afl-mutator MODULE fuzz/afl_mutator.c)
target_compile_definitions(afl-mutator PRIVATE _GNU_SOURCE)
target_link_libraries(afl-mutator PRIVATE zap-plan-pic)
set_target_properties(afl-mutator PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${fuzz_dir})
add_dependencies(fuzz afl-mutator)
if(NOT ZAP_HOSTILE) # there the limits are too small for some of the seeds
    add_dependencies(fuzz fuzz-data)
endif()
install(DIRECTORY ${fuzz_dir} DESTINATION libexec/pyzap USE_SOURCE_PERMISSIONS)

# For tools/bench, not installed: the teardown target and the bare loop, both on plans of one cost.
set(bench_dir ${CMAKE_BINARY_DIR}/bench)
add_custom_target(fuzz-bench)
function(zap_add_fuzz_bench build python)
    if(NOT "libfuzzer" IN_LIST ZAP_ENGINES_FOUND)
        return()
    endif()
    set(edges 0)
    if("sancov" IN_LIST ZAP_BUILD_${build}_COVERAGE)
        set(edges 1)
    endif()
    foreach(target teardown bare)
        set(name bench-${target}-${build})
        add_executable(${name} EXCLUDE_FROM_ALL fuzz/${target}.c fuzz/bench_mutator.c
                       $<TARGET_OBJECTS:fuzz-common>)
        target_include_directories(${name} PRIVATE fuzz)
        target_compile_definitions(${name} PRIVATE _GNU_SOURCE ZAP_FUZZ_EDGES=${edges})
        target_link_libraries(${name} PRIVATE ${python} zap-core ${engine_libfuzzer_libraries})
        set_target_properties(${name} PROPERTIES
            OUTPUT_NAME libfuzzer-${target}-${build} RUNTIME_OUTPUT_DIRECTORY ${bench_dir})
        add_dependencies(fuzz-bench ${name})
    endforeach()
endfunction()
add_library(bench-mutator MODULE EXCLUDE_FROM_ALL fuzz/bench_mutator.c)
target_link_libraries(bench-mutator PRIVATE zap-plan-pic)
set_target_properties(bench-mutator PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${bench_dir})
add_dependencies(fuzz-bench bench-mutator)
foreach(build IN LISTS ZAP_CHOSEN_BUILDS)
    zap_add_fuzz_bench(${build} python-${build})
endforeach()

foreach(build IN LISTS ZAP_CHOSEN_BUILDS)
    zap_add_fuzz("" ${build} python-${build} ${fuzz_dir})
endforeach()
foreach(build IN LISTS ZAP_PLANTED_BUILDS)
    zap_add_fuzz(planted- ${build} planted-python-${build} ${libexec_dir}/planted/fuzz)
endforeach()
if(ZAP_PLANTED_BUILDS)
    # Targets with planted bugs fuzz with the same data as all others.
    add_custom_command(TARGET fuzz POST_BUILD
        COMMAND ${CMAKE_COMMAND} -E make_directory ${libexec_dir}/planted/fuzz
        COMMAND ${CMAKE_COMMAND} -E create_symlink ../../fuzz/afl-mutator.so
                ${libexec_dir}/planted/fuzz/afl-mutator.so
        COMMAND ${CMAKE_COMMAND} -E create_symlink ../../fuzz/pyzap.dict
                ${libexec_dir}/planted/fuzz/pyzap.dict
        COMMAND ${CMAKE_COMMAND} -E create_symlink ../../fuzz/seeds ${libexec_dir}/planted/fuzz/seeds)
endif()
message(STATUS "Fuzzing engines: ${ZAP_ENGINES_FOUND}")
