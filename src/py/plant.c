/* The planted bugs. Each is as close as it can be to a change of CPython that would have its
 * effect; the observers are the same as in every worker and do not know. */
#include "py/plant.h"

#ifdef ZAP_PLANT

#include "py/observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY = 5, KEYS_MAX = 128, CHAIN = 6 };

static uint64_t planted; /* bit per enum zap_plant */
static uint32_t hidden_refs;
static unsigned dels;

static const struct {
    enum zap_plant plant;
    const char *token;
} rows[] = {
#define ZAP_PLANT_ROW(id, token, text, caught_by, feature, finder) {ZAP_PLANT_##id, token},
#include "py/plant.def"
#undef ZAP_PLANT_ROW
};

static uint64_t bit_of(const char *token, size_t len)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strlen(rows[i].token) == len && strncmp(rows[i].token, token, len) == 0)
            return UINT64_C(1) << rows[i].plant;
    fprintf(stderr, "pyzap worker: PYZAP_PLANT: expected one of");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fprintf(stderr, " %s", rows[i].token);
    fprintf(stderr, ", found \"%.*s\"\n", (int)len, token);
    exit(2);
}

void zap_plant_init(void)
{
    const char *tokens = getenv("PYZAP_PLANT");
    while (tokens != NULL && tokens[0] != '\0') {
        size_t len = strcspn(tokens, ",");
        planted |= bit_of(tokens, len);
        tokens += len + (tokens[len] == ',');
    }
}

bool zap_planted(enum zap_plant plant)
{
    return (planted >> plant) & 1;
}

uint32_t zap_plant_hidden_refs(void)
{
    return hidden_refs;
}

/* ---- a wipe with a bug ---- */

static bool is_first_pass(PyObject *key)
{
    const struct zap_name_row *row = zap_name_row(zap_observe_name(key));
    if (row == NULL)
        return false;
    if (zap_planted(ZAP_PLANT_PREDICATE) && row->token[0] == '_' && row->cls == ZAP_CLASS_PUBLIC)
        return true;
    if (zap_planted(ZAP_PLANT_PREDICATE_ONE) && row->code == ZAP_NAME_U1)
        return false;
    return row->cls == ZAP_CLASS_UNDERSCORE || (ZAP_PY3 && row->cls == ZAP_CLASS_UNICODE_U);
}

static bool is_cleared(PyObject *key)
{
    const struct zap_name_row *row = zap_name_row(zap_observe_name(key));
    if (row == NULL)
        return zap_py_is_native(key);
    switch (row->cls) {
    case ZAP_CLASS_UNDERSCORE:
    case ZAP_CLASS_PUBLIC:
        return true;
    case ZAP_CLASS_BUILTINS:
        return zap_planted(ZAP_PLANT_BUILTINS_CLEARED);
    case ZAP_CLASS_NONSTR:
        return zap_planted(ZAP_PLANT_NONSTR);
    default:
        return ZAP_PY3;
    }
}

/* The keys of one pass, in dict order; new references. */
static unsigned keys_of(PyObject *dict, bool first_pass, PyObject **ret_keys)
{
    PyObject *key, *value;
    Py_ssize_t place = 0;
    unsigned count = 0;
    while (count < KEYS_MAX && PyDict_Next(dict, &place, &key, &value)) {
        if (value == Py_None || !is_cleared(key) || (first_pass && !is_first_pass(key)))
            continue;
        Py_INCREF(key);
        ret_keys[count++] = key;
    }
    return count;
}

static void clear_one(PyObject *dict, PyObject *key)
{
    if (zap_planted(ZAP_PLANT_DELETED))
        PyDict_DelItem(dict, key);
    else
        PyDict_SetItem(dict, key, Py_None);
    PyErr_Clear();
}

