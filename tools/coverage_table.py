"""The table of tools/coverage: line counts of CPython's teardown code, function by function.

  coverage_table.py read SOURCE BUILD COUNTERS            counts of BUILD, by gcov, as JSON on stdout; COUNTERS is
                                                         what GCOV_PREFIX was when they were written
  coverage_table.py compare [--lines] SOURCE OURS THEIRS  two such files as a table

A function that the source does not have is an error: the table below is for CPython 3.11.
"""

import json
import os
import shutil
import subprocess
import sys

# By file; in the order in which a module's end comes to them.
FUNCTIONS = (
    ("Objects/moduleobject.c", """
        _PyModule_ClearDict _PyModule_Clear module_dealloc module_clear module_traverse"""),
    ("Objects/dictobject.c", """
        insertdict insert_to_emptydict insertion_resize insert_into_dictkeys dictresize delitem_common
        delete_index_from_values PyDict_Clear dict_dealloc dict_tp_clear dict_traverse free_keys_object free_values
        dictkeys_decref _PyObject_ClearInstanceAttributes _PyObject_FreeInstanceAttributes"""),
    ("Objects/object.c", """
        _Py_Dealloc PyObject_CallFinalizer PyObject_CallFinalizerFromDealloc _PyTrash_begin _PyTrash_end
        _PyTrash_cond _PyTrash_thread_deposit_object _PyTrash_thread_destroy_chain"""),
    ("Objects/typeobject.c", """
        subtype_dealloc subtype_clear subtype_traverse clear_slots traverse_slots slot_tp_finalize type_dealloc
        type_dealloc_common type_clear type_traverse"""),
    ("Modules/gcmodule.c", """
        gc_collect_main deduce_unreachable update_refs subtract_refs visit_decref visit_reachable move_unreachable
        untrack_tuples untrack_dicts has_legacy_finalizer move_legacy_finalizers clear_unreachable_mask visit_move
        move_legacy_finalizer_reachable handle_weakrefs handle_legacy_finalizers finalize_garbage
        handle_resurrected_objects delete_garbage PyGC_Collect _PyGC_CollectNoFail _PyGC_DumpShutdownStats
        gc_fini_untrack _PyGC_Fini"""),
    ("Python/pylifecycle.c", """
        Py_FinalizeEx wait_for_thread_shutdown flush_std_files finalize_modules finalize_modules_delete_special
        finalize_remove_modules finalize_restore_builtins finalize_modules_clear_weaklist
        finalize_clear_sys_builtins_dict finalize_clear_modules_dict finalize_interp_clear finalize_interp_types
        finalize_interp_delete Py_EndInterpreter call_ll_exitfuncs"""),
    ("Python/pystate.c", """
        interpreter_clear _PyInterpreterState_Clear _PyInterpreterState_ClearModules PyThreadState_Clear"""),
    ("Modules/atexitmodule.c", "atexit_delete_cb atexit_cleanup _PyAtExit_Fini atexit_callfuncs _PyAtExit_Call"),
    ("Objects/weakrefobject.c", """
        PyObject_ClearWeakRefs handle_callback clear_weakref _PyWeakref_ClearRef weakref_dealloc gc_clear
        gc_traverse"""),
    ("Objects/funcobject.c", "func_dealloc func_clear func_traverse"),
    ("Objects/genobject.c", "gen_dealloc _PyGen_Finalize gen_traverse gen_close"),
    ("Objects/cellobject.c", "cell_dealloc cell_clear cell_traverse"),
)

