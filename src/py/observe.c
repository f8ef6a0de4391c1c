/* Observers: function pointers of CPython's own types, the linker's --wrap, the dict watcher and
 * the reference tracer.
 *
 * The theory: whatever the interpreter does to a module goes through a few slots of static types
 * (PyModule_Type.tp_dealloc, PyDict_Type.tp_clear, ...) and through the finalizer slot of the
 * classes that we make. A slot can be replaced by a C function that records and calls the old one.
 * That runs no Python code, makes no object, and is the same on every version. Three things need
 * more:
 *
 *  - changes of a namespace: the dict watcher from 3.12 on; before, --wrap of PyDict_SetItem and
 *    PyDict_DelItem in a static libpython (calls from inside dictobject.c are not seen: scripts
 * reach those through z.store and z.remove);
 *  - the death of a dict: the watcher, before 3.12 PyDict_Type.tp_dealloc. The latter has one known
 *    side effect: 3.8 to 3.11 compare that slot with dict_dealloc before they count a dict as a
 * level of the trashcan, so there nested dicts do not add to its depth;
 *  - unraisable errors: sys.unraisablehook from 3.8 on, before that --wrap of
 * PyErr_WriteUnraisable.
 *
 * A namespace is read with PyDict_Next, whose borrowed keys are recognised by identity, nearly
 * always at the place where they were when the route began. A dict is never read once its
 * deallocation began.
 */
#include "py/observe.h"

#include "py/batch.h"
#include "py/end.h"
#include "py/plant.h"
#include "py/run.h"
#include "py/trap.h"

#include <string.h>

/* What a DESTROY event is about. */
enum { DESTROYED_MODULE = 1, DESTROYED_DICT = 2, DESTROYED_NODE = 3 };

static destructor module_dealloc;
static inquiry dict_clear;
static zap_py_finalizer slot_finalize; /* slot_tp_finalize or slot_tp_del: one for all classes */
static freefunc object_free;           /* one for all classes: they have the same layout */
#if !ZAP_HAS_DICT_WATCHER
static destructor dict_dealloc;
#else
static int watcher_id;
#endif

static void hook_free(void *self);

/* ---- reading a namespace ---- */

/* Where a key object's code stands in key_slots; the next free slot is taken on a clash. */
enum { KEY_SLOTS = 256 };
static uint8_t key_slots[KEY_SLOTS];

static unsigned key_slot(const PyObject *key)
{
    uintptr_t address = (uintptr_t)key;
    return (unsigned)((address >> 4) ^ (address >> 12)) % KEY_SLOTS;
}

static void learn_keys(void)
{
    memset(key_slots, ZAP_NAME_NO, sizeof key_slots);
    for (unsigned code = 1; code < ZAP_NAME_END; code++) {
        if (zap_session.keys[code] == NULL)
            continue;
        unsigned slot = key_slot(zap_session.keys[code]);
        while (key_slots[slot] != ZAP_NAME_NO)
            slot = (slot + 1) % KEY_SLOTS;
        key_slots[slot] = (uint8_t)code;
    }
}

uint8_t zap_observe_name(PyObject *key)
{
    for (unsigned slot = key_slot(key); key_slots[slot] != ZAP_NAME_NO;
         slot = (slot + 1) % KEY_SLOTS)
        if (zap_session.keys[key_slots[slot]] == key)
            return key_slots[slot];
    /* The same key in another object (built at run time, or of a module that the import system
     * made). */
    if (PyTuple_CheckExact(key) || PyFloat_CheckExact(key) || PyComplex_CheckExact(key)) {
        for (unsigned code = 1; code < ZAP_NAME_END; code++)
            if (zap_session.keys[code] != NULL && Py_TYPE(zap_session.keys[code]) == Py_TYPE(key) &&
                PyObject_RichCompareBool(zap_session.keys[code], key, Py_EQ) == 1)
                return (uint8_t)code;
        return ZAP_NAME_NO;
    }
    if (!zap_py_is_native(key) && !PyUnicode_Check(key))
        return ZAP_NAME_NO;
    for (unsigned code = 1; code < ZAP_NAME_END; code++) {
        PyObject *known = zap_session.keys[code];
        if (known == NULL || Py_TYPE(known) != Py_TYPE(key))
            continue;
        if (PyUnicode_Check(known)) {
            if (zap_py_unicode_len(known) == zap_py_unicode_len(key) &&
                PyUnicode_Compare(known, key) == 0)
                return (uint8_t)code;
            continue;
        }
#if !ZAP_PY3
        if (PyString_GET_SIZE(known) == PyString_GET_SIZE(key) &&
            memcmp(PyString_AS_STRING(known), PyString_AS_STRING(key),
                   (size_t)PyString_GET_SIZE(key)) == 0)
            return (uint8_t)code;
#endif
    }
    return ZAP_NAME_NO;
}

