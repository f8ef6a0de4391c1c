/* How do I call it? The newest spelling of what we use of CPython's API, for every version from 2.7
 * on.
 *
 * This is the only file that tests versions. What a version *does* is not known here: that is
 * oracle/feature.def.
 */
#ifndef ZAP_PY_COMPAT_H
#define ZAP_PY_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>
#include <marshal.h>
#include <structmember.h>

#include <stdbool.h>
#include <stdint.h>

#if PY_VERSION_HEX < 0x02070000 || (PY_MAJOR_VERSION == 3 && PY_VERSION_HEX < 0x03060000)
#error "pyzap supports CPython 2.7 and 3.6 or newer"
#endif

#ifndef ZAP_STATIC
#error "the build system says whether libpython is linked statically"
#endif

/* What this build has. Each is 0 or 1. */
#define ZAP_PY3              (PY_MAJOR_VERSION == 3)
#define ZAP_HAS_TP_FINALIZE  (PY_VERSION_HEX >= 0x03040000)
#define ZAP_HAS_FREEZE       (PY_VERSION_HEX >= 0x03070000)
#define ZAP_HAS_FASTCALL     (PY_VERSION_HEX >= 0x03070000)
#define ZAP_HAS_CONFIG       (PY_VERSION_HEX >= 0x03080000)
#define ZAP_HAS_CONTEXT      (PY_VERSION_HEX >= 0x03070000) /* variables */
#define ZAP_HAS_OWN_GIL      (PY_VERSION_HEX >= 0x030c0000) /* of subinterpreters */
#define ZAP_HAS_HOOK         (PY_VERSION_HEX >= 0x03080000) /* sys.unraisablehook */
#define ZAP_HAS_OWN_BUILTINS (PY_VERSION_HEX >= 0x030a0000) /* of functions */
#define ZAP_HAS_DICT_WATCHER (PY_VERSION_HEX >= 0x030c0000)
#define ZAP_HAS_REF_TRACER   (PY_VERSION_HEX >= 0x030d0000)
/* The trashcan of a type counts a level only where the object's tp_dealloc is the type's own. */
#define ZAP_HAS_OWN_TRASHCAN (PY_VERSION_HEX >= 0x03080000)
/* _PyModule_Clear is in the dynamic symbol table up to 3.12, and in every static library. */
#define ZAP_HAS_WIPE (ZAP_STATIC || PY_VERSION_HEX < 0x030d0000)
/* Before the dict watcher, calls of PyDict_SetItem and PyDict_DelItem are seen by the linker's
 * --wrap, and so are the unraisable errors of versions without a hook. Only a static libpython can
 * be wrapped. */
#define ZAP_HAS_WRAP     (ZAP_STATIC)
#define ZAP_HAS_SETS     (ZAP_HAS_DICT_WATCHER || ZAP_HAS_WRAP)
#define ZAP_HAS_UNRAISED (ZAP_HAS_HOOK || ZAP_HAS_WRAP)

#ifdef Py_GIL_DISABLED
#define ZAP_NOGIL 1
#else
#define ZAP_NOGIL 0
#endif
#ifdef Py_DEBUG
#define ZAP_DEBUG 1
#else
#define ZAP_DEBUG 0
#endif

#define ZAP_BUILD_VERSION ((PY_MAJOR_VERSION << 16) | (PY_MINOR_VERSION << 8) | PY_MICRO_VERSION)

/* Mirrors Objects/moduleobject.c:_PyModule_Clear; private, and in no header of ours to include. */
extern void _PyModule_Clear(PyObject *module);

/* Mirrors Modules/gcmodule.c:_PyGC_CollectNoFail (Python/gc.c from 3.13), likewise private, 3.4 on:
 * the forced collection while an interpreter ends. */
#define ZAP_HAS_FORCED_GC (PY_VERSION_HEX >= 0x03040000)
#if PY_VERSION_HEX >= 0x030a0000
#define ZAP_PY_FORCED_GC_PARAMS PyThreadState *tstate
#define ZAP_PY_FORCED_GC_ARGS   tstate
#else
#define ZAP_PY_FORCED_GC_PARAMS void
#define ZAP_PY_FORCED_GC_ARGS
#endif

/* End the interpreter, or a subinterpreter. */
#if PY_VERSION_HEX >= 0x03060000
#define zap_py_finalize() ((void)Py_FinalizeEx())
#else
#define zap_py_finalize() Py_Finalize()
#endif

/* A new subinterpreter, whose thread state becomes the current one; NULL where there can be none.
 */
static inline PyThreadState *zap_py_new_interpreter(bool has_own_gil)
{
#if ZAP_HAS_OWN_GIL
    PyThreadState *state = NULL;
    if (has_own_gil) {
        PyInterpreterConfig config = {.allow_threads = 1,
                                      .check_multi_interp_extensions = 1,
                                      .gil = PyInterpreterConfig_OWN_GIL};
        PyStatus status = Py_NewInterpreterFromConfig(&state, &config);
        return PyStatus_Exception(status) ? NULL : state;
    }
#endif
    return has_own_gil && !ZAP_HAS_OWN_GIL ? NULL : Py_NewInterpreter();
}

