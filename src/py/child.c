/* Who runs the plans that end an interpreter, and who waits for them.
 *
 * A child is forked from this process with everything initialised, so that nothing leaks from plan
 * to plan and a crash says which plan it was. Its trace is in memory that it shares with us. What
 * ends the child in another way than expected ends this process in the same way: the host knows how
 * to look at that.
 *
 * That is what says what a plan does. But a fork takes ten times what the end of an interpreter
 * does, and most plans show nothing. So a plan is run in a child on standby first (standby.h), or
 * with many others in one end; only where something is shown, or goes wrong, does it get a child of
 * its own.
 */
#include "py/child.h"

#include "base/hash.h"
#include "py/batch.h"
#include "py/end.h"
#include "py/fork.h"
#include "py/run.h"
#include "py/standby.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPEAT_ONE_IN = 64 };

/* What a child knows beside the trace in the shared block. Shared with all children. */
static struct outcome {
    enum zap_feature_code known;
    bool is_repeated;
    struct zap_trace again; /* of the second run */
    /* Of many plans: nothing was broken, and each was counted. */
    bool is_clean;
    struct zap_trace traces[ZAP_BATCH_MAX];
} * outcome;

/* What a child on standby is asked for. */
struct request {
    uint32_t flags, count;
    void (*take)(const struct zap_judgement *judgement); /* NULL: one plan alone */
    struct zap_plan plans[ZAP_BATCH_MAX];
};

/* Nothing is known yet. */
static void begin_outcome(void)
{
    if (outcome == NULL) {
        outcome =
            mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ZAP_CHECK(outcome != MAP_FAILED);
    }
    zap_session.trace->events_count = zap_session.trace->is_cut = 0;
    outcome->known = ZAP_FEATURE_COUNT;
    outcome->is_repeated = outcome->is_clean = false;
}

static void judge(const struct zap_plan *plan, struct zap_judgement *ret_judgement)
{
    struct zap_session *s = &zap_session;
    if (outcome->known != ZAP_FEATURE_COUNT)
        zap_run_skip(outcome->known, ret_judgement);
    else
        zap_judge(plan, s->trace, ret_judgement);
    if (outcome->is_repeated && !ret_judgement->is_harness)
        zap_judge_again(s->trace, &outcome->again, ret_judgement);
}

/* ---- in the child ---- */

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
    if ((flags & ZAP_RUN_ONCE) ||
        (entries > 1 && !zap_profile_has(zap_session.profile, ZAP_FEATURE_SURVIVORS_WIPED)))
        return false;
    return (flags & ZAP_RUN_ALL_ISOLATED) ||
           zap_hash_mix(zap_hash_bytes(plan, sizeof *plan)) % REPEAT_ONE_IN == 0;
}

static void run_one(const struct zap_plan *plan, uint32_t flags)
{
    struct zap_session *s = &zap_session;
    zap_end_with(plan, 1, flags, s->trace);
    outcome->known = s->known;
    if (s->known != ZAP_FEATURE_COUNT || !is_repeated(plan, flags) ||
        !zap_judge_is_repeatable(s->trace))
        return;
    zap_end_begin_again(plan);
    zap_end_with(plan, 1, flags, &outcome->again);
    outcome->is_repeated = true;
}

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

static void run_all(const struct request *request)
{
    static struct zap_judgement judgements[ZAP_BATCH_MAX];
    zap_end_with(request->plans, request->count, request->flags, outcome->traces);
    outcome->is_clean = judge_all(request->plans, request->count, outcome->traces, judgements);
    for (unsigned i = 0; outcome->is_clean && i < request->count; i++)
        request->take(&judgements[i]);
}

ZAP_NORETURN static void leave(int status)
{
    if (zap_session.on_end_in_child != NULL && status == 0)
        zap_session.on_end_in_child();
    fflush(NULL);
    if (__gcov_dump != NULL)
        __gcov_dump();
    _exit(status);
}

/* ---- in the parent, with a child of the plan's own ---- */

/* Die as the child has died: with its signal, whatever handler there is, or with its status. */
ZAP_NORETURN static void die_as(int status)
{
    if (WIFEXITED(status))
        leave(WEXITSTATUS(status));
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    _exit(ZAP_END_FAILED); /* of a signal that kills nobody no child has died */
}

static void fail(struct zap_judgement *ret_judgement, const char *why)
{
    memset(ret_judgement, 0, sizeof *ret_judgement);
    ret_judgement->is_harness = true;
    ret_judgement->harness = why;
}

