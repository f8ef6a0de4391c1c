/* The bare loop that pyzap's own speed is measured against.
 *
 * A round makes what a plan of ZAP_SHAPE_BENCH makes: a module with __builtins__, listed in
 * sys.modules, with 8 instances of the same layout as a plan's nodes under 8 names. Then it takes
 * the same route, in the API calls that the route is. Nothing is drawn, recorded, judged or
 * cleaned: no route is at work for the observers, the class is none that they hook, the dict is not
 * watched and the reference tracer is taken out while the loop runs. The 8 names are constant, and
 * so is everything else.
 *
 * The class is made once, elsewhere; on route collect it is made in each module, because the cycle
 * that this makes is what there is to collect. Its __del__ is Python that calls one C function.
 */
#include "py/bare.h"

#include "py/child.h"
#include "py/run.h"

enum {
    NODES = 8,
    ROUNDS_PER_LOOK = 1024, /* between two looks at shared->stop */
};

static struct {
    PyObject *module_name, *names[NODES]; /* owned */
    PyObject *del;                        /* code, owned */
    PyObject *del_defaults;               /* (touch,), owned */
    PyObject *class_name, *str_slots, *slots, *str_del;
    PyTypeObject *elsewhere; /* owned */
    uint64_t touched;
} bare;

static PyObject *touch(PyObject *self, PyObject *node)
{
    (void)self;
    (void)node;
    bare.touched++;
    Py_RETURN_NONE;
}

static PyMethodDef touch_def = {"touch", touch, METH_O, NULL};

/* The class of nodes whose __del__ has these globals; new reference or NULL. */
static PyTypeObject *make_class(PyObject *globals)
{
    PyObject *type = NULL, *dict = PyDict_New(), *del = PyFunction_New(bare.del, globals);
    if (dict != NULL && del != NULL && PyFunction_SetDefaults(del, bare.del_defaults) == 0 &&
        PyDict_SetItem(dict, bare.str_slots, bare.slots) == 0 &&
        PyDict_SetItem(dict, bare.str_del, del) == 0)
        type = PyObject_CallFunction((PyObject *)&PyType_Type, "O(O)O", bare.class_name,
                                     &PyBaseObject_Type, dict);
    Py_XDECREF(dict);
    Py_XDECREF(del);
    return (PyTypeObject *)type;
}

/* Returns 0, or -1 with a Python exception set. */
static int prepare(void)
{
    static const char source[] = "def del_(self, f=f): f(self)\n";
    static const char *const names[NODES] = {"a", "_b", "c", "_d", "e", "_f", "g", "_h"};
    if (bare.elsewhere != NULL)
        return 0;
    for (unsigned i = 0; i < NODES; i++)
        if ((bare.names[i] = zap_py_intern(names[i])) == NULL)
            return -1;
    PyObject *function = PyCFunction_New(&touch_def, NULL), *globals = PyDict_New();
    bare.module_name = zap_py_intern("bare");
    bare.class_name = zap_py_intern("node");
    bare.str_slots = zap_py_intern("__slots__");
    bare.str_del = zap_py_intern("__del__");
    bare.slots = Py_BuildValue("(sss)", "s", "__dict__", "__weakref__");
    bare.del_defaults = Py_BuildValue("(O)", function);
    if (bare.del_defaults == NULL || bare.slots == NULL ||
        PyDict_SetItemString(globals, "__builtins__", zap_session.builtins) < 0 ||
        PyDict_SetItemString(globals, "f", function) < 0)
        return -1;
    PyObject *ran = PyRun_String(source, Py_file_input, globals, globals);
    if (ran == NULL)
        return -1;
    Py_DECREF(ran);
    bare.del = PyFunction_GetCode(PyDict_GetItemString(globals, "del_"));
    Py_INCREF(bare.del);
    bare.elsewhere = make_class(globals);
    Py_DECREF(function);
    Py_DECREF(globals);
    return bare.elsewhere == NULL ? -1 : 0;
}

