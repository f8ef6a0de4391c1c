/* The routes that end an interpreter.
 *
 * Each end is that of a child process (child.c). It builds the plan's modules, holds what the plan
 * wants held, gives up what the harness holds, and lets the interpreter end.
 *
 * A subinterpreter gets all that a main interpreter has (keys, code, `z`), made again inside it:
 * what belongs to one interpreter must not be used in another one that has its own allocator.
 *
 * How far the end has got is read off the interpreter itself (zap_end_look), before every event:
 * the same on all versions, without a hook in code that cannot be hooked. What it does to
 * namespaces, and when it collects, is seen by the linker's --wrap, where libpython is static.
 *
 * The heap that was there before the plan is frozen, as for other routes; so modules of the
 * standard library are wiped where an ordinary exit would collect them. Nothing of the plan's is.
 */
#include "py/end.h"

#include "py/api.h"
#include "py/batch.h"
#include "py/build.h"
#include "py/cnode.h"
#include "py/interp.h"
#include "py/observe.h"
#include "py/park.h"
#include "py/plant.h"
#include "py/route.h"
#include "py/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    PyObject *path, *sys, *version, *len, *main; /* owned for ever: names */
    PyThreadState *main_state;
    PyThreadState *state; /* of the subinterpreter */
    bool has_entered;     /* it is there, and has not ended */
    bool has_garbage;     /* the cycle has not been collected yet */
    bool lost_sentinel;
    bool lost_codecs; /* the registry of codecs is given up */
} end;

/* ---- how far the end has got ---- */

bool zap_end_is_main(const PyObject *key)
{
    return Py_TYPE(key) == Py_TYPE(end.main) &&
           PyObject_RichCompareBool((PyObject *)key, end.main, Py_EQ) == 1;
}

/* Borrowed, NULL where it is missing; leaves an exception that is set alone. */
static PyObject *look_up(PyObject *dict, PyObject *name)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *found = zap_py_dict_get(dict, name);
    PyErr_Restore(type, value, traceback);
    return found;
}

static bool is_wiped(PyObject *dict, PyObject *name)
{
    PyObject *value = look_up(dict, name);
    return value == NULL || value == Py_None;
}

static bool has_come(enum zap_end_phase phase)
{
    const struct zap_session *s = &zap_session;
    switch (phase) {
    case ZAP_END_FINALIZING:
        return !Py_IsInitialized();
    case ZAP_END_SYS:
        return is_wiped(s->sys_dict, end.path);
    case ZAP_END_REMOVING:
        return s->sys_modules != NULL && PyDict_Size(s->sys_modules) > 0 &&
               look_up(s->sys_modules, end.sys) == Py_None;
    case ZAP_END_EMPTIED:
        return s->sys_modules == NULL || look_up(s->sys_modules, end.sys) == NULL;
    case ZAP_END_SYS_WIPED:
        return is_wiped(s->sys_dict, end.version);
    case ZAP_END_BUILTINS_WIPED:
        return is_wiped(s->builtins, end.len);
    case ZAP_END_OVER:
        break;
    }
    return false;
}

static void note(enum zap_end_phase phase)
{
    struct zap_session *s = &zap_session;
    s->phases |= (uint8_t)(1u << phase);
    s->ends = false; /* or recording would look again */
    zap_record(ZAP_EVENT_PHASE)->info = (uint8_t)phase;
    s->ends = true;
}

void zap_end_look(void)
{
    for (unsigned phase = ZAP_END_FINALIZING; phase < ZAP_END_OVER; phase++)
        if (!(zap_session.phases >> phase & 1) && has_come((enum zap_end_phase)phase))
            note((enum zap_end_phase)phase);
}

/* ---- what the interpreter does ---- */

struct mark {
    enum zap_event_code kind;
    uint8_t module, info, by;
};

static void record_mark(void *context)
{
    const struct mark *mark = context;
    struct zap_event *event = zap_record(mark->kind);
    event->module = mark->module;
    event->info = mark->info;
    event->by = mark->by;
}

/* An event of all plans. */
static void record_for_all(enum zap_event_code kind, uint8_t info, uint8_t by)
{
    struct mark mark = {kind, ZAP_NO_MODULE, info, by};
    zap_batch_each(record_mark, &mark);
}

void zap_end_meets(uint8_t number)
{
    end.lost_sentinel = end.lost_sentinel || number == ZAP_CNODE_SENTINEL;
    end.lost_codecs = end.lost_codecs || number == ZAP_CNODE_CODECS;
    if (number != ZAP_CNODE_GARBAGE)
        return;
    end.has_garbage = false;
    record_for_all(ZAP_EVENT_GARBAGE, 0, 0);
}

#if ZAP_HAS_WRAP
void __real__PyModule_Clear(PyObject *module);
void __wrap__PyModule_Clear(PyObject *module);

enum { CALL_FIRST = 1, CALL_SECOND, CALL_SYS, CALL_BUILTINS };

