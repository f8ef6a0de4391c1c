/* Places beside the globals of a plan's modules where something can be held: one function per row
 * of plan/park.def, and the Python of plan/setting.def.
 *
 * What a place holds is let go of by the interpreter alone, in its own time, or never.
 */
#include "py/park.h"

#include "py/batch.h"
#include "py/run.h"

#include <stdio.h>

static PyObject *dict_holding(PyObject *dict, const char *name, PyObject *value)
{
    return PyDict_SetItemString(dict, name, value) < 0 ? NULL : dict;
}

/* Make `module.function` take a callable: new reference to what it returns, or NULL. */
static PyObject *hand_over(const char *module_name, const char *function, PyObject *callable)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *result =
        module == NULL ? NULL : PyObject_CallMethod(module, (char *)function, "O", callable);
    Py_XDECREF(module);
    return result;
}

/* A callable whose calls come to `def` with (number, thing); new reference or NULL. */
static PyObject *callable_with(PyMethodDef *def, long number, PyObject *thing)
{
    PyObject *pair = Py_BuildValue("(lO)", number, thing);
    PyObject *callable = pair == NULL ? NULL : PyCFunction_New(def, pair);
    Py_XDECREF(pair);
    return callable;
}

/* Is it known that an error of an atexit callback would never be over? */
static bool error_hangs(void)
{
    const struct zap_plan *plan = zap_session.plan;
    return plan->route != ZAP_ROUTE_EXIT &&
           zap_plan_has_setting(plan, ZAP_SETTING_STDERR_MISSING) &&
           zap_run_avoids(ZAP_FEATURE_SUBINTERP_ATEXIT_HANGS);
}

/* An atexit callback is called. A node's script runs as its __del__ does, but nobody finalizes it.
 */
static PyObject *on_atexit(PyObject *pair, PyObject *unused)
{
    (void)unused;
    PyObject *thing = PyTuple_GET_ITEM(pair, 1);
    unsigned before = zap_batch_enter_number(zap_py_to_int(PyTuple_GET_ITEM(pair, 0)));
    uint8_t node = zap_node_of(thing), by = zap_session.by;
    zap_record(ZAP_EVENT_ATEXIT)->node = node;
    PyObject *result = NULL;
    if (node != ZAP_NO_NODE) {
        zap_session.by = node;
        result = PyObject_CallMethod(thing, "__del__", NULL);
        zap_session.by = by;
    } else {
        Py_INCREF(Py_None);
        result = Py_None;
    }
    zap_record(ZAP_EVENT_ATEXIT_END)->node = node;
    if (result == NULL && error_hangs()) {
        PyErr_Clear();
        Py_INCREF(Py_None);
        result = Py_None;
    }
    zap_batch_leave(before);
    return result;
}
static PyMethodDef atexit_def = {"on_atexit", on_atexit, METH_NOARGS, NULL};

/* A codec is looked for: this one knows none. */
static PyObject *on_search(PyObject *pair, PyObject *encoding)
{
    (void)pair, (void)encoding;
    Py_INCREF(Py_None);
    return Py_None;
}
static PyMethodDef search_def = {"on_search", on_search, METH_O, NULL};

static int hold_SYS(unsigned number, const char *name, PyObject *thing)
{
    (void)number;
    return PySys_SetObject((char *)name, thing);
}

static int hold_BUILTINS(unsigned number, const char *name, PyObject *thing)
{
    (void)number;
    return dict_holding(zap_session.builtins, name, thing) == NULL ? -1 : 0;
}

static int hold_MODULES(unsigned number, const char *name, PyObject *thing)
{
    (void)number;
    return dict_holding(zap_session.sys_modules, name, thing) == NULL ? -1 : 0;
}

static int hold_MAIN(unsigned number, const char *name, PyObject *thing)
{
    (void)number, (void)name;
    return dict_holding(zap_session.sys_modules, "__main__", thing) == NULL ? -1 : 0;
}

static int hold_THREAD(unsigned number, const char *name, PyObject *thing)
{
    (void)number;
    PyObject *dict = PyThreadState_GetDict();
    return dict == NULL || dict_holding(dict, name, thing) == NULL ? -1 : 0;
}

