/* One plan after the other in one process.
 *
 * A run starts from a heap without garbage that could take part in it: if an earlier plan left some
 * and this plan can collect, a collection comes first. Garbage left by a run is made harmless at
 * its end (namespaces and nodes that are still alive are emptied, as tp_clear would), so that
 * waiting for the next collection costs memory only. Before 3.4 that is more than thrift: there
 * garbage with a
 * __del__ would stay for ever.
 */
#include "py/run.h"

#include "py/api.h"
#include "py/build.h"
#include "py/child.h"
#include "py/freeze.h"
#include "py/observe.h"
#include "py/park.h"
#include "py/route.h"
#include "py/source.h"
#include "py/trap.h"
#include "py/trial.h"

#include "oracle/known.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PLANS_PER_COLLECTION = 4096, DIRTY_PLAN_COUNTS = 16 };

struct zap_session zap_session;

static void set_phase(enum zap_phase phase)
{
    atomic_store_explicit(&zap_session.shared->phase, (uint32_t)phase, memory_order_relaxed);
}

void zap_run_collect(void)
{
    struct zap_session *s = &zap_session;
    PyObject *count = PyObject_CallObject(s->gc_collect, NULL);
    Py_XDECREF(count);
    PyErr_Clear();
    if (s->cache_grew)
        zap_freeze();
    s->cache_grew = false;
    s->is_dirty = false;
    s->plans_since_collection = 0;
}

/* Can this plan's run collect, and so meet what others left? */
static bool can_collect(const struct zap_plan *plan)
{
    if (plan->route == ZAP_ROUTE_COLLECT || zap_plan_ends(plan))
        return true;
    for (unsigned i = 0; i < plan->acts_count; i++)
        if (plan->acts[i].op == ZAP_OP_COLLECT)
            return true;
    return false;
}

/* Can it leave cycles that hold no node and no namespace, which clean() could not see? */
static bool can_leave_cycles(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->objects_count; i++) {
        unsigned kind = plan->objects[i].kind;
        if (kind == ZAP_VALUE_CLASS ||
            ((kind == ZAP_VALUE_LIST || kind == ZAP_VALUE_DICT) && plan->links_count > 0))
            return true;
    }
    return false;
}

void zap_run_start(const struct zap_plan *plan)
{
    struct zap_session *s = &zap_session;
    s->plan = plan;
    zap_plan_index(plan, &s->index);
    s->trace->events_count = 0;
    s->trace->is_cut = 0;
    s->ends = false;
    s->phases = 0;
    s->by = ZAP_BY_ROUTE;
    s->gc_clears = 0;
    s->wiping = ZAP_NO_MODULE;
    s->hashed_key = NULL;
    s->dead_dict = NULL;
    s->fresh = 1000000;
    s->node_hint = 0;
    s->nodes_count = plan->objects_count;
    s->known = ZAP_FEATURE_COUNT;
    s->has_again = s->made_again = s->again_is_nested = false;
    s->again_depth = 0;
    s->again_count = s->again_names = 0;
    memset(s->node_again, 0, sizeof s->node_again);
    s->only_looks = UINT64_MAX;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        unsigned op = plan->acts[i].op;
        if (op != ZAP_OP_LOOK && op != ZAP_OP_LOOK_ALL)
            s->only_looks &= ~(UINT64_C(1) << plan->acts[i].node);
        s->has_again = s->has_again || op == ZAP_OP_BIND_AGAIN || op == ZAP_OP_NEW_AGAIN;
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        const struct zap_object *object = &plan->objects[i];
        s->nodes[i] = NULL;
        s->node_runs[i] = 0;
        s->node_space[i] = object->kind == ZAP_VALUE_NODE && object->module != ZAP_ELSEWHERE
                               ? object->module
                           : s->index.home_name[i] != ZAP_NAME_NO ? s->index.home_module[i]
                                                                  : ZAP_NO_MODULE;
    }
    s->spaces_count = plan->modules_count;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        struct zap_space *space = &s->spaces[m];
        space->dict = space->module = space->builtins = NULL;
        space->order_count = 0;
        space->was_wiped = false;
        memset(space->object_of, ZAP_NO_NODE, sizeof space->object_of);
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++)
            space->object_of[plan->modules[m].globals[g].name] = plan->modules[m].globals[g].object;
    }
}