static void pass(PyObject *dict, bool first_pass)
{
    PyObject *keys[KEYS_MAX], *held[KEYS_MAX];
    unsigned count = keys_of(dict, first_pass, keys), held_count = 0;
    unsigned kept = zap_planted(ZAP_PLANT_ONE_KEPT) && !first_pass && count > 0 ? 1 : 0;
    for (unsigned i = 0; i < count - kept; i++) {
        unsigned at = zap_planted(ZAP_PLANT_REVERSED) ? count - 1 - i : i;
        if (zap_planted(ZAP_PLANT_LATE_DEATH)) {
            PyObject *value = zap_py_dict_get(dict, keys[at]);
            if (value == NULL)
                continue;
            Py_INCREF(value);
            held[held_count++] = value;
            hidden_refs = 1;
        }
        clear_one(dict, keys[at]);
        hidden_refs = 0;
    }
    for (unsigned i = 0; i < held_count; i++)
        Py_DECREF(held[i]);
    for (unsigned i = 0; i < count; i++)
        Py_DECREF(keys[i]);
}

static void replace_builtins(PyObject *dict)
{
    PyObject *copy = PyDict_Copy(zap_session.builtins);
    if (copy == NULL || PyDict_SetItem(dict, zap_session.keys[ZAP_NAME_BUILTINS], copy) < 0)
        PyErr_Clear();
    Py_XDECREF(copy);
}

static bool has_op(enum zap_op_code op)
{
    const struct zap_plan *plan = zap_session.plan;
    for (unsigned i = 0; i < plan->acts_count; i++)
        if (plan->acts[i].op == op)
            return true;
    return false;
}

static bool has_kind(enum zap_value_code kind)
{
    const struct zap_plan *plan = zap_session.plan;
    for (unsigned i = 0; i < plan->objects_count; i++)
        if (plan->objects[i].kind == kind)
            return true;
    return false;
}

static bool has_name(enum zap_name_code name)
{
    const struct zap_plan *plan = zap_session.plan;
    for (unsigned m = 0; m < plan->modules_count; m++)
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++)
            if (plan->modules[m].globals[i].name == name)
                return true;
    return false;
}

/* Does this plan have all that these bugs take? */
static bool has_three_rows(void)
{
    return has_op(ZAP_OP_GROW) && has_kind(ZAP_VALUE_GENERATOR);
}

static bool has_four_rows(void)
{
    return has_op(ZAP_OP_WEAKREF) && has_kind(ZAP_VALUE_GENERATOR) && has_name(ZAP_NAME_TUPLE);
}

void zap_plant_wipe(PyObject *module, bool is_second)
{
    struct zap_session *s = &zap_session;
    PyObject *dict = PyModule_GetDict(module);
    if (zap_planted(ZAP_PLANT_SILENT) && !is_second) {
        s->active = false;
        PyDict_SetItem(dict, s->keys[ZAP_NAME_DOC], Py_True);
        s->active = true;
    }
    if (!zap_planted(ZAP_PLANT_NO_PASS_ONE))
        pass(dict, true);
    if (!zap_planted(ZAP_PLANT_NO_PASS_TWO) &&
        !(zap_planted(ZAP_PLANT_THREE_ROWS) && has_three_rows()))
        pass(dict, false);
    if (zap_planted(ZAP_PLANT_BUILTINS_NEW) && !is_second)
        replace_builtins(dict);
    if (zap_planted(ZAP_PLANT_NOT_IDEMPOTENT) && is_second) {
        PyDict_SetItem(dict, s->keys[ZAP_NAME_NAME], Py_True);
        clear_one(dict, s->keys[ZAP_NAME_NAME]);
    }
}

void zap_plant_zap(PyObject *module, PyObject *dict)
{
    PyObject_GC_UnTrack(module); /* as module_dealloc does: a script may collect */
    pass(dict, true);
    pass(dict, false);
}

/* ---- finalizers with a bug ---- */

/* How many __del__ of the plan's own nodes are at work, by what was recorded: those of nodes that
 * scripts make nest by themselves. */
static unsigned dels_at_work(void)
{
    const struct zap_trace *trace = zap_session.trace;
    unsigned depth = 0;
    for (uint32_t i = 0; i < trace->events_count; i++) {
        bool is_own = trace->events[i].node < zap_session.plan->objects_count;
        depth += trace->events[i].kind == ZAP_EVENT_DEL && is_own;
        depth -= trace->events[i].kind == ZAP_EVENT_DEL_END && is_own && depth > 0;
    }
    return depth;
}