/* Look through a dict; space gives the remembered order. Returns whether keys and order are the
 * same. */
static bool read_dict(const struct zap_space *space, PyObject *dict, struct zap_event *event)
{
    PyObject *key, *value;
    Py_ssize_t place = 0;
    uint32_t at = 0;
    uint64_t bound = 0, none = 0;
    bool same = true;
    while (zap_py_dict_next(dict, &place, &key, &value)) {
        uint8_t name;
        bool is_known = at < space->order_count && space->order[at] == key;
        if (ZAP_LIKELY(is_known && zap_session.keys[space->order_name[at]] == key)) {
            name = space->order_name[at];
        } else {
            /* A key that is only the plan's may be gone, and another one be where it was. */
            name = zap_observe_name(key);
            same = same && is_known && name == space->order_name[at];
        }
        at++;
        /* Which of the two cannot be predicted: no branch. */
        uint64_t is_none = value == Py_None;
        none |= is_none << name;
        bound |= (is_none ^ 1) << name;
        if (ZAP_UNLIKELY(name == ZAP_NAME_BUILTINS))
            event->flags |=
                (uint8_t)(ZAP_FLAG_BUILTINS | (value == space->builtins ? ZAP_FLAG_SAME : 0));
    }
    event->bound = bound & ~UINT64_C(1);
    event->none = none & ~UINT64_C(1);
    event->size = at;
    return same && at == space->order_count;
}

void zap_observe_dict(const struct zap_space *space, PyObject *dict, struct zap_event *event)
{
    (void)read_dict(space, dict, event);
}

void zap_observe_state(uint8_t space, struct zap_event *event)
{
    if (space == ZAP_NO_MODULE || zap_session.spaces[space].dict == NULL) {
        event->flags |= ZAP_FLAG_NO_STATE;
        return;
    }
    zap_observe_dict(&zap_session.spaces[space], zap_session.spaces[space].dict, event);
}

static uint32_t refs_of(PyObject *obj)
{
    Py_ssize_t refs = Py_REFCNT(obj);
    return refs < 0 || refs > UINT16_MAX ? UINT16_MAX : (uint32_t)refs;
}

/* What is said of a value in a namespace: found or not, and of nodes which and how many references.
 * Those of other values depend on what the process did before (None, small ints, interned names).
 */
static void describe_value(PyObject *value, struct zap_event *event)
{
    event->how = value == NULL      ? ZAP_SEEN_MISSING
                 : value == Py_None ? ZAP_SEEN_NONE
                                    : ZAP_SEEN_BOUND;
    if (value == NULL)
        return;
    uint8_t node = zap_cnode_of(value);
    if (node == ZAP_NO_NODE && Py_TYPE(value)->tp_free == hook_free)
        node = zap_node_of(value);
    if (node != ZAP_NO_NODE) {
        event->node = node;
        event->refs = refs_of(value) - zap_plant_hidden_refs();
    }
}

void zap_observe_made(const PyObject *object)
{
    for (unsigned i = 0; i < zap_session.spaces_count; i++)
        if (zap_session.spaces[i].builtins == object)
            zap_session.spaces[i].builtins = NULL;
}