int zap_run_contents(void)
{
    return zap_session.flags & ZAP_RUN_FROM_SOURCE ? zap_source_contents() : zap_build_contents();
}

int zap_run_again(PyObject *dict)
{
    return zap_session.flags & ZAP_RUN_FROM_SOURCE ? zap_source_again(dict) : zap_build_again(dict);
}

void zap_run_begin(void)
{
    struct zap_session *s = &zap_session;
    set_phase(ZAP_PHASE_ROUTE);
    if (s->on_route != NULL)
        s->on_route();
    s->active = true;
    zap_record(ZAP_EVENT_ROUTE)->info = s->plan->route;
    for (int m = 0; m < s->spaces_count; m++)
        zap_observe_before(m);
}

static void end(void)
{
    struct zap_session *s = &zap_session;
    for (int m = 0; m < s->spaces_count; m++)
        zap_observe_after(m);
    struct zap_event *event = zap_record(ZAP_EVENT_ROUTE_END);
    if (PyErr_Occurred())
        event->flags |= ZAP_FLAG_X;
    s->active = false;
    PyErr_Clear();
}

/* Before 3.9, what the trashcan put off may wait for the next container that is deallocated. That
 * must not be one of the next plan's. */
static void empty_trashcan(void)
{
    PyObject *tuple = PyTuple_Pack(1, Py_None);
    Py_XDECREF(tuple);
}

static void clean(void)
{
    struct zap_session *s = &zap_session;
    for (int m = 0; m < s->spaces_count; m++) {
        if (zap_py_dict_get(s->sys_modules, s->module_names[m]) != NULL)
            PyDict_DelItem(s->sys_modules, s->module_names[m]);
        Py_CLEAR(s->modules[m]);
        Py_CLEAR(s->held[m]);
    }
    if (zap_py_dict_get(s->sys_modules, s->new_module) != NULL)
        PyDict_DelItem(s->sys_modules, s->new_module);
    if (PyList_GET_SIZE(s->outside) > 0)
        PyList_SetSlice(s->outside, 0, PyList_GET_SIZE(s->outside), NULL);
    if (PyList_GET_SIZE(s->gc_garbage) > 0)
        PyList_SetSlice(s->gc_garbage, 0, PyList_GET_SIZE(s->gc_garbage), NULL);
    for (int m = 0; m < s->spaces_count; m++) {
        PyObject *dict = s->spaces[m].dict;
        if (dict == NULL)
            continue;
        Py_INCREF(dict);
        PyDict_Clear(dict);
        Py_DECREF(dict);
        s->is_dirty = true;
    }
    zap_trap_release();
    empty_trashcan();
    for (unsigned i = 0; i < s->nodes_count; i++) {
        PyObject *node = s->nodes[i];
        if (node == NULL)
            continue;
        Py_INCREF(node);
        Py_TYPE(node)->tp_clear(node);
        Py_DECREF(node);
        s->is_dirty = true;
        empty_trashcan();
    }
    if (can_leave_cycles(s->plan))
        s->is_dirty = true;
    PyErr_Clear();
    for (int m = 0; m < s->spaces_count; m++)
        s->spaces[m].dict = NULL; /* from here on nobody is told when it goes */
    s->spaces_count = 0;
    s->nodes_count = 0;
    s->plan = NULL;
}

static void harness(struct zap_judgement *judgement, const char *why)
{
    memset(judgement, 0, sizeof *judgement);
    judgement->is_harness = true;
    judgement->harness = why;
}

void zap_run_skip(enum zap_feature_code known, struct zap_judgement *ret_judgement)
{
    memset(ret_judgement, 0, sizeof *ret_judgement);
    if (known != ZAP_FEATURE_COUNT)
        ret_judgement->shows[known] = 1;
    memset(ret_judgement->verdicts, ZAP_SKIPPED, sizeof ret_judgement->verdicts);
    zap_session.trace->events_count = 0;
    zap_session.trace->is_cut = 0;
}

