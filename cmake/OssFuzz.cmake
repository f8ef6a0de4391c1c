# What OSS-Fuzz and ClusterFuzzLite take away: `cmake --install FOLDER --component oss-fuzz --prefix $OUT`.
#
#   pyzap_TARGET                   linked with LIB_FUZZING_ENGINE, by the C++ compiler as they demand
#   pyzap_TARGET.dict, .options, _seed_corpus.zip
#   python/                        the standard library: the runner gets $OUT and nothing else, so the
#                                  interpreter finds its home beside the executable
#
# Their flags are in CFLAGS. A sanitizer's checks are for our code too; a fuzzer's instrumentation is for
# CPython alone, because what our own code does is not what is explored (fuzz/engine.c has the rest).

if(NOT "custom" IN_LIST ZAP_ENGINES_FOUND)
    return()
endif()
if(CMAKE_C_FLAGS MATCHES "fuzzer-no-link")
    target_compile_options(zap-flags INTERFACE -fno-sanitize=fuzzer-no-link)
endif()

# $OUT is flat: there is room for one build, the newest.
list(LENGTH ZAP_CHOSEN_BUILDS count)
if(count EQUAL 0)
    return()
endif()
list(GET ZAP_CHOSEN_BUILDS -1 build)
set(component COMPONENT oss-fuzz EXCLUDE_FROM_ALL)

set(names)
foreach(seed IN LISTS seeds)
    get_filename_component(name ${seed} NAME_WLE)
    list(APPEND names ${name}.zap)
endforeach()
add_custom_command(
    OUTPUT ${fuzz_dir}/seeds.zip
    COMMAND ${CMAKE_COMMAND} -E tar cf ../seeds.zip --format=zip -- ${names}
    WORKING_DIRECTORY ${fuzz_dir}/seeds
    DEPENDS ${fuzz_dir}/pyzap.dict)
add_custom_target(oss-fuzz DEPENDS ${fuzz_dir}/seeds.zip)

foreach(target IN LISTS ZAP_FUZZ_TARGETS)
    set(executable custom-${target}-${build})
    add_dependencies(oss-fuzz ${executable})
    set(name pyzap_${target})
    install(PROGRAMS $<TARGET_FILE:${executable}> DESTINATION . RENAME ${name} ${component})
    install(FILES ${fuzz_dir}/seeds.zip DESTINATION . RENAME ${name}_seed_corpus.zip ${component})
    install(FILES ${fuzz_dir}/pyzap.dict DESTINATION . RENAME ${name}.dict ${component})
    install(FILES fuzz/oss-fuzz/pyzap.options DESTINATION . RENAME ${name}.options ${component})
endforeach()

# All of the standard library that an interpreter may want by itself; not its tests and applications.
if(ZAP_PYTHON_BESIDE)
    set(own lib/python${ZAP_BUILD_${build}_SERIES})
    string(REPLACE ":" ";" places "${ZAP_BUILD_${build}_HOME}")
    list(TRANSFORM places APPEND /${own})
    string(REPLACE ":" ";" path "${ZAP_BUILD_${build}_PATH}") # of a build tree
    find_path(library os.py PATHS ${path} ${places} NO_DEFAULT_PATH NO_CACHE REQUIRED)
    install(DIRECTORY ${library}/ DESTINATION ${ZAP_PYTHON_BESIDE}/${own} ${component}
            FILES_MATCHING PATTERN "*.py"
            REGEX "/(test|tests|idlelib|tkinter|lib-tk|turtledemo|lib2to3|ensurepip|pydoc_data|distutils|site-packages|dist-packages|__pycache__|plat-[^/]*)$"
            EXCLUDE)
endif()
