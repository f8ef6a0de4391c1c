/* The routes. Each leaves the reference that it works on in zap_session.modules where the module
 * may live on, and gives it up where the module is to go.
 *
 * A route is its own actor: what a namespace meets because the interpreter clears it is
 * ZAP_BY_INTERPRETER, what the module's own code does is ZAP_BY_ROUTE.
 */
#include "py/route.h"

#include "py/api.h"
#include "py/build.h"
#include "py/import.h"
#include "py/observe.h"
#include "py/plant.h"
#include "py/run.h"

uint32_t zap_route_bits(void)
{
    uint32_t bits = 0;
#define ZAP_ROUTE(code, id, token, weight, ends, text) bits |= UINT32_C(1) << code;
#include "plan/route.def"
#undef ZAP_ROUTE
    if (!ZAP_HAS_OWN_GIL)
        bits &= ~(UINT32_C(1) << ZAP_ROUTE_SUBINTERP_GIL);
    if (!ZAP_HAS_WIPE)
        bits &= ~(UINT32_C(1) << ZAP_ROUTE_WIPE | UINT32_C(1) << ZAP_ROUTE_WIPE_UNHELD);
    return bits;
}

static void unlist(unsigned number)
{
    struct zap_session *s = &zap_session;
    if (zap_py_dict_get(s->sys_modules, s->module_names[number]) != NULL &&
        PyDict_DelItem(s->sys_modules, s->module_names[number]) < 0)
        PyErr_Clear();
}

static void take_drop(void)
{
    struct zap_session *s = &zap_session;
    for (unsigned m = 0; m < s->plan->modules_count; m++) {
        unlist(m);
        Py_CLEAR(s->modules[m]);
    }
}

static void take_collect(void)
{
    take_drop();
    zap_api_collect(ZAP_BY_ROUTE);
}

#if ZAP_HAS_WIPE
static void wipe(unsigned number, PyObject *module, uint8_t call)
{
    struct zap_session *s = &zap_session;
    struct zap_event *event = zap_record(ZAP_EVENT_WIPE);
    event->module = (uint8_t)number;
    event->info = call;
    zap_observe_pass_reset(&s->spaces[number]);
    s->by = ZAP_BY_INTERPRETER;
    s->wiping = (uint8_t)number;
    if (ZAP_PLANTED_BUILD)
        zap_plant_wipe(module, call == 2);
    else
        _PyModule_Clear(module);
    s->wiping = ZAP_NO_MODULE;
    s->by = ZAP_BY_ROUTE;
    event = zap_record(ZAP_EVENT_WIPE_END);
    event->module = (uint8_t)number;
    event->info = call;
    if (PyErr_Occurred())
        event->flags |= ZAP_FLAG_X;
}
#endif

/* The module and its dict are both held, because _PyModule_Clear holds neither: a destructor that
 * drops the last reference would make it walk freed memory. */
static void take_wipe(void)
{
#if ZAP_HAS_WIPE
    struct zap_session *s = &zap_session;
    PyObject *dicts[ZAP_MODULES_MAX];
    for (unsigned m = 0; m < s->plan->modules_count; m++) {
        dicts[m] = PyModule_GetDict(s->modules[m]);
        Py_INCREF(dicts[m]);
        wipe(m, s->modules[m], 1);
        zap_observe_after((int)m);
        wipe(m, s->modules[m], 2);
    }
    for (unsigned m = 0; m < s->plan->modules_count; m++)
        Py_DECREF(dicts[m]);
#endif
}

/* What PyImport_Cleanup did up to 3.3, and what _PyModule_Clear leaves to its callers to avoid. A
 * dict that dies of it is kept by the observers until the wipe is over. */
static void take_wipe_unheld(void)
{
#if ZAP_HAS_WIPE
    struct zap_session *s = &zap_session;
    for (unsigned m = 0; m < s->plan->modules_count; m++) {
        PyObject *module = s->modules[m];
        bool is_listed = zap_py_dict_get(s->sys_modules, s->module_names[m]) == module;
        Py_CLEAR(s->modules[m]);
        if (!is_listed)
            continue; /* a script of one before has dropped it */
        wipe(m, module, 1);
        Py_CLEAR(s->dead_dict);
        zap_observe_after((int)m);
    }
#endif
}

static void take_reload(void)
{
    struct zap_session *s = &zap_session;
    PyObject *module = s->modules[0], *dict = PyModule_GetDict(module);
    PyObject *again = zap_planted(ZAP_PLANT_RELOAD_NEW) || zap_planted(ZAP_PLANT_RELOAD_CLEARS)
                          ? zap_plant_reload(module)
                          : PyImport_ReloadModule(module);
    struct zap_event *event = zap_record(ZAP_EVENT_RELOADED);
    event->module = 0;
    if (again == module && PyModule_GetDict(again) == dict)
        event->flags |= ZAP_FLAG_X;
    if (again == NULL)
        PyErr_Clear(); /* a script may have removed the module from sys.modules */
    Py_XDECREF(again);
}

/* The import itself took place in zap_route_build. */
static void take_failed_import(void)
{
}

typedef void (*taker)(void);
static const taker takers[] = {
    [ZAP_ROUTE_DROP] = take_drop,     [ZAP_ROUTE_COLLECT] = take_collect,
    [ZAP_ROUTE_WIPE] = take_wipe,     [ZAP_ROUTE_WIPE_UNHELD] = take_wipe_unheld,
    [ZAP_ROUTE_RELOAD] = take_reload, [ZAP_ROUTE_FAILED_IMPORT] = take_failed_import,
};

void zap_route_take(void)
{
    takers[zap_session.plan->route]();
}

static int import_and_fail(void)
{
    struct zap_session *s = &zap_session;
    PyObject *module = zap_import_first();
    if (module != NULL) {
        Py_DECREF(module);
        PyErr_SetString(PyExc_RuntimeError, "a failing import did not fail");
        return -1;
    }
    if (!s->active)
        return -1; /* it failed before the module's code came to its end */
    bool expected = PyErr_ExceptionMatches(s->error);
    PyErr_Clear();
    struct zap_event *event = zap_record(ZAP_EVENT_FAILED);
    event->module = 0;
    if (expected)
        event->flags |= ZAP_FLAG_X;
    return 0;
}

int zap_route_build(void)
{
    struct zap_session *s = &zap_session;
    bool by_import =
        s->plan->route == ZAP_ROUTE_RELOAD || s->plan->route == ZAP_ROUTE_FAILED_IMPORT;
    for (unsigned m = by_import ? 1 : 0; m < s->plan->modules_count; m++)
        if (zap_build_module(m) < 0)
            return -1;
    if (s->plan->route == ZAP_ROUTE_FAILED_IMPORT)
        return import_and_fail();
    if (by_import) {
        s->modules[0] = zap_import_first();
        if (s->modules[0] == NULL)
            return -1;
    } else if (zap_run_contents() < 0) {
        return -1;
    }
    if (zap_plan_ends(s->plan))
        return 0; /* end.c begins it */
    zap_run_begin();
    return 0;
}