/* A module with all that is in it, listed in sys.modules; new reference or NULL. */
static PyObject *make_module(bool own_class)
{
    PyObject *module = PyModule_New("bare");
    if (module == NULL)
        return NULL;
    PyObject *dict = PyModule_GetDict(module);
    PyTypeObject *type = bare.elsewhere;
    Py_INCREF(type);
    if (PyDict_SetItem(zap_session.sys_modules, bare.module_name, module) < 0 ||
        PyDict_SetItem(dict, zap_session.keys[ZAP_NAME_BUILTINS], zap_session.builtins) < 0)
        goto fail;
    if (own_class) {
        Py_DECREF(type);
        if ((type = make_class(dict)) == NULL)
            goto fail;
    }
    for (unsigned i = 0; i < NODES; i++) {
        PyObject *node = PyObject_CallObject((PyObject *)type, NULL);
        int result = node == NULL ? -1 : PyDict_SetItem(dict, bare.names[i], node);
        Py_XDECREF(node);
        if (result < 0)
            goto fail;
    }
    Py_DECREF(type);
    return module;
fail:
    Py_XDECREF(type);
    Py_DECREF(module);
    return NULL;
}

#if ZAP_HAS_WIPE
/* As take_wipe in route.c. */
static void wipe(PyObject *module)
{
    PyObject *dict = PyModule_GetDict(module);
    Py_INCREF(dict);
    _PyModule_Clear(module);
    _PyModule_Clear(module);
    Py_DECREF(dict);
}
#endif

/* Returns 0, or -1 with a Python exception set. */
static int one_round(unsigned route)
{
    PyObject *module = make_module(route == ZAP_ROUTE_COLLECT);
    if (module == NULL)
        return -1;
#if ZAP_HAS_WIPE
    if (route == ZAP_ROUTE_WIPE)
        wipe(module);
#endif
    int result = PyDict_DelItem(zap_session.sys_modules, bare.module_name);
    Py_DECREF(module);
    if (route == ZAP_ROUTE_COLLECT) {
        PyObject *found = PyObject_CallObject(zap_session.gc_collect, NULL);
        Py_XDECREF(found);
        result = found == NULL ? -1 : result;
    }
    return result;
}

/* Only where the route frees all that a round made: free-threaded builds keep modules for a
 * collection, and before 3.4 a collection keeps what has a __del__. */
static bool has_route(unsigned route)
{
    switch (route) {
    case ZAP_ROUTE_DROP:
        return !ZAP_NOGIL;
    case ZAP_ROUTE_WIPE:
        return !ZAP_NOGIL && ZAP_HAS_WIPE;
    case ZAP_ROUTE_COLLECT:
        return ZAP_HAS_TP_FINALIZE;
    default:
        return false;
    }
}

static uint64_t loop(unsigned route, uint64_t count)
{
    struct zap_shared *shared = zap_session.shared;
    uint64_t i = 0;
    for (; i < count; i++) {
        if (i % ROUNDS_PER_LOOK == 0) {
            atomic_store_explicit(&shared->index, i, memory_order_relaxed);
            if (atomic_load_explicit(&shared->stop, memory_order_relaxed))
                break;
        }
        if (one_round(route) < 0)
            break;
    }
    return i;
}

uint64_t zap_bare_run(unsigned route, uint64_t count)
{
    if (route == ZAP_ROUTE_EXIT)
        return zap_child_bare(count);
    if (!has_route(route))
        return 0;
    uint64_t rounds = 0, touched = 0;
    if (prepare() == 0) {
#if ZAP_HAS_REF_TRACER
        void *data;
        PyRefTracer tracer = PyRefTracer_GetTracer(&data);
        PyRefTracer_SetTracer(NULL, NULL);
#endif
        zap_session.cache_grew = true; /* freeze what was made here, too */
        zap_run_collect();
        touched = bare.touched;
        rounds = loop(route, count);
        touched = bare.touched - touched;
#if ZAP_HAS_REF_TRACER
        PyRefTracer_SetTracer(tracer, data);
#endif
    }
    if (PyErr_Occurred()) {
        PyErr_Print();
        return 0;
    }
    ZAP_CHECK_CMP(touched, ==, rounds * NODES);
    return rounds;
}
