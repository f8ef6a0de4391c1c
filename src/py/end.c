/* The routes that end an interpreter.
 *
 * Each end is that of a child process, forked from this one with everything initialised, so that
 * nothing leaks from plan to plan and a crash says which plan it was. The child builds the plan's
 * modules, holds what the plan wants held, gives up what the harness holds, and lets the
 * interpreter end; its trace is in memory that it shares with us. What ends the child in another
 * way ends this process in the same way: the host knows how to look at that.
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

#include "base/hash.h"
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

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 70,         /* the plan could not be built */
    EXIT_SHOWS = 71,          /* of a batch: something is to be looked at plan by plan */
    BATCH_DEADLINE_MS = 2000, /* then so is something that hangs */
    BATCH_WAIT_MS = 50,       /* the host is told so often that it gets on */
    REPEAT_ONE_IN = 64,
};

static struct {
    PyObject *path, *sys, *version, *len, *main; /* owned for ever: names */
    pid_t parent;
    PyThreadState *main_state;
    PyThreadState *state; /* of the subinterpreter */
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
    _exit(EXIT_FAILED);
}

/* In place of those of the main interpreter. Ends the process where there can be no such one. */
static void enter_subinterpreter(bool has_own_gil)
{
    static PyObject *sentinel; /* until now only a module holds it */
    sentinel = zap_cnode_new(ZAP_CNODE_SENTINEL);
    PyObject *module = PyModule_New("zap_sentinel");
    if (sentinel == NULL || module == NULL ||
        PyDict_SetItemString(PyModule_GetDict(module), "_sentinel", sentinel) < 0 ||
        PyDict_SetItemString(PyImport_GetModuleDict(), "zap_sentinel", module) < 0)
        _exit(EXIT_FAILED);
    Py_DECREF(module);
    Py_DECREF(sentinel);
    end.main_state = PyThreadState_Get();
    end.lost_sentinel = false;
    end.state = zap_py_new_interpreter(has_own_gil);
    if (end.state == NULL)
        _exit(EXIT_FAILED);
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

/* From the fork to the end of the interpreter. traces: count of them, or NULL for the one that is
 * shared with the host. */
static void end_with(const struct zap_plan *plans, unsigned count, uint32_t flags,
                     struct zap_trace *traces)
{
    struct zap_session *s = &zap_session;
    uint8_t route = plans[0].route;
    zap_batch_begin(count);
    if (route != ZAP_ROUTE_EXIT)
        enter_subinterpreter(route == ZAP_ROUTE_SUBINTERP_GIL);
    for (unsigned run = 0; run < count; run++) {
        (void)zap_batch_enter(run);
        if (traces != NULL) {
            s->trace = &traces[run];
            s->trace->build = s->shared->trace.build;
            s->trace->is_shared = count > 1;
        }
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

/* Without a parent there is nobody to tell. */
static void stay_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != end.parent)
        _exit(EXIT_FAILED);
}

ZAP_NORETURN static void leave(int status)
{
    if (zap_session.on_end_in_child != NULL && status == EXIT_DONE)
        zap_session.on_end_in_child();
    fflush(NULL);
    if (__gcov_dump != NULL)
        __gcov_dump();
    _exit(status);
}

/* ---- in the parent ---- */

static pid_t fork_child(void)
{
    fflush(NULL);
    end.parent = getpid();
    pid_t child = fork();
    if (child == 0)
        stay_with_parent();
    return child;
}

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 0;
    return status;
}

/* Die as the child has died: with its signal, whatever handler there is, or with its status. */
ZAP_NORETURN static void die_as(int status)
{
    if (WIFEXITED(status))
        leave(WEXITSTATUS(status));
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    _exit(EXIT_FAILED); /* of a signal that kills nobody no child has died */
}

static void fail(struct zap_judgement *ret_judgement, const char *why)
{
    memset(ret_judgement, 0, sizeof *ret_judgement);
    ret_judgement->is_harness = true;
    ret_judgement->harness = why;
}

/* What the child knows beside its trace. */
struct outcome {
    enum zap_feature_code known;
    bool is_repeated;
    struct zap_trace again; /* of the second run */
};

static struct outcome *shared_outcome(void)
{
    static struct outcome *outcome;
    if (outcome == NULL) {
        outcome =
            mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ZAP_CHECK(outcome != MAP_FAILED);
    }
    return outcome;
}

/* Is the plan run again, in another interpreter of the same process? One in REPEAT_ONE_IN by what
 * the plan is, and every plan that is run for itself. */
static bool is_repeated(const struct zap_plan *plan, uint32_t flags)
{
    /* Before 3.6 the order of modules is that of hashes, in a table that has grown another way
     * then. */
    unsigned entries = plan->modules_count;
    for (unsigned i = 0; i < plan->parks_count; i++)
        entries +=
            plan->parks[i].place == ZAP_PARK_MODULES || plan->parks[i].place == ZAP_PARK_MAIN;
    if (entries > 1 && !zap_profile_has(zap_session.profile, ZAP_FEATURE_SURVIVORS_WIPED))
        return false;
    return (flags & ZAP_RUN_ALL_ISOLATED) ||
           zap_hash_mix(zap_hash_bytes(plan, sizeof *plan)) % REPEAT_ONE_IN == 0;
}