bool zap_run_avoids(enum zap_feature_code known)
{
    struct zap_session *s = &zap_session;
    if (!zap_profile_has(s->profile, known) || (s->flags & ZAP_RUN_KNOWN))
        return false;
    /* An end of the process hides what would only have been seen in the trace. */
    if (s->known == ZAP_FEATURE_COUNT || known != ZAP_FEATURE_FREED_KEY)
        s->known = known;
    return true;
}

void zap_run_endless(enum zap_feature_code known)
{
    fprintf(stderr,
            "pyzap: endless-%s: more than %d __del__ calls, each of an object that the one before "
            "made\n",
            known == ZAP_FEATURE_ENDLESS_WIPE ? "wipe" : "new", ZAP_AGAIN_MAX);
    fflush(NULL);
    if (__gcov_dump != NULL)
        __gcov_dump();
    _exit(ZAP_EXIT_ENDLESS);
}

void zap_run_plan(const struct zap_plan *plan, uint32_t flags, struct zap_judgement *ret_judgement)
{
    struct zap_session *s = &zap_session;
    s->flags = flags;
    if (zap_plan_ends(plan)) {
        set_phase(ZAP_PHASE_ROUTE);
        if (zap_child_run_again(plan, flags, ret_judgement)) {
            set_phase(ZAP_PHASE_CLEAN);
            return;
        }
        if (!(flags & ZAP_RUN_FROM_SOURCE))
            (void)zap_run_warm(plan, 1);
    }
    set_phase(ZAP_PHASE_BUILD);
    if ((s->is_dirty && ((flags & ZAP_RUN_ALL_ISOLATED) || can_collect(plan))) ||
        s->plans_since_collection >= PLANS_PER_COLLECTION)
        zap_run_collect();
    s->plans_since_collection += s->is_dirty ? DIRTY_PLAN_COUNTS : 1;
    if (zap_plan_ends(plan)) {
        set_phase(ZAP_PHASE_ROUTE);
        zap_child_run(plan, flags, ret_judgement);
        set_phase(ZAP_PHASE_CLEAN);
        return;
    }
    zap_run_start(plan);
    bool built = zap_route_build() == 0;
    if (built) {
        zap_route_take();
        end();
        set_phase(ZAP_PHASE_JUDGE);
        if (s->known == ZAP_FEATURE_COUNT)
            zap_judge(plan, s->trace, ret_judgement);
        else
            zap_run_skip(s->known, ret_judgement);
    } else {
        s->active = false;
        if (PyErr_Occurred())
            PyErr_Print();
        harness(ret_judgement, "the plan could not be built");
    }
    set_phase(ZAP_PHASE_CLEAN);
    clean();
}

static bool has_route(const struct zap_plan *plan)
{
    return ((zap_session.trace->build.routes >> plan->route) & 1) && zap_park_has_all(plan);
}

bool zap_run_warm(const struct zap_plan *plans, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        zap_build_warm(&plans[i]);
    bool is_cold = zap_session.is_dirty || zap_session.cache_grew;
    if (is_cold)
        zap_run_collect();
    return is_cold;
}

bool zap_run_is_independent(const struct zap_plan *plan, uint32_t flags)
{
    return has_route(plan) &&
           !(flags & (ZAP_RUN_FROM_SOURCE | ZAP_RUN_ALL_ISOLATED | ZAP_RUN_ALONE)) &&
           zap_plan_is_independent(plan) &&
           zap_known_suspect(plan, zap_session.profile) == ZAP_FEATURE_COUNT;
}

void zap_run_or_skip(const struct zap_plan *plan, uint32_t flags,
                     struct zap_judgement *ret_judgement)
{
    enum zap_feature_code suspect = zap_known_suspect(plan, zap_session.profile);
    if (!has_route(plan))
        zap_run_skip(ZAP_FEATURE_COUNT, ret_judgement);
    else if (suspect != ZAP_FEATURE_COUNT && !(flags & ZAP_RUN_KNOWN) &&
             ((flags & ZAP_RUN_SHORT) || zap_trial_overflows(plan, flags)))
        zap_run_skip(suspect, ret_judgement);
    else
        zap_run_plan(plan, flags, ret_judgement);
}