bool zap_plant_before_del(PyObject *self, bool by_refcount)
{
    if (!zap_session.active)
        return false;
    bool is_easy = zap_session.has_again; /* one act makes a chain of any length */
    if (zap_planted(ZAP_PLANT_CHAIN_OF_SIX) && dels_at_work() == CHAIN - 1 && !is_easy)
        return true;
    if (zap_planted(ZAP_PLANT_DEL_SKIPPED) && ++dels % EVERY == 0)
        return true;
    if (zap_planted(ZAP_PLANT_CALLBACK_FIRST) && by_refcount) {
        Py_ssize_t refs = Py_REFCNT(self);
        Py_SET_REFCNT(self, 0); /* what PyObject_ClearWeakRefs insists on */
        PyObject_ClearWeakRefs(self);
        Py_SET_REFCNT(self, refs);
    }
#if ZAP_HAS_OWN_BUILTINS
    PyObject *script;
    if (zap_planted(ZAP_PLANT_BUILTINS_LOST) &&
        (script = PyObject_GetAttrString(self, "s")) != NULL) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(script); i++) {
            PyFunctionObject *function = (PyFunctionObject *)PyTuple_GET_ITEM(script, i);
            if (function->func_globals != zap_session.elsewhere_dict)
                Py_SETREF(function->func_builtins, PyDict_New());
        }
        Py_DECREF(script);
    }
    PyErr_Clear();
#endif
    return false;
}

static bool does_raise(uint8_t node)
{
    const struct zap_plan *plan = zap_session.plan;
    for (unsigned i = 0; i < plan->acts_count; i++)
        if (plan->acts[i].node == node && plan->acts[i].op == ZAP_OP_RAISE)
            return true;
    return false;
}

void zap_plant_after_del(PyObject *self, bool has_grown)
{
    struct zap_session *s = &zap_session;
    Py_ssize_t count = PyList_GET_SIZE(s->outside);
    if (zap_planted(ZAP_PLANT_PENDING) && does_raise(s->by))
        PyErr_SetNone(s->error);
    if (zap_planted(ZAP_PLANT_KEPT_FREED) && has_grown && count > 0 &&
        PyList_GET_ITEM(s->outside, count - 1) == self)
        PyList_SetSlice(s->outside, count - 1, count, NULL);
}

/* ---- dicts, collections and reloads with a bug ---- */

PyObject *zap_plant_hold_values(PyObject *dict)
{
    return PyDict_Values(dict);
}

void zap_plant_drop_backwards(PyObject *values)
{
    while (PyList_GET_SIZE(values) > 0)
        PyList_SetSlice(values, PyList_GET_SIZE(values) - 1, PyList_GET_SIZE(values), NULL);
    Py_DECREF(values);
}

void zap_plant_before_collect(void)
{
    struct zap_session *s = &zap_session;
    if (!zap_planted(ZAP_PLANT_GC_CLEARS_FIRST) && !has_four_rows())
        return;
    for (int m = 0; m < s->spaces_count; m++)
        if (s->spaces[m].dict != NULL && s->spaces[m].module == NULL)
            PyDict_SetItem(s->spaces[m].dict, s->keys[ZAP_NAME_NAME], Py_None);
}

void zap_plant_unbind_all(PyObject *dict)
{
    PyObject *keys = PyDict_Keys(dict);
    for (Py_ssize_t i = 0; keys != NULL && i < PyList_GET_SIZE(keys); i++) {
        const struct zap_name_row *row = zap_name_row(zap_observe_name(PyList_GET_ITEM(keys, i)));
        if (row != NULL && row->identifier && PyDict_DelItem(dict, PyList_GET_ITEM(keys, i)) < 0)
            PyErr_Clear();
    }
    Py_XDECREF(keys);
}

PyObject *zap_plant_reload(PyObject *module)
{
    if (zap_planted(ZAP_PLANT_RELOAD_NEW))
        return PyModule_New("m0");
    uint8_t by = zap_session.by;
    zap_session.by = ZAP_BY_INTERPRETER;
    zap_plant_unbind_all(PyModule_GetDict(module));
    zap_session.by = by;
    return PyImport_ReloadModule(module);
}

#else
typedef int zap_plant_is_empty; /* a file must hold something */
#endif