void zap_observe_before(int number)
{
    struct zap_space *space = &zap_session.spaces[number];
    PyObject *key, *value;
    Py_ssize_t place = 0;
    uint32_t at = 0;
    struct zap_event before = {0};
    space->builtins = NULL;
    while (at < ZAP_ORDER_MAX && zap_py_dict_next(space->dict, &place, &key, &value)) {
        uint8_t name = zap_observe_name(key);
        uint64_t is_none = value == Py_None;
        before.none |= is_none << name;
        before.bound |= (is_none ^ 1) << name;
        if (name == ZAP_NAME_BUILTINS) {
            before.flags = ZAP_FLAG_BUILTINS | ZAP_FLAG_SAME;
            space->builtins = value;
        }
        space->order[at] = key;
        space->order_name[at] = name;
        struct zap_event *event = zap_record(ZAP_EVENT_ENTRY);
        event->module = (uint8_t)number;
        event->name = name;
        event->node = space->object_of[name];
        describe_value(value, event);
        event->info = (uint8_t)at;
        at++;
    }
    space->order_count = at;
    struct zap_event *event = zap_record(ZAP_EVENT_BEFORE);
    event->module = (uint8_t)number;
    event->refs = refs_of(space->dict);
    event->flags = before.flags;
    event->bound = before.bound & ~UINT64_C(1);
    event->none = before.none & ~UINT64_C(1);
    event->size = at;
}

void zap_observe_after(int number)
{
    struct zap_space *space = &zap_session.spaces[number];
    if (space->dict == NULL)
        return;
    struct zap_event *event = zap_record(ZAP_EVENT_AFTER);
    event->module = (uint8_t)number;
    event->refs = refs_of(space->dict);
    if (read_dict(space, space->dict, event))
        event->flags |= ZAP_FLAG_X;
}

/* ---- nodes ---- */

static void record_destroy(uint8_t module, uint8_t node, uint8_t what)
{
    struct zap_event *event = zap_record(ZAP_EVENT_DESTROY);
    event->module = module;
    event->node = node;
    event->info = what;
}

uint8_t zap_node_of(PyObject *obj)
{
    struct zap_session *s = &zap_session;
    uint32_t count = s->nodes_count, at = ZAP_NO_NODE;
    if (s->node_hint < count && s->nodes[s->node_hint] == obj)
        return (uint8_t)s->node_hint;
    /* Who is next cannot be predicted: no branch. */
    for (uint32_t i = 0; i < count; i++)
        at = s->nodes[i] == obj ? i : at;
    if (at != ZAP_NO_NODE)
        s->node_hint = at;
    return (uint8_t)at;
}

/* Has a script that can only look done nothing else since its DEL event, as far as events tell?
 * Then the namespace is what it was then, and needs no second reading. */
static bool only_looked(uint8_t node, uint32_t entered_at)
{
    const struct zap_session *s = &zap_session;
    if (node >= s->plan->objects_count || !(s->only_looks >> node & 1) || s->trace->is_cut)
        return false;
    for (uint32_t i = entered_at + 1; i < s->trace->events_count; i++)
        if (s->trace->events[i].kind != ZAP_EVENT_LOOK &&
            s->trace->events[i].kind != ZAP_EVENT_LOOK_ALL)
            return false;
    return true;
}

/* __del__ of a node is about to be called by the interpreter, from deallocation or by the
 * collector. On entry a refcount of at most 1 means deallocation: 3.4 and newer raise it to 1 for
 * the call, 2.7 leaves it at 0; the collector holds a reference of its own beside those of the
 * garbage. */
static void finalize_one(PyObject *self)
{
    struct zap_session *s = &zap_session;
    if (!s->active) {
        slot_finalize(self);
        return;
    }
    if (ZAP_PLANTED_BUILD && zap_plant_before_del(self, Py_REFCNT(self) <= 1))
        return;
    uint8_t node = zap_node_of(self);
    uint8_t space = node == ZAP_NO_NODE ? ZAP_NO_MODULE : s->node_space[node];
    uint32_t refs = refs_of(self);
    uint8_t how = refs > 1 ? ZAP_HOW_GC : s->gc_clears ? ZAP_HOW_GC_CLEAR : ZAP_HOW_REFCOUNT;
    uint32_t entered_at = s->trace->events_count;
    struct zap_event *event = zap_record(ZAP_EVENT_DEL);
    event->node = node;
    event->module = space;
    event->refs = refs;
    event->how = how;
    zap_observe_state(space, event);

    uint8_t by = s->by;
    bool made_again = s->made_again;
    s->by = node == ZAP_NO_NODE ? ZAP_BY_UNNUMBERED : node;
    s->made_again = false;
    bool is_again = s->has_again && (node == ZAP_NO_NODE || s->node_again[node]);
    s->again_depth += is_again;
    slot_finalize(self);
    if (ZAP_PLANTED_BUILD)
        zap_plant_after_del(self, refs_of(self) > refs);
    s->by = by;
    s->made_again = made_again;
    s->again_depth -= is_again;

    uint32_t refs_after = refs_of(self);
    bool looked = only_looked(node, entered_at);
    if (refs_after > refs) {
        event = zap_record(ZAP_EVENT_RESURRECT);
        event->node = node;
        event->refs = refs_after;
    }
    event = zap_record(ZAP_EVENT_DEL_END);
    event->node = node;
    event->module = space;
    event->refs = refs_after;
    event->how = how;
    if (looked) {
        const struct zap_event *entered = &s->trace->events[entered_at];
        event->flags = entered->flags;
        event->size = entered->size;
        event->bound = entered->bound;
        event->none = entered->none;
    } else {
        zap_observe_state(space, event);
    }
    if (PyErr_Occurred())
        event->flags |= ZAP_FLAG_X;
}

