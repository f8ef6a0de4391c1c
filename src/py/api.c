/* The functions of `z`.
 *
 * They are reached through a default argument, so they work when every namespace is wiped. Those
 * that stand for plain Python (store, clear, peek, ...) exist because calls of PyDict_SetItem and
 * PyDict_DelItem from this file are seen by the observers on every version, and because a namespace
 * that may be gone must be reached without holding it. Arguments come from op.def and value.def
 * alone and are not checked beyond what a mistake in those tables would break.
 */
#include "py/api.h"

#include "py/batch.h"
#include "py/build.h"
#include "py/cnode.h"
#include "py/end.h"
#include "py/import.h"
#include "py/observe.h"
#include "py/plant.h"
#include "py/run.h"
#include "py/source.h"
#include "py/trap.h"

enum { NEST_DEPTH = 60, GROW_NAMES = 24, GROW_DELETES = 2 };

static PyObject *grow_keys[GROW_NAMES];

static PyObject *none(void)
{
    Py_INCREF(Py_None);
    return Py_None;
}

static PyObject *new_ref(PyObject *obj)
{
    Py_INCREF(obj);
    return obj;
}

static uint8_t to_byte(PyObject *obj)
{
    return (uint8_t)zap_py_to_int(obj);
}

/* The namespace of a module that sys.modules still lists: borrowed, or NULL. */
static PyObject *listed_dict(PyObject *number)
{
    const struct zap_session *s = &zap_session;
    PyObject *module = s->sys_modules == NULL
                           ? NULL
                           : zap_py_dict_get(s->sys_modules, s->module_names[to_byte(number)]);
    return module == NULL || !PyModule_Check(module) ? NULL : PyModule_GetDict(module);
}

static void set_item(PyObject *dict, PyObject *key, PyObject *value)
{
    Py_INCREF(dict); /* what dies by this may drop the last other reference */
    if (PyDict_SetItem(dict, key, value) < 0)
        PyErr_Clear();
    Py_DECREF(dict);
}

static void del_item(PyObject *dict, PyObject *key)
{
    Py_INCREF(dict);
    if (zap_py_dict_get(dict, key) != NULL && PyDict_DelItem(dict, key) < 0)
        PyErr_Clear();
    Py_DECREF(dict);
}

/* Does the script of this node run now? Then it is counted. */
static bool runs(PyObject *node_object)
{
    struct zap_session *s = &zap_session;
    if (!s->active)
        return false;
    uint8_t node = zap_node_of(node_object);
    if (node == ZAP_NO_NODE)
        return s->has_again;
    if ((node >= s->plan->objects_count && !s->node_again[node]) ||
        s->node_runs[node] >= ZAP_SCRIPT_RUNS_MAX)
        return false;
    s->node_runs[node]++;
    return true;
}

static PyObject *z_script(PyObject *zap_self, PyObject *node)
{
    (void)zap_self;
    PyObject *script = runs(node) ? *zap_build_script_at(node) : NULL; /* borrowed */
    /* Where it ran and there is none, a collector gone wrong has cleared the node before. */
    return new_ref(script != NULL ? script : zap_session.empty_tuple);
}

ZAP_PY_DEFINE(z_skip)
{
    (void)zap_self, (void)nargs;
    return new_ref(runs(args[0]) ? Py_False : Py_True);
}

ZAP_PY_DEFINE(z_look)
{
    (void)zap_self, (void)nargs;
    struct zap_event *event = zap_record(ZAP_EVENT_LOOK);
    event->node = zap_node_of(args[0]);
    event->module = to_byte(args[1]);
    event->name = to_byte(args[2]);
    event->how = args[3] == zap_session.missing ? ZAP_SEEN_MISSING
                 : args[3] == Py_None           ? ZAP_SEEN_NONE
                                                : ZAP_SEEN_BOUND;
    if (zap_planted(ZAP_PLANT_LOOK_WRONG) && event->how == ZAP_SEEN_NONE)
        event->how = ZAP_SEEN_MISSING;
    return none();
}