#if ZAP_HAS_CONTEXT
/* A variable whose place among those of a plan is that of its number. A context has them in the
 * order of their hashes (Python/hamt.c), these are made of addresses, and no two runs have the
 * same: so take as many as it needs until one has a hash that fits. New reference or NULL. */
static PyObject *context_variable(unsigned number, const char *name)
{
    enum { SLOTS = 32, PER_NUMBER = SLOTS / ZAP_PARKS_MAX };
    for (unsigned attempt = 0;; attempt++) {
        char long_name[64];
        snprintf(long_name, sizeof long_name, "%s.%u", name, attempt);
        PyObject *var = PyContextVar_New(long_name, NULL);
        if (var == NULL)
            return NULL;
        uint64_t hash = (uint64_t)PyObject_Hash(var);
        if (((hash ^ hash >> 32) % SLOTS) / PER_NUMBER == number)
            return var;
        Py_DECREF(var);
    }
}
#endif

static int hold_CONTEXT(unsigned number, const char *name, PyObject *thing)
{
#if ZAP_HAS_CONTEXT
    PyObject *var = context_variable(number, name);
    PyObject *token = var == NULL ? NULL : PyContextVar_Set(var, thing);
    int result = token == NULL ? -1 : 0;
    Py_XDECREF(token);
    Py_XDECREF(var);
    return result;
#else
    (void)number, (void)name, (void)thing;
    return -1;
#endif
}

static int hold_ATEXIT(unsigned number, const char *name, PyObject *thing)
{
    (void)number, (void)name;
    PyObject *callable = callable_with(&atexit_def, zap_batch_number(0), thing);
    PyObject *result = callable == NULL ? NULL : hand_over("atexit", "register", callable);
    Py_XDECREF(result);
    Py_XDECREF(callable);
    return result == NULL ? -1 : 0;
}

static int hold_C(unsigned number, const char *name, PyObject *thing)
{
    (void)number, (void)name;
    Py_INCREF(thing);
    return 0;
}

int zap_park_in_codecs(PyObject *thing)
{
    PyObject *callable = callable_with(&search_def, 0, thing);
    int result = callable == NULL ? -1 : PyCodec_Register(callable);
    Py_XDECREF(callable);
    return result;
}

static int hold_CODECS(unsigned number, const char *name, PyObject *thing)
{
    (void)number, (void)name;
    return zap_park_in_codecs(thing);
}

typedef int (*holder)(unsigned number, const char *name, PyObject *thing);
static const holder holders[] = {
#define ZAP_PARK(code, id, token, modules, objects, weight, words) [code] = hold_##id,
#include "plan/park.def"
#undef ZAP_PARK
};

bool zap_park_has_all(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->parks_count; i++)
        if (plan->parks[i].place == ZAP_PARK_CONTEXT && !ZAP_HAS_CONTEXT)
            return false;
    return true;
}

int zap_park_all(PyObject *const *made)
{
    const struct zap_session *s = &zap_session;
    for (unsigned i = 0; i < s->plan->parks_count; i++) {
        const struct zap_park *park = &s->plan->parks[i];
        char name[32];
        if (s->run == 0)
            snprintf(name, sizeof name, "zap_park%u", i);
        else
            snprintf(name, sizeof name, "zap_park%u_%u", s->run, i);
        PyObject *thing = park->is_module ? s->spaces[park->what].module : made[park->what];
        if (holders[park->place](i, name, thing) < 0)
            return -1;
    }
    return 0;
}

int zap_park_settings(void)
{
    struct zap_session *s = &zap_session;
    PyObject *sys = PyImport_ImportModule("sys");
    PyObject *dict =
        Py_BuildValue("{s:O,s:O,s:N}", "__builtins__", s->builtins, "z", s->z, "sys", sys);
    if (sys == NULL || dict == NULL)
        return -1;
    for (unsigned code = 1; code < ZAP_SETTING_END; code++) {
        const struct zap_setting_row *row = zap_setting_row(code);
        if (row == NULL || !zap_plan_has_setting(s->plan, (enum zap_setting_code)code))
            continue;
        PyObject *ran = PyRun_String(row->py, Py_file_input, dict, dict);
        if (ran == NULL)
            return -1;
        Py_DECREF(ran);
    }
    Py_DECREF(dict);
    return 0;
}