static void finalize(PyObject *self)
{
    unsigned before = zap_batch_enter_node(self);
    finalize_one(self);
    zap_batch_leave(before);
}

static void hook_finalize(PyObject *self)
{
    static unsigned calls;
    finalize(self);
    if (zap_planted(ZAP_PLANT_DEL_TWICE) && ++calls % 5 == 0)
        finalize(self);
    if (zap_planted(ZAP_PLANT_PENDING))
        PyErr_Clear();
    if (zap_planted(ZAP_PLANT_TRACER_LATE))
        record_destroy(ZAP_NO_MODULE, zap_node_of(self), DESTROYED_NODE);
}

/* A node's memory is given back: nothing can bring it back from here. */
static void hook_free(void *self)
{
    unsigned before = zap_batch_enter_node(self);
    uint8_t node = zap_node_of(self);
    if (node != ZAP_NO_NODE) {
        zap_session.nodes[node] = NULL;
        zap_record(ZAP_EVENT_FREE)->node = node;
    }
    zap_batch_leave(before);
    object_free(self);
}

void zap_observe_class(PyTypeObject *type)
{
    slot_finalize = ZAP_PY_FINALIZER_SLOT(type);
    object_free = type->tp_free;
    ZAP_CHECK(slot_finalize != NULL && slot_finalize != hook_finalize);
    ZAP_PY_FINALIZER_SLOT(type) = hook_finalize;
    type->tp_free = hook_free;
}

/* ---- modules and dicts ---- */

static void dealloc_module(PyObject *self)
{
    struct zap_session *s = &zap_session;
    for (int i = 0; i < s->spaces_count; i++) {
        struct zap_space *space = &s->spaces[i];
        if (space->module != self)
            continue;
        space->module = NULL;
        struct zap_event *event = zap_record(ZAP_EVENT_MODULE_GONE);
        event->module = (uint8_t)i;
        event->refs = space->dict == NULL ? 0 : refs_of(space->dict);
        zap_observe_pass_reset(space);
        uint8_t by = s->by;
        s->by = ZAP_BY_INTERPRETER;
        PyObject *values = NULL;
        if (zap_planted(ZAP_PLANT_ZAP_ON_DROP) && space->dict != NULL)
            zap_plant_zap(self, space->dict);
        if (zap_planted(ZAP_PLANT_DICT_BACKWARDS) && event->refs == 1)
            values = zap_plant_hold_values(space->dict);
        module_dealloc(self);
        if (zap_planted(ZAP_PLANT_DICT_BACKWARDS) && values != NULL)
            zap_plant_drop_backwards(values);
        s->by = by;
        zap_record(ZAP_EVENT_MODULE_END)->module = (uint8_t)i;
        return;
    }
    module_dealloc(self);
}

static void hook_module_dealloc(PyObject *self)
{
    unsigned before = zap_batch_enter_module(self);
    dealloc_module(self);
    zap_batch_leave(before);
}

static int clear_dict(PyObject *self)
{
    int number = zap_space_of(self);
    if (number < 0)
        return dict_clear(self);
    struct zap_event *event = zap_record(ZAP_EVENT_EMPTY);
    event->module = (uint8_t)number;
    event->how = ZAP_HOW_GC_CLEAR;
    uint8_t by = zap_session.by;
    zap_session.by = ZAP_BY_INTERPRETER;
    zap_session.gc_clears++;
    if (zap_planted(ZAP_PLANT_GC_KEEPS_DICT))
        zap_plant_unbind_all(self);
    int result = dict_clear(self);
    zap_session.gc_clears--;
    zap_session.by = by;
    event = zap_record(ZAP_EVENT_EMPTY_END);
    event->module = (uint8_t)number;
    event->how = ZAP_HOW_GC_CLEAR;
    return result;
}