ZAP_PY_DEFINE(z_look_all)
{
    (void)zap_self, (void)nargs;
    struct zap_event *event = zap_record(ZAP_EVENT_LOOK_ALL);
    event->node = zap_node_of(args[0]);
    event->module = to_byte(args[1]);
    if (args[2] == Py_None)
        event->flags |= ZAP_FLAG_NO_STATE;
    else
        zap_observe_dict(&zap_session.spaces[event->module], args[2], event);
    return none();
}

ZAP_PY_DEFINE(z_peek)
{
    (void)zap_self, (void)nargs;
    PyObject *dict = listed_dict(args[0]);
    PyObject *value = dict == NULL ? NULL : zap_py_dict_get(dict, args[1]);
    return new_ref(value == NULL ? zap_session.missing : value);
}

ZAP_PY_DEFINE(z_poke)
{
    (void)zap_self, (void)nargs;
    PyObject *dict = listed_dict(args[0]);
    if (dict != NULL)
        set_item(dict, args[1], args[2]);
    return none();
}

ZAP_PY_DEFINE(z_drop)
{
    (void)zap_self, (void)nargs;
    PyObject *dict = listed_dict(args[0]);
    if (dict != NULL)
        del_item(dict, args[1]);
    return none();
}

ZAP_PY_DEFINE(z_namespace)
{
    (void)zap_self, (void)nargs;
    PyObject *dict = listed_dict(args[0]);
    return new_ref(dict == NULL ? Py_None : dict);
}

ZAP_PY_DEFINE(z_store)
{
    (void)zap_self, (void)nargs;
    set_item(args[0], args[1], args[2]);
    return none();
}

ZAP_PY_DEFINE(z_remove)
{
    (void)zap_self, (void)nargs;
    del_item(args[0], args[1]);
    return none();
}

PyObject *zap_api_fresh(void)
{
    PyObject *made = zap_py_int(zap_session.fresh++);
    zap_observe_made(made);
    return made;
}

ZAP_PY_DEFINE(z_made)
{
    (void)zap_self, (void)nargs;
    zap_observe_made(args[0]);
    return new_ref(args[0]);
}

ZAP_PY_DEFINE(z_fresh)
{
    (void)zap_self, (void)args, (void)nargs;
    return zap_api_fresh();
}

ZAP_PY_DEFINE(z_spawn)
{
    (void)zap_self, (void)nargs;
    struct zap_session *s = &zap_session;
    uint8_t parent = zap_node_of(args[0]);
    if (s->nodes_count >= ZAP_NODES_MAX || parent == ZAP_NO_NODE)
        return none();
    PyTypeObject *type = Py_TYPE(args[0]);
    PyObject *node = type->tp_alloc(type, 0);
    if (node == NULL)
        return NULL;
    zap_observe_made(node);
    uint8_t number = (uint8_t)s->nodes_count++;
    s->nodes[number] = node;
    s->node_space[number] = s->node_space[parent];
    s->node_runs[number] = 0;
    zap_record(ZAP_EVENT_SPAWN)->node = number;
    return node;
}

/* One more instance of a node's class, which does what the node does; new reference or NULL,
 * without an exception where there is to be none. Only one for each __del__, so that they come in
 * rows and not in avalanches, which on 2.7 may or may not end.
 *
 * is_wiped  it will have a name that a wipe is yet to meet
 */