static void clear_space(unsigned number, PyObject *module)
{
    struct zap_session *s = &zap_session;
    struct zap_space *space = &s->spaces[number];
    struct mark mark = {ZAP_EVENT_WIPE, (uint8_t)number, CALL_FIRST, 0};
    if (space->was_wiped)
        mark.info = CALL_SECOND;
    space->was_wiped = true;
    record_mark(&mark);
    zap_observe_pass_reset(space);
    uint8_t by = s->by;
    s->by = ZAP_BY_INTERPRETER;
    s->wiping = (uint8_t)number;
    __real__PyModule_Clear(module);
    s->wiping = ZAP_NO_MODULE;
    s->by = by;
    Py_CLEAR(s->dead_dict);
    mark.kind = ZAP_EVENT_WIPE_END;
    record_mark(&mark);
    zap_observe_after((int)number);
}

static void clear_own(uint8_t call, void (*clear)(PyObject *), PyObject *what)
{
    record_for_all(ZAP_EVENT_WIPE, call, 0);
    clear(what);
    record_for_all(ZAP_EVENT_WIPE_END, call, 0);
}

void __wrap__PyModule_Clear(PyObject *module)
{
    const struct zap_session *s = &zap_session;
    PyObject *dict = s->ends ? PyModule_GetDict(module) : NULL;
    unsigned before = zap_batch_enter_dict(dict);
    int number = dict == NULL ? -1 : zap_space_of(dict);
    if (number >= 0)
        clear_space((unsigned)number, module);
    else if (dict != NULL && (dict == s->sys_dict || dict == s->builtins))
        clear_own(dict == s->sys_dict ? CALL_SYS : CALL_BUILTINS, __real__PyModule_Clear, module);
    else
        __real__PyModule_Clear(module);
    zap_batch_leave(before);
}

#if ZAP_HAS_FORCED_GC
void __real__PyModule_ClearDict(PyObject *dict);
void __wrap__PyModule_ClearDict(PyObject *dict);

void __wrap__PyModule_ClearDict(PyObject *dict)
{
    const struct zap_session *s = &zap_session;
    if (s->ends && (dict == s->sys_dict || dict == s->builtins))
        clear_own(dict == s->sys_dict ? CALL_SYS : CALL_BUILTINS, __real__PyModule_ClearDict, dict);
    else
        __real__PyModule_ClearDict(dict);
}

Py_ssize_t __real__PyGC_CollectNoFail(ZAP_PY_FORCED_GC_PARAMS);
Py_ssize_t __wrap__PyGC_CollectNoFail(ZAP_PY_FORCED_GC_PARAMS);

Py_ssize_t __wrap__PyGC_CollectNoFail(ZAP_PY_FORCED_GC_PARAMS)
{
    if (!zap_session.ends)
        return __real__PyGC_CollectNoFail(ZAP_PY_FORCED_GC_ARGS);
    record_for_all(ZAP_EVENT_COLLECT, 0, ZAP_BY_INTERPRETER);
    Py_ssize_t count = __real__PyGC_CollectNoFail(ZAP_PY_FORCED_GC_ARGS);
    record_for_all(ZAP_EVENT_COLLECT_END, 0, ZAP_BY_INTERPRETER);
    return count;
}
#endif

/* Take back the COLLECT of a collection that was none, because automatic ones are off. */
static void take_back(void *context)
{
    (void)context;
    struct zap_trace *trace = zap_session.trace;
    if (trace->events_count > 0 && trace->events[trace->events_count - 1].kind == ZAP_EVENT_COLLECT)
        trace->events_count--;
}

Py_ssize_t __real_PyGC_Collect(void);
Py_ssize_t __wrap_PyGC_Collect(void);

Py_ssize_t __wrap_PyGC_Collect(void)
{
    if (!zap_session.ends)
        return __real_PyGC_Collect();
    bool had_garbage = end.has_garbage;
    record_for_all(ZAP_EVENT_COLLECT, 0, ZAP_BY_INTERPRETER);
    Py_ssize_t count = __real_PyGC_Collect();
    if (had_garbage && end.has_garbage)
        zap_batch_each(take_back, NULL);
    else
        record_for_all(ZAP_EVENT_COLLECT_END, 0, ZAP_BY_INTERPRETER);
    return count;
}
#endif

/* ---- in the child ---- */

/* The plan cannot be built: say why, on whatever is there for it (before 3.8 interp.c leaves no
 * sys.stderr). */
ZAP_NORETURN static void give_up(void)
{
    if (PyErr_Occurred()) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PySys_SetObject("stderr", PySys_GetObject("__stderr__"));
        PyErr_Restore(type, value, traceback);
        PyErr_Print();
    }
    fflush(NULL);
    _exit(ZAP_END_FAILED);
}