static int hook_dict_clear(PyObject *self)
{
    unsigned before = zap_batch_enter_dict(self);
    int result = clear_dict(self);
    zap_batch_leave(before);
    return result;
}

/* Returns whether it is not to go yet, although nobody holds it: a wipe that holds nothing is at
 * work in it. What that would do in freed memory depends on luck. */
static bool space_is_going(int number, PyObject *dict)
{
    struct zap_session *s = &zap_session;
    s->spaces[number].dict = NULL;
    zap_record(ZAP_EVENT_DICT_GONE)->module = (uint8_t)number;
    if (!s->active || s->wiping != number)
        return false;
    if (!zap_run_avoids(ZAP_FEATURE_UNHELD_WIPE))
        zap_record(ZAP_EVENT_DEAD_DICT)->module = (uint8_t)number;
    s->dead_dict = dict;
    return true;
}

/* The same for any dict. */
static bool dict_is_going(PyObject *dict)
{
    if (ZAP_UNLIKELY(dict == zap_session.sys_modules))
        zap_session.sys_modules = NULL;
    unsigned before = zap_batch_enter_dict(dict);
    int number = zap_space_of(dict);
    bool is_kept = number >= 0 && space_is_going(number, dict);
    zap_batch_leave(before);
    return is_kept;
}

#if !ZAP_HAS_DICT_WATCHER
static void hook_dict_dealloc(PyObject *self)
{
    if (dict_is_going(self)) {
        zap_py_bring_back(self);
        return;
    }
#if ZAP_HAS_OWN_TRASHCAN
    /* dict_dealloc will not count this level, because it is not called by its slot. */
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, hook_dict_dealloc);
    dict_dealloc(self);
    Py_TRASHCAN_END
#else
    dict_dealloc(self);
#endif
}
#endif

/* ---- changes of a namespace ---- */

void zap_observe_pass_reset(struct zap_space *space)
{
    space->saw_pass_two = false;
    space->last_place = 0;
}

#if ZAP_HAS_SETS
/* An entry of sys.modules is about to be set to None while an interpreter ends. */
static void entry_goes(PyObject *key)
{
    struct zap_session *s = &zap_session;
    PyObject *module = zap_py_dict_get(s->sys_modules, key);
    unsigned before = zap_batch_enter_module(module);
    for (int m = 0; m < s->spaces_count; m++) {
        if (s->spaces[m].module != module || module == NULL)
            continue;
        struct zap_event *event = zap_record(ZAP_EVENT_UNLISTED);
        event->module = (uint8_t)m;
        event->info = s->module_names[m] == key ? 0 : zap_end_is_main(key) ? 2 : 1;
    }
    zap_batch_leave(before);
}

/* A clearing is in its second pass once it sets a name that is not for the first one, or goes back:
 * a pass only goes forward (PyDict_Next), whatever scripts do to the dict meanwhile. */
static bool is_in_pass_two(struct zap_space *space, PyObject *dict, PyObject *key, uint8_t name)
{
    PyObject *each;
    Py_ssize_t place = 0;
    bool is_found = false;
    if (!(zap_names_underscore() >> name & 1))
        space->saw_pass_two = true;
    while (!space->saw_pass_two && !is_found && PyDict_Next(dict, &place, &each, NULL))
        is_found = each == key;
    if (is_found) {
        space->saw_pass_two = place <= space->last_place;
        space->last_place = place;
    }
    return space->saw_pass_two;
}

/* A name is about to change: value is new, NULL for a deletion. */
static void name_changes(int number, PyObject *dict, PyObject *key, PyObject *value)
{
    struct zap_space *space = &zap_session.spaces[number];
    PyObject *old = zap_py_dict_get(dict, key);
    if (old == value) /* nothing changes: also what the watcher says */
        return;
    struct zap_event *event = zap_record(value == NULL      ? ZAP_EVENT_UNBIND
                                         : value == Py_None ? ZAP_EVENT_SET_NONE
                                                            : ZAP_EVENT_STORE);
    uint8_t name = zap_observe_name(key);
    event->module = (uint8_t)number;
    event->name = name;
    event->by = zap_session.by;
    describe_value(old, event);
    if (event->kind == ZAP_EVENT_SET_NONE && event->by == ZAP_BY_INTERPRETER)
        event->info = is_in_pass_two(space, dict, key, name) ? 2 : 1;
}
#endif