static PyObject *another(PyObject *node, bool is_wiped)
{
    struct zap_session *s = &zap_session;
    uint8_t maker = zap_node_of(node);
    enum zap_feature_code endless_new =
        zap_profile_has(s->profile, ZAP_FEATURE_ENDLESS_NEW_IN_DEBUG)
            ? ZAP_FEATURE_ENDLESS_NEW_IN_DEBUG
            : ZAP_FEATURE_ENDLESS_NEW;
    bool is_given_up = s->known == ZAP_FEATURE_ENDLESS_WIPE || s->known == endless_new;
    if (!s->active || s->made_again || is_given_up)
        return NULL;
    s->made_again = true;
    if (maker < s->plan->objects_count) {
        s->again_count = 0;
        s->again_is_nested = false;
    }
    s->again_count++;
    s->again_is_nested = s->again_is_nested || s->again_depth > 1;
    bool is_short = s->flags & ZAP_RUN_SHORT;
    if (s->again_count > (uint32_t)(is_short ? ZAP_AGAIN_SHORT : ZAP_AGAIN_MAX)) {
        enum zap_feature_code known =
            is_wiped && !s->again_is_nested ? ZAP_FEATURE_ENDLESS_WIPE : endless_new;
        if (is_short)
            s->known = known;
        if (is_short || zap_run_avoids(known))
            return NULL;
        zap_run_endless(known);
    }
    PyObject *new = Py_TYPE(node)->tp_alloc(Py_TYPE(node), 0);
    if (new == NULL)
        return NULL;
    zap_observe_made(new);
    if (!(s->flags & ZAP_RUN_FROM_SOURCE))
        *zap_build_script_at(new) = new_ref(*zap_build_script_at(node));
    if (s->nodes_count < ZAP_NODES_MAX && maker != ZAP_NO_NODE) {
        uint8_t number = (uint8_t)s->nodes_count++;
        s->nodes[number] = new;
        s->node_space[number] = s->node_space[maker];
        s->node_runs[number] = 0;
        s->node_again[number] = true;
        zap_record(ZAP_EVENT_SPAWN)->node = number;
    }
    return new;
}

ZAP_PY_DEFINE(z_bind_again)
{
    (void)zap_self, (void)nargs;
    struct zap_session *s = &zap_session;
    if (args[1] == Py_None)
        return none();
    /* On 2.7 a module that is dropped is wiped. */
    bool is_wiped =
        s->wiping != ZAP_NO_MODULE || zap_profile_has(s->profile, ZAP_FEATURE_ZAP_ON_DEALLOC);
    PyObject *new = another(args[0], is_wiped);
    PyObject *key = new == NULL ? NULL : zap_py_numbered("again", (int)s->again_names++);
    if (key != NULL)
        set_item(args[1], key, new);
    Py_XDECREF(key);
    Py_XDECREF(new);
    return PyErr_Occurred() ? NULL : none();
}

ZAP_PY_DEFINE(z_new_again)
{
    (void)zap_self, (void)nargs;
    PyObject *new = another(args[0], false);
    return new != NULL || PyErr_Occurred() ? new : none();
}

ZAP_PY_DEFINE(z_keep)
{
    (void)zap_self, (void)nargs;
    zap_record(ZAP_EVENT_KEPT)->node = zap_node_of(args[0]);
    if (PyList_Append(zap_session.outside, args[0]) < 0)
        return NULL;
    return none();
}

void zap_api_collect(uint8_t by)
{
    zap_record(ZAP_EVENT_COLLECT)->by = by;
    uint8_t actor = zap_session.by;
    zap_session.by = ZAP_BY_INTERPRETER;
    if (zap_planted(ZAP_PLANT_GC_CLEARS_FIRST) || zap_planted(ZAP_PLANT_FOUR_ROWS))
        zap_plant_before_collect();
    /* Not PyGC_Collect: it does nothing while gc is disabled (3.6 to 3.13). */
    PyObject *count = PyObject_CallObject(zap_session.gc_collect, NULL);
    if (count == NULL)
        PyErr_WriteUnraisable(zap_session.gc_collect);
    Py_XDECREF(count);
    zap_session.by = actor;
    zap_record(ZAP_EVENT_COLLECT_END)->by = by;
}

ZAP_PY_DEFINE(z_collect)
{
    (void)zap_self, (void)args, (void)nargs;
    zap_api_collect(zap_session.by);
    return none();
}