void zap_end_enter(const struct zap_plan *plan)
{
    if (plan->route == ZAP_ROUTE_EXIT || end.has_entered)
        return;
    static PyObject *sentinel; /* until now only a module holds it */
    sentinel = zap_cnode_new(ZAP_CNODE_SENTINEL);
    PyObject *module = PyModule_New("zap_sentinel");
    if (sentinel == NULL || module == NULL ||
        PyDict_SetItemString(PyModule_GetDict(module), "_sentinel", sentinel) < 0 ||
        PyDict_SetItemString(PyImport_GetModuleDict(), "zap_sentinel", module) < 0)
        _exit(ZAP_END_FAILED);
    Py_DECREF(module);
    Py_DECREF(sentinel);
    end.main_state = PyThreadState_Get();
    end.lost_sentinel = false;
    end.state = zap_py_new_interpreter(plan->route == ZAP_ROUTE_SUBINTERP_GIL);
    end.has_entered = true;
    if (end.state == NULL)
        _exit(ZAP_END_FAILED);
    if (zap_interp_prepare() < 0)
        give_up();
}

static void unlist(void)
{
    const struct zap_session *s = &zap_session;
    for (unsigned m = 0; m < s->plan->modules_count; m++)
        if (s->plan->modules[m].unlisted && PyDict_DelItem(s->sys_modules, s->module_names[m]) < 0)
            PyErr_Clear();
}

bool zap_end_has_codecs(void)
{
    return !end.lost_codecs || !(zap_run_avoids(ZAP_FEATURE_LATE_CODEC_ABORTS) ||
                                 zap_run_avoids(ZAP_FEATURE_LATE_CODEC_CRASHES));
}

/* See the registry of codecs go: what is registered last goes first, and by then it is given up. */
static int watch_codecs(const struct zap_plan *plan)
{
    end.lost_codecs = false;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (plan->acts[i].op != ZAP_OP_ENCODE)
            continue;
        PyObject *node = zap_cnode_new(ZAP_CNODE_CODECS);
        int result = node == NULL ? -1 : zap_park_in_codecs(node);
        Py_XDECREF(node);
        return result;
    }
    return 0;
}

/* A list that holds itself and a C node. */
static int make_garbage(void)
{
    PyObject *list = PyList_New(0), *node = zap_cnode_new(ZAP_CNODE_GARBAGE);
    int result = list == NULL || node == NULL || PyList_Append(list, list) < 0 ||
                         PyList_Append(list, node) < 0
                     ? -1
                     : 0;
    end.has_garbage = true;
    Py_XDECREF(node);
    Py_XDECREF(list);
    return result;
}

static void build(const struct zap_plan *plan, uint32_t flags)
{
    struct zap_session *s = &zap_session;
    s->flags = flags;
    zap_run_start(plan);
    if (zap_build_names() < 0 || zap_route_build() < 0)
        give_up();
}

static void begin(void *context)
{
    (void)context;
    unlist();
    zap_run_begin();
    zap_session.ends = true;
    zap_session.by = ZAP_BY_INTERPRETER;
}

static void let_go(void *context)
{
    (void)context;
    struct zap_session *s = &zap_session;
    for (unsigned m = 0; m < s->plan->modules_count; m++)
        Py_CLEAR(s->modules[m]);
}

static void finish(void *context)
{
    (void)context;
    struct zap_session *s = &zap_session;
    note(ZAP_END_OVER);
    s->ends = false;
    if (s->plan->route != ZAP_ROUTE_EXIT) {
        struct zap_event *event = zap_record(ZAP_EVENT_SENTINEL);
        if (!end.lost_sentinel)
            event->flags |= ZAP_FLAG_X;
    }
    zap_record(ZAP_EVENT_ROUTE_END);
    s->active = false;
}

void zap_end_with(const struct zap_plan *plans, unsigned count, uint32_t flags,
                  struct zap_trace *traces)
{
    struct zap_session *s = &zap_session;
    uint8_t route = plans[0].route;
    zap_batch_begin(count);
    zap_end_enter(plans);
    end.has_entered = false;
    for (unsigned run = 0; run < count; run++) {
        (void)zap_batch_enter(run);
        s->trace = &traces[run];
        s->trace->build = s->shared->trace.build;
        s->trace->is_shared = count > 1;
        build(&plans[run], flags);
    }
    (void)zap_batch_enter(0);
    if (zap_park_settings() < 0 || make_garbage() < 0)
        give_up();
    for (unsigned run = 0; run < count; run++)
        if (watch_codecs(&plans[run]) < 0)
            give_up();
    zap_observe_modules();
    zap_batch_each(begin, NULL);
    zap_batch_each(let_go, NULL);
    Py_DECREF(s->sys_modules); /* it goes when the interpreter lets it go, and is seen to */
    if (route == ZAP_ROUTE_EXIT)
        zap_py_finalize();
    else
        Py_EndInterpreter(end.state);
    zap_batch_each(finish, NULL);
}

void zap_end_begin_again(const struct zap_plan *plan)
{
    bool is_there = plan->route == ZAP_ROUTE_EXIT
                        ? zap_interp_restart() == 0
                        : PyThreadState_Swap(end.main_state) != end.main_state;
    if (!is_there)
        give_up();
}

int zap_end_init(void)
{
    end.path = zap_py_intern("path");
    end.sys = zap_py_intern("sys");
    end.version = zap_py_intern("version");
    end.len = zap_py_intern("len");
    end.main = zap_py_intern("__main__");
    return end.path == NULL || end.sys == NULL || end.version == NULL || end.len == NULL ||
                   end.main == NULL
               ? -1
               : 0;
}