void zap_observe_none(int number, PyObject *key)
{
#if ZAP_HAS_SETS && !ZAP_HAS_DICT_WATCHER
    if (zap_session.spaces[number].dict != NULL) /* else the key's own code has ended it */
        name_changes(number, zap_session.spaces[number].dict, key, Py_None);
#else
    (void)number, (void)key;
#endif
}

#if ZAP_HAS_DICT_WATCHER
static int watch_dict(PyDict_WatchEvent what, PyObject *dict, PyObject *key, PyObject *value)
{
    unsigned before;
    int number;
    switch (what) {
    case PyDict_EVENT_ADDED:
    case PyDict_EVENT_MODIFIED:
    case PyDict_EVENT_DELETED:
        before = zap_batch_enter_dict(dict);
        number = zap_session.active ? zap_space_of(dict) : -1;
        if (number >= 0)
            name_changes(number, dict, key, what == PyDict_EVENT_DELETED ? NULL : value);
        else if (value == Py_None && dict == zap_session.sys_modules && zap_session.ends)
            entry_goes(key);
        zap_batch_leave(before);
        break;
    case PyDict_EVENT_DEALLOCATED:
        if (dict_is_going(dict))
            Py_INCREF(dict); /* which the dict's deallocator allows for */
        break;
    default: /* CLEARED is seen where it is caused: hook_dict_clear and z.clear; CLONED changes
                nothing */
        break;
    }
    return 0;
}
#endif

#if ZAP_HAS_WRAP
/* The linker sends every call from another object file here: see wrap.txt. */
int __real_PyDict_SetItem(PyObject *dict, PyObject *key, PyObject *value);
int __real_PyDict_SetItemString(PyObject *dict, const char *text, PyObject *value);
int __real_PyDict_DelItem(PyObject *dict, PyObject *key);
void __real_PyErr_WriteUnraisable(PyObject *where);
int __wrap_PyDict_SetItem(PyObject *dict, PyObject *key, PyObject *value);
int __wrap_PyDict_SetItemString(PyObject *dict, const char *text, PyObject *value);
int __wrap_PyDict_DelItem(PyObject *dict, PyObject *key);
void __wrap_PyErr_WriteUnraisable(PyObject *where);

int __wrap_PyDict_SetItem(PyObject *dict, PyObject *key, PyObject *value)
{
#if !ZAP_HAS_DICT_WATCHER
    if (ZAP_UNLIKELY(zap_session.active)) {
        unsigned before = zap_batch_enter_dict(dict);
        int number = zap_space_of(dict);
        if (number >= 0 && !zap_trap_springs(key))
            name_changes(number, dict, key, value);
        else if (value == Py_None && dict == zap_session.sys_modules && zap_session.ends)
            entry_goes(key);
        zap_batch_leave(before);
    }
#endif
    return __real_PyDict_SetItem(dict, key, value);
}

/* How entries of sys.modules are set to None from 3.7 on
 * (Python/pylifecycle.c:finalize_remove_modules). */
int __real_PyObject_SetItem(PyObject *obj, PyObject *key, PyObject *value);
int __wrap_PyObject_SetItem(PyObject *obj, PyObject *key, PyObject *value);

int __wrap_PyObject_SetItem(PyObject *obj, PyObject *key, PyObject *value)
{
#if !ZAP_HAS_DICT_WATCHER
    if (ZAP_UNLIKELY(zap_session.ends) && value == Py_None && obj == zap_session.sys_modules)
        entry_goes(key);
#endif
    return __real_PyObject_SetItem(obj, key, value);
}

/* __warningregistry__ and the like. Does what the real one does, which makes the same key. */
int __wrap_PyDict_SetItemString(PyObject *dict, const char *text, PyObject *value)
{
#if !ZAP_HAS_DICT_WATCHER
    if (ZAP_UNLIKELY(zap_session.active)) {
        PyObject *key = zap_py_intern(text);
        int result = key == NULL ? -1 : __wrap_PyDict_SetItem(dict, key, value);
        Py_XDECREF(key);
        return result;
    }
#endif
    return __real_PyDict_SetItemString(dict, text, value);
}