ZAP_PY_DEFINE(z_done)
{
    (void)zap_self, (void)nargs;
    struct zap_event *event = zap_record(ZAP_EVENT_DONE);
    event->node = zap_node_of(args[0]);
    event->info = to_byte(args[1]);
    if (zap_py_to_int(args[2]))
        event->flags |= ZAP_FLAG_X;
    return none();
}

ZAP_PY_DEFINE(z_has_codecs)
{
    (void)zap_self, (void)args, (void)nargs;
    return new_ref(zap_end_has_codecs() ? Py_True : Py_False);
}

ZAP_PY_DEFINE(z_poked)
{
    (void)zap_self, (void)nargs;
    zap_record(ZAP_EVENT_POKED)->node = zap_node_of(args[0]);
    return none();
}

ZAP_PY_DEFINE(z_unlist)
{
    (void)zap_self, (void)nargs;
    if (zap_session.sys_modules != NULL)
        del_item(zap_session.sys_modules, zap_session.module_names[to_byte(args[0])]);
    return none();
}

ZAP_PY_DEFINE(z_clear)
{
    (void)zap_self, (void)nargs;
    if (args[0] == Py_None)
        return none();
    int number = zap_space_of(args[0]);
    if (number >= 0) {
        struct zap_event *event = zap_record(ZAP_EVENT_EMPTY);
        event->module = (uint8_t)number;
        event->how = ZAP_HOW_CALL;
    }
    PyDict_Clear(args[0]);
    return none();
}

ZAP_PY_DEFINE(z_grow)
{
    (void)zap_self, (void)nargs;
    PyObject *dict = args[0];
    if (dict == Py_None)
        return none();
    PyObject *doomed[GROW_DELETES], *key, *value;
    Py_ssize_t place = 0;
    int count = 0;
    while (count < GROW_DELETES && PyDict_Next(dict, &place, &key, &value)) {
        uint8_t name = zap_observe_name(key);
        if (name == ZAP_NAME_NO || name == ZAP_NAME_BUILTINS)
            continue;
        doomed[count++] = new_ref(key);
    }
    for (int i = 0; i < count; i++) {
        del_item(dict, doomed[i]);
        Py_DECREF(doomed[i]);
    }
    for (int i = 0; i < GROW_NAMES; i++)
        set_item(dict, grow_keys[i], Py_True);
    return none();
}

ZAP_PY_DEFINE(z_spring)
{
    (void)zap_self, (void)nargs;
    zap_trap_spring(args[0]);
    return none();
}

ZAP_PY_DEFINE(z_weakref)
{
    (void)zap_self;
    return PyWeakref_NewRef(args[0], nargs > 1 ? args[1] : NULL);
}

static PyObject *callback_ran(PyObject *number, PyObject *reference)
{
    (void)reference;
    unsigned before = zap_batch_enter_number(zap_py_to_int(number));
    struct zap_event *event = zap_record(ZAP_EVENT_CALLBACK);
    event->node = to_byte(number);
    event->how = zap_session.gc_clears ? ZAP_HOW_GC_CLEAR : ZAP_HOW_REFCOUNT;
    zap_batch_leave(before);
    return none();
}
static PyMethodDef callback_def = {"callback", callback_ran, METH_O, NULL};

PyObject *zap_api_callback(uint8_t number)
{
    PyObject *boxed = zap_py_int(zap_batch_number(number));
    if (boxed == NULL)
        return NULL;
    PyObject *callback = PyCFunction_New(&callback_def, boxed);
    Py_DECREF(boxed);
    return callback;
}

ZAP_PY_DEFINE(z_callback)
{
    (void)zap_self, (void)nargs;
    return zap_api_callback(to_byte(args[0]));
}

int zap_api_watch(PyObject *target, uint8_t number)
{
    PyObject *callback = zap_api_callback(number);
    PyObject *reference = callback == NULL ? NULL : PyWeakref_NewRef(target, callback);
    int result = reference == NULL ? -1 : PyList_Append(zap_session.outside, reference);
    Py_XDECREF(reference);
    Py_XDECREF(callback);
    return result;
}