void zap_child_run(const struct zap_plan *plan, uint32_t flags, struct zap_judgement *ret_judgement)
{
    struct zap_session *s = &zap_session;
    begin_outcome();
    pid_t child = zap_fork();
    if (child == 0) {
        run_one(plan, flags);
        leave(0);
    }
    if (child < 0) {
        fail(ret_judgement, "a child could not be forked");
        return;
    }
    int status = zap_fork_wait(child);
    if (s->on_end_in_parent != NULL)
        s->on_end_in_parent();
    if (WIFEXITED(status) && WEXITSTATUS(status) == ZAP_END_FAILED)
        fail(ret_judgement, "the plan could not be built");
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die_as(status);
    else
        judge(plan, ret_judgement);
}

uint64_t zap_child_bare(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        atomic_store_explicit(&zap_session.shared->index, i, memory_order_relaxed);
        pid_t child = zap_fork();
        if (child == 0) {
            zap_py_finalize();
            leave(0);
        }
        if (child < 0 || zap_fork_wait(child) != 0)
            return i;
    }
    return count;
}

/* ---- in the parent, with a child on standby ---- */

static bool warm(const void *data)
{
    const struct request *request = data;
    return !(request->flags & ZAP_RUN_FROM_SOURCE) && zap_run_warm(request->plans, request->count);
}

static void work(const void *data)
{
    const struct request *request = data;
    if (request->take == NULL)
        run_one(request->plans, request->flags);
    else
        run_all(request);
}

static void leave_well(void)
{
    leave(0);
}

/* The host, which would take the plan at work for one that hangs, is told that all is well. */
static void tell_of_wait(void)
{
    atomic_fetch_add(&zap_session.shared->waits, 1);
}

/* Where what ends is a subinterpreter, that is there already. */
static void begin(const void *data)
{
    const struct request *request = data;
    zap_end_enter(request->plans);
}

/* One for each route. */
static struct zap_standby standbys[] = {
#define ZAP_ROUTE(code, id, token, weight, ends, text)                                             \
    [code] = {.begin = begin,                                                                      \
              .prepare = warm,                                                                     \
              .work = work,                                                                        \
              .leave = leave_well,                                                                 \
              .wait = tell_of_wait,                                                                \
              .size = sizeof(struct request)},
#include "plan/route.def"
#undef ZAP_ROUTE
};

static struct request *new_request(struct zap_standby *standby, const struct zap_plan *plans,
                                   unsigned count, uint32_t flags)
{
    struct request *request = zap_standby_request(standby);
    request->flags = flags;
    request->count = count;
    request->take = NULL;
    memcpy(request->plans, plans, count * sizeof *plans);
    return request;
}

/* What it shows, if it dies, is for nobody: the plan that does it will show it again. */
static void forget_crash(void)
{
    struct zap_crash *crash = &zap_session.shared->crash;
    atomic_store(&crash->signal, 0);
    atomic_store(&crash->frames_count, 0);
    atomic_store(&crash->maps_len, 0);
}

/* Whoever wants to know when an interpreter has ended, or counts in private memory, is told nothing
 * by a process that is taken back. */
static bool can_be_taken_back(uint32_t flags)
{
    const struct zap_session *s = &zap_session;
    return !(flags & ZAP_RUN_FORKED) && s->on_route == NULL && s->on_end_in_child == NULL &&
           __gcov_dump == NULL;
}

static bool have_done(struct zap_standby *standby, bool may_last)
{
    bool is_done = zap_standby_do(standby, may_last);
    if (!is_done)
        forget_crash();
    return is_done;
}

bool zap_child_run_again(const struct zap_plan *plan, uint32_t flags,
                         struct zap_judgement *ret_judgement)
{
    struct zap_standby *standby = &standbys[plan->route];
    if (!can_be_taken_back(flags) || !zap_standby_lasts(standby))
        return false;
    begin_outcome();
    (void)new_request(standby, plan, 1, flags);
    if (!have_done(standby, true))
        return false;
    judge(plan, ret_judgement);
    if (ret_judgement->any_broken || ret_judgement->is_harness)
        return false;
    if (standby->child != 0) /* it goes on */
        atomic_fetch_add(&zap_session.shared->taken_back, 1);
    return true;
}

bool zap_child_run_all(const struct zap_plan *plans, unsigned count, uint32_t flags,
                       void (*take)(const struct zap_judgement *judgement))
{
    struct zap_standby *standby = &standbys[plans[0].route];
    begin_outcome();
    new_request(standby, plans, count, flags)->take = take;
    bool may_last = can_be_taken_back(flags) && zap_standby_lasts(standby);
    return have_done(standby, may_last) && outcome->is_clean;
}