# Why the tests reach lines that plans do not: what has no part in the end of a module, or cannot be had from Python.
TEST_TYPES = "tp_del and classes without the collector: since 3.4, only C types like those of _testcapi"
SAVEALL = "gc.DEBUG_SAVEALL, which keeps all garbage"
DEFINED = "m_clear and m_free: modules of C extensions, made from a PyModuleDef; those of plans are Python's"
MANY_ATTRIBUTES = "an instance with more attributes than its class's shared keys have room for; in plans, one per link"
THREADING = "the threading module, which plans do not import"
UNREGISTER = "atexit.unregister while the callbacks run"
ASYNC = "coroutines and asynchronous generators"
NOTES = {
    "module_dealloc": DEFINED,
    "module_clear": DEFINED,
    "insert_into_dictkeys": MANY_ATTRIBUTES,
    "dictresize": MANY_ATTRIBUTES + "; and dict.update of an empty dict",
    "delete_index_from_values": "del of an instance's attribute; scripts delete names of modules",
    "subtype_dealloc": TEST_TYPES,
    "subtype_clear": "classes that derive from a container, such as list",
    "move_legacy_finalizers": TEST_TYPES,
    "visit_move": TEST_TYPES,
    "move_legacy_finalizer_reachable": TEST_TYPES,
    "handle_weakrefs": "a callback that drops the last reference to its own weak reference",
    "handle_legacy_finalizers": TEST_TYPES + "; and " + SAVEALL,
    "delete_garbage": SAVEALL,
    "gc_collect_main": TEST_TYPES + "; and gc.collect(1): the collections of plans are full ones",
    "_PyGC_DumpShutdownStats": "gc.garbage that is not empty at exit: " + TEST_TYPES + "; and " + SAVEALL,
    "wait_for_thread_shutdown": THREADING,
    "PyThreadState_Clear": THREADING,
    "atexit_cleanup": UNREGISTER,
    "atexit_callfuncs": UNREGISTER,
    "PyObject_ClearWeakRefs": "a proxy beside a reference; and one of a subclass of ref that dies when its target does",
    "func_dealloc": "a weak reference to a function; those of plans are to nodes",
    "gen_dealloc": ASYNC,
    "_PyGen_Finalize": ASYNC,
}


def fail(why):
    sys.exit("coverage: " + why)


def read(source, build, counters):
    """{file: {"functions": {name: [first, last]}, "lines": {number: count}}}"""
    result = {}
    for path, _ in FUNCTIONS:
        stem = os.path.join(build, os.path.splitext(path)[0])
        data = counters + stem + ".gcda"
        if not os.path.exists(data):
            fail("no counters were written for " + path)
        shutil.copy(stem + ".gcno", counters + stem + ".gcno")  # gcov wants the two side by side
        out = subprocess.run(["gcov", "--json-format", "--stdout", data], cwd=build, stdout=subprocess.PIPE,
                             check=True).stdout
        functions, lines = {}, {}
        for file in json.loads(out)["files"]:
            if os.path.realpath(os.path.join(build, file["file"])) != os.path.realpath(os.path.join(source, path)):
                continue  # a header
            for function in file["functions"]:
                functions[function["name"]] = [function["start_line"], function["end_line"]]
            for line in file["lines"]:
                number = line["line_number"]
                lines[number] = lines.get(number, 0) + line["count"]
        result[path] = {"functions": functions, "lines": lines}
    json.dump(result, sys.stdout)


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3, 7"."""
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else "%d-%d" % (a, b) for a, b in parts)


def compare(source, ours, theirs, show_lines):
    with open(ours) as file:
        ours = json.load(file)
    with open(theirs) as file:
        theirs = json.load(file)
    print("%-36s %6s %6s %6s  %s" % ("function", "lines", "pyzap", "tests", "lines that only the tests reach"))
    behind, total = [], [0, 0, 0]
    for path, names in FUNCTIONS:
        print(path)
        with open(os.path.join(source, path)) as file:
            text = file.read().split("\n")
        for name in names.split():
            if name not in ours[path]["functions"]:
                fail("%s has no function %s" % (path, name))
            first, last = ours[path]["functions"][name]
            counts = ours[path]["lines"], theirs[path]["lines"]
            numbers = [n for n in range(first, last + 1) if str(n) in counts[0]]
            reached = [set(n for n in numbers if count.get(str(n))) for count in counts]
            only_theirs = reached[1] - reached[0]
            if len(reached[0]) < len(reached[1]):
                behind.append(name)
            row = [len(numbers), len(reached[0]), len(reached[1])]
            total = [a + b for a, b in zip(total, row)]
            print(("  %-34s %6d %6d %6d  %s" % (name, row[0], row[1], row[2], ranges(only_theirs))).rstrip())
            if show_lines:
                for number in sorted(only_theirs):
                    print("      %5d %s" % (number, text[number - 1]))
    print("%-36s %6d %6d %6d" % ("all", total[0], total[1], total[2]))
    print("functions where the tests reach more lines: %d" % len(behind))
    for name in behind:
        print("  %s: %s" % (name, NOTES.get(name, "plans should get there")))


def main(args):
    show_lines = "--lines" in args
    args = [arg for arg in args if arg != "--lines"]
    if args[:1] == ["read"] and len(args) == 4:
        read(*args[1:])
    elif args[:1] == ["compare"] and len(args) == 4:
        compare(args[1], args[2], args[3], show_lines)
    else:
        fail("wrong usage; tools/coverage calls this")


main(sys.argv[1:])