ZAP_PY_DEFINE(z_watch)
{
    (void)zap_self, (void)nargs;
    return zap_api_watch(args[0], to_byte(args[1])) < 0 ? NULL : none();
}

ZAP_PY_DEFINE(z_suspend)
{
    (void)zap_self, (void)nargs;
    PyObject *item = PyIter_Next(args[0]);
    if (item == NULL)
        return NULL;
    Py_DECREF(item);
    return new_ref(args[0]);
}

ZAP_PY_DEFINE(z_cell)
{
    (void)zap_self;
    return PyCell_New(nargs > 0 ? args[0] : Py_None);
}

PyObject *zap_api_nest(PyObject *inner)
{
    PyObject *outer = new_ref(inner);
    for (int i = 0; i < NEST_DEPTH; i++) {
        PyObject *tuple = PyTuple_New(1);
        if (tuple == NULL) {
            Py_DECREF(outer);
            return NULL;
        }
        PyTuple_SET_ITEM(tuple, 0, outer);
        outer = tuple;
    }
    return outer;
}

ZAP_PY_DEFINE(z_nest)
{
    (void)zap_self;
    return zap_api_nest(nargs > 0 ? args[0] : Py_None);
}

ZAP_PY_DEFINE(z_fin)
{
    (void)zap_self, (void)nargs;
    unsigned before = zap_batch_enter_number(zap_py_to_int(args[0]));
    zap_record(ZAP_EVENT_FINALLY)->node = to_byte(args[0]);
    zap_batch_leave(before);
    return none();
}

ZAP_PY_DEFINE(z_cnode)
{
    (void)zap_self, (void)nargs;
    return zap_cnode_new(to_byte(args[0]));
}

ZAP_PY_DEFINE(z_cls)
{
    (void)zap_self;
    return zap_build_class(args[0], args[1], nargs > 2 ? args[2] : NULL);
}

ZAP_PY_DEFINE(z_begin)
{
    (void)zap_self, (void)args, (void)nargs;
    zap_source_built();
    zap_run_begin();
    return none();
}

ZAP_PY_DEFINE(z_body)
{
    (void)zap_self, (void)nargs;
    return zap_import_body(args[0]) < 0 ? NULL : none();
}

ZAP_PY_DEFINE(z_is_plan)
{
    (void)zap_self, (void)nargs;
    return new_ref(zap_import_is_plan(args[0]) ? Py_True : Py_False);
}

#if ZAP_HAS_HOOK
ZAP_PY_DEFINE(z_unraisable)
{
    (void)zap_self, (void)args, (void)nargs;
    zap_observe_unraisable();
    return none();
}
#endif

static PyMethodDef z_functions[] = {
    ZAP_PY_METHOD("skip", z_skip),
    {"script", z_script, METH_O, NULL},
    ZAP_PY_METHOD("look", z_look),
    ZAP_PY_METHOD("look_all", z_look_all),
    ZAP_PY_METHOD("peek", z_peek),
    ZAP_PY_METHOD("poke", z_poke),
    ZAP_PY_METHOD("drop", z_drop),
    ZAP_PY_METHOD("namespace", z_namespace),
    ZAP_PY_METHOD("store", z_store),
    ZAP_PY_METHOD("remove", z_remove),
    ZAP_PY_METHOD("made", z_made),
    ZAP_PY_METHOD("fresh", z_fresh),
    ZAP_PY_METHOD("spawn", z_spawn),
    ZAP_PY_METHOD("bind_again", z_bind_again),
    ZAP_PY_METHOD("new_again", z_new_again),
    ZAP_PY_METHOD("keep", z_keep),
    ZAP_PY_METHOD("collect", z_collect),
    ZAP_PY_METHOD("done", z_done),
    ZAP_PY_METHOD("has_codecs", z_has_codecs),
    ZAP_PY_METHOD("poked", z_poked),
    ZAP_PY_METHOD("unlist", z_unlist),
    ZAP_PY_METHOD("clear", z_clear),
    ZAP_PY_METHOD("grow", z_grow),
    ZAP_PY_METHOD("spring", z_spring),
    ZAP_PY_METHOD("weakref", z_weakref),
    ZAP_PY_METHOD("callback", z_callback),
    ZAP_PY_METHOD("watch", z_watch),
    ZAP_PY_METHOD("suspend", z_suspend),
    ZAP_PY_METHOD("cell", z_cell),
    ZAP_PY_METHOD("nest", z_nest),
    ZAP_PY_METHOD("fin", z_fin),
    ZAP_PY_METHOD("cnode", z_cnode),
    ZAP_PY_METHOD("cls", z_cls),
    ZAP_PY_METHOD("begin", z_begin),
    ZAP_PY_METHOD("body", z_body),
    ZAP_PY_METHOD("is_plan", z_is_plan),
#if ZAP_HAS_HOOK
    ZAP_PY_METHOD("unraisable", z_unraisable),
#endif
    {NULL, NULL, 0, NULL},
};