int __wrap_PyDict_DelItem(PyObject *dict, PyObject *key)
{
#if !ZAP_HAS_DICT_WATCHER
    if (ZAP_UNLIKELY(zap_session.active)) {
        unsigned before = zap_batch_enter_dict(dict);
        int number = zap_space_of(dict);
        if (number >= 0)
            name_changes(number, dict, key, NULL);
        zap_batch_leave(before);
    }
#endif
    return __real_PyDict_DelItem(dict, key);
}

void __wrap_PyErr_WriteUnraisable(PyObject *where)
{
#if !ZAP_HAS_HOOK
    zap_observe_unraisable();
#endif
    __real_PyErr_WriteUnraisable(where);
}
#endif

void zap_observe_unraisable(void)
{
    zap_record(ZAP_EVENT_UNRAISABLE)->node =
        zap_session.by < ZAP_NODES_MAX ? zap_session.by : ZAP_NO_NODE;
}

/* ---- the reference tracer ---- */

#if ZAP_HAS_REF_TRACER
static int trace_refs(PyObject *obj, PyRefTracerEvent what, void *data)
{
    (void)data;
    struct zap_session *s = &zap_session;
    if (!s->active || what != PyRefTracer_DESTROY)
        return 0;
    unsigned before = s->run;
    if (PyModule_CheckExact(obj)) {
        (void)zap_batch_enter_module(obj);
        for (int i = 0; i < s->spaces_count; i++)
            if (s->spaces[i].module == obj)
                record_destroy((uint8_t)i, ZAP_NO_NODE, DESTROYED_MODULE);
    } else if (PyDict_CheckExact(obj)) {
        (void)zap_batch_enter_dict(obj);
        int number = zap_space_of(obj);
        if (number >= 0)
            record_destroy((uint8_t)number, ZAP_NO_NODE, DESTROYED_DICT);
    } else if (Py_TYPE(obj)->tp_free == hook_free && !zap_planted(ZAP_PLANT_TRACER_LATE)) {
        (void)zap_batch_enter_node(obj);
        record_destroy(ZAP_NO_MODULE, zap_node_of(obj), DESTROYED_NODE);
    }
    zap_batch_leave(before);
    return 0;
}
#endif

/* ---- installing ---- */

int zap_observe_install(void)
{
    int sees = 0;
    learn_keys();
    bool is_first = PyModule_Type.tp_dealloc != hook_module_dealloc; /* and no subinterpreter's */
    if (is_first) {
        module_dealloc = PyModule_Type.tp_dealloc;
        PyModule_Type.tp_dealloc = hook_module_dealloc;
        dict_clear = PyDict_Type.tp_clear;
        PyDict_Type.tp_clear = hook_dict_clear;
    }
#if ZAP_HAS_DICT_WATCHER
    watcher_id = PyDict_AddWatcher(watch_dict);
    if (watcher_id < 0)
        return -1;
#else
    if (is_first) {
        dict_dealloc = PyDict_Type.tp_dealloc;
        PyDict_Type.tp_dealloc = hook_dict_dealloc;
    }
#endif
    sees |= ZAP_SEES_DICT_GONE;
    if (ZAP_HAS_SETS)
        sees |= ZAP_SEES_SETS;
    if (ZAP_HAS_UNRAISED)
        sees |= ZAP_SEES_UNRAISABLE;
    if (ZAP_HAS_WRAP)
        sees |= ZAP_SEES_ENDS;
#if ZAP_HAS_REF_TRACER
    if (PyRefTracer_SetTracer(trace_refs, NULL) < 0)
        return -1;
    sees |= ZAP_SEES_DESTROY;
#endif
    return sees;
}

static void watch(PyObject *dict)
{
#if ZAP_HAS_DICT_WATCHER
    if (PyDict_Watch(watcher_id, dict) < 0)
        PyErr_Clear(); /* cannot happen: the id is ours */
#else
    (void)dict;
#endif
}

void zap_observe_space(struct zap_space *space)
{
    watch(space->dict);
}

void zap_observe_modules(void)
{
    watch(zap_session.sys_modules);
}