/* New references to native strings ("str" on every version) and ints. */
#if ZAP_PY3
#define zap_py_intern(text)           PyUnicode_InternFromString(text)
#define zap_py_is_native(obj)         PyUnicode_Check(obj)
#define zap_py_unicode_len(obj)       PyUnicode_GET_LENGTH(obj)
#define zap_py_int(value)             PyLong_FromLong(value)
#define zap_py_to_int(obj)            PyLong_AsLong(obj)
#define zap_py_numbered(text, number) PyUnicode_FromFormat("%s%d", text, number)
#define ZAP_PY_BUILTINS               "builtins"
#define zap_py_native_type            PyUnicode_Type
typedef Py_hash_t zap_py_hash;
/* Does a frame keep what it finds as __builtins__ in its globals?
 * (Objects/frameobject.c:PyFrame_New) */
#define zap_py_frame_holds(obj) true
#else
#define zap_py_intern(text)           PyString_InternFromString(text)
#define zap_py_is_native(obj)         PyString_Check(obj)
#define zap_py_unicode_len(obj)       PyUnicode_GET_SIZE(obj)
#define zap_py_int(value)             PyInt_FromLong(value)
#define zap_py_to_int(obj)            PyInt_AsLong(obj)
#define zap_py_numbered(text, number) PyString_FromFormat("%s%d", text, number)
#define ZAP_PY_BUILTINS               "__builtin__"
#define zap_py_native_type            PyString_Type
typedef long zap_py_hash;
#define zap_py_frame_holds(obj)       PyDict_Check(obj)
#endif

#ifndef Py_SET_REFCNT
#define Py_SET_REFCNT(obj, refs) (Py_REFCNT(obj) = (refs))
#endif
/* In a deallocator: the object stays, with one reference. Where all objects are in a list
 * (Py_TRACE_REFS: a debug build up to 3.7) it was taken out before the deallocator was called. */
#ifdef Py_TRACE_REFS
#define zap_py_bring_back(obj) _Py_NewReference(obj)
#else
#define zap_py_bring_back(obj) Py_SET_REFCNT(obj, 1)
#endif
#ifndef Py_SETREF
#define Py_SETREF(place, value)                                                                    \
    do {                                                                                           \
        PyObject *zap_old = (PyObject *)(place);                                                   \
        (place) = (value);                                                                         \
        Py_XDECREF(zap_old);                                                                       \
    } while (0)
#endif

/* Borrowed; NULL without an exception where the key is missing. Never runs Python code for the keys
 * of name.def. */
static inline PyObject *zap_py_dict_get(PyObject *dict, PyObject *key)
{
#if ZAP_PY3
    PyObject *value = PyDict_GetItemWithError(dict, key);
    if (value == NULL && PyErr_Occurred())
        PyErr_Clear();
    return value;
#else
    return PyDict_GetItem(dict, key);
#endif
}

/* PyDict_Next. On 2.7 its struct is public, and going through it here takes half the time. */
#if ZAP_PY3
#define zap_py_dict_next(dict, place, key, value) PyDict_Next(dict, place, key, value)
#else
static inline int zap_py_dict_next(PyObject *dict, Py_ssize_t *place, PyObject **ret_key,
                                   PyObject **ret_value)
{
    PyDictEntry *table = ((PyDictObject *)dict)->ma_table;
    Py_ssize_t last = ((PyDictObject *)dict)->ma_mask, i = *place;
    while (i <= last && table[i].me_value == NULL)
        i++;
    *place = i + 1;
    if (i > last)
        return 0;
    *ret_key = table[i].me_key;
    *ret_value = table[i].me_value;
    return 1;
}
#endif

/* The slot through which the interpreter calls a Python __del__, and what it holds. */
#if ZAP_HAS_TP_FINALIZE
typedef destructor zap_py_finalizer;
#define ZAP_PY_FINALIZER_SLOT(type) ((type)->tp_finalize)
#else
typedef destructor zap_py_finalizer;
#define ZAP_PY_FINALIZER_SLOT(type) ((type)->tp_del)
#endif

/* The C functions of `z` take an array of arguments on every version. */
#if ZAP_HAS_FASTCALL
#define ZAP_PY_DEFINE(name)                                                                        \
    static PyObject *name(PyObject *zap_self, PyObject *const *args, Py_ssize_t nargs)
#define ZAP_PY_METHOD(text, name)                                                                  \
    {                                                                                              \
        text, (PyCFunction)(void (*)(void))(name), METH_FASTCALL, NULL                             \
    }
#else
#define ZAP_PY_DEFINE(name)                                                                        \
    static PyObject *name##_array(PyObject *zap_self, PyObject *const *args, Py_ssize_t nargs);    \
    static PyObject *name(PyObject *zap_self, PyObject *tuple)                                     \
    {                                                                                              \
        return name##_array(zap_self, &PyTuple_GET_ITEM(tuple, 0), PyTuple_GET_SIZE(tuple));       \
    }                                                                                              \
    static PyObject *name##_array(PyObject *zap_self, PyObject *const *args, Py_ssize_t nargs)
#define ZAP_PY_METHOD(text, name)                                                                  \
    {                                                                                              \
        text, (PyCFunction)(name), METH_VARARGS, NULL                                              \
    }
#endif

#endif