/* z.globals is the builtin; z.sub makes str-subclass keys, z.trap those of trap.c; the rest are
 * plain values. */
static const char z_source[] = "class sub(str):\n"
                               "    pass\n"
                               "class trap(str):\n"
                               "    def __hash__(self):\n"
                               "        spring(self)\n"
                               "        return str.__hash__(self)\n"
                               "class Error(Exception):\n"
                               "    pass\n"
                               "missing = object()\n"
                               "outside = []\n"
                               "def raises(*args):\n"
                               "    raise Error\n"
                               "def run_thread():\n"
                               "    try:\n"
                               "        import _thread\n"
                               "    except ImportError:\n"
                               "        import thread as _thread\n"
                               "    lock = _thread.allocate_lock()\n"
                               "    lock.acquire()\n"
                               "    _thread.start_new_thread(lock.release, ())\n"
                               "    lock.acquire()\n"
                               "    while _thread._count() > 0:\n"
                               "        pass\n"
                               "def gc_enable():\n"
                               "    import gc\n"
                               "    gc.collect()\n"
                               "    gc.enable()\n";

int zap_api_init(void)
{
    struct zap_session *s = &zap_session;
    s->z = PyModule_New("z");
    if (s->z == NULL)
        return -1;
    PyObject *dict = PyModule_GetDict(s->z);
    if (PyDict_SetItemString(dict, "__builtins__", s->builtins) < 0)
        return -1;
    PyObject *ran = PyRun_String(z_source, Py_file_input, dict, dict);
    if (ran == NULL)
        return -1;
    Py_DECREF(ran);
    for (PyMethodDef *def = z_functions; def->ml_name != NULL; def++) {
        PyObject *function = PyCFunction_New(def, NULL);
        if (function == NULL || PyDict_SetItemString(dict, def->ml_name, function) < 0)
            return -1;
        Py_DECREF(function);
    }
    PyObject *globals = PyDict_GetItemString(s->builtins, "globals");
    if (globals == NULL || PyDict_SetItemString(dict, "globals", globals) < 0)
        return -1;
    PyObject *trap = PyDict_GetItemString(dict, "trap"); /* borrowed */
    zap_trap_class((PyTypeObject *)trap);
    s->outside = new_ref(PyDict_GetItemString(dict, "outside"));
    s->missing = new_ref(PyDict_GetItemString(dict, "missing"));
    s->error = new_ref(PyDict_GetItemString(dict, "Error"));
    s->z_defaults = PyTuple_Pack(1, s->z);
    for (int i = 0; i < GROW_NAMES; i++) {
        char text[16];
        snprintf(text, sizeof text, "grow%d", i);
        grow_keys[i] = zap_py_intern(text);
        if (grow_keys[i] == NULL)
            return -1;
    }
#if ZAP_HAS_HOOK
    PyObject *hook = PyDict_GetItemString(dict, "unraisable");
    if (PySys_SetObject("unraisablehook", hook) < 0)
        return -1;
#endif
    return s->z_defaults == NULL ? -1 : 0;
}