/* After the first run: another interpreter, and the plan once more in it. */
static void repeat(const struct zap_plan *plan, uint32_t flags, struct outcome *outcome)
{
    struct zap_session *s = &zap_session;
    if (plan->route == ZAP_ROUTE_EXIT ? zap_interp_restart() < 0
                                      : PyThreadState_Swap(end.main_state) == end.main_state)
        give_up();
    outcome->again.build = s->trace->build;
    end_with(plan, 1, flags, &outcome->again);
    outcome->is_repeated = true;
}

void zap_end_run(const struct zap_plan *plan, uint32_t flags, struct zap_judgement *ret_judgement)
{
    struct zap_session *s = &zap_session;
    struct outcome *outcome = shared_outcome();
    s->trace->events_count = s->trace->is_cut = 0;
    outcome->known = ZAP_FEATURE_COUNT;
    outcome->is_repeated = false;
    pid_t child = fork_child();
    if (child == 0) {
        end_with(plan, 1, flags, NULL);
        outcome->known = s->known;
        if (s->known == ZAP_FEATURE_COUNT && is_repeated(plan, flags) &&
            zap_judge_is_repeatable(s->trace))
            repeat(plan, flags, outcome);
        leave(EXIT_DONE);
    }
    if (child < 0) {
        fail(ret_judgement, "a child could not be forked");
        return;
    }
    int status = wait_for(child);
    if (s->on_end_in_parent != NULL)
        s->on_end_in_parent();
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILED)
        fail(ret_judgement, "the plan could not be built");
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_DONE)
        die_as(status);
    else if (outcome->known != ZAP_FEATURE_COUNT)
        zap_run_skip(outcome->known, ret_judgement);
    else
        zap_judge(plan, s->trace, ret_judgement);
    if (outcome->is_repeated && !ret_judgement->is_harness)
        zap_judge_again(s->trace, &outcome->again, ret_judgement);
}

/* ---- many plans in one end ---- */

static bool judge_all(const struct zap_plan *plans, unsigned count, const struct zap_trace *traces,
                      struct zap_judgement *judgements)
{
    for (unsigned i = 0; i < count; i++) {
        (void)zap_batch_enter(i);
        if (zap_session.known != ZAP_FEATURE_COUNT)
            zap_run_skip(zap_session.known, &judgements[i]);
        else
            zap_judge(&plans[i], &traces[i], &judgements[i]);
        if (judgements[i].any_broken || judgements[i].is_harness)
            return false;
    }
    return true;
}

/* What a batch says of its death is for nobody: the plan that it is of will say it again. */
static void be_quiet(void)
{
    int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);
}

static void forget_crash(struct zap_crash *crash)
{
    atomic_store(&crash->signal, 0);
    atomic_store(&crash->frames_count, 0);
    atomic_store(&crash->maps_len, 0);
}

/* Wait, but not for ever. The host, which would take the first plan for the one that hangs, is told
 * that all is well. */
static bool batch_is_done(pid_t child)
{
    int status = 0;
    struct pollfd news = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
    for (int waited_ms = 0; waitpid(child, &status, WNOHANG) == 0; waited_ms += BATCH_WAIT_MS) {
        if (waited_ms > BATCH_DEADLINE_MS) {
            kill(child, SIGKILL);
            status = wait_for(child);
            break;
        }
        atomic_fetch_add(&zap_session.shared->waits, 1);
        (void)poll(&news, 1, BATCH_WAIT_MS);
    }
    if (news.fd >= 0)
        close(news.fd);
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
}

bool zap_end_batch(const struct zap_plan *plans, unsigned count, uint32_t flags,
                   void (*take)(const struct zap_judgement *judgement))
{
    static struct zap_trace traces[ZAP_BATCH_MAX];
    static struct zap_judgement judgements[ZAP_BATCH_MAX];
    zap_run_warm(plans, count);
    pid_t child = fork_child();
    if (child == 0) {
        be_quiet();
        end_with(plans, count, flags, traces);
        if (!judge_all(plans, count, traces, judgements))
            leave(EXIT_SHOWS);
        for (unsigned i = 0; i < count; i++)
            take(&judgements[i]);
        leave(EXIT_DONE);
    }
    bool is_done = child > 0 && batch_is_done(child);
    if (!is_done)
        forget_crash(&zap_session.shared->crash);
    return is_done;
}

uint64_t zap_end_bare(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        atomic_store_explicit(&zap_session.shared->index, i, memory_order_relaxed);
        pid_t child = fork_child();
        if (child == 0) {
            zap_py_finalize();
            leave(EXIT_DONE);
        }
        if (child < 0 || wait_for(child) != 0)
            return i;
    }
    return count;
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
