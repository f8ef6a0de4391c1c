/* The loop of `pyzap check`.
 *
 * Each build's run is a small state machine: WAITING for its turn, CANARIES, STARTING a worker,
 * RUNNING plans, OVER; a death while RUNNING leads back to STARTING, with the plan after the one
 * that did it. One poll() waits for all of them, and nothing in the loop waits for one worker.
 *
 * Index i is the same plan for every build, so a finding needs no plan to be sent: it is made again
 * from (seed, index). Counts live in each worker's shared block; they are added to the run's past
 * when the worker is gone, so that past + shared is always the whole truth.
 *
 * What has the same signature on the same build is one finding: its first plan is filed at once, as
 * generated, the others are counted. When all runs are over, each is made smaller, examined and
 * filed again in the same place: no build waits for that, and a session that is cut off has lost
 * nothing.
 *
 * Whatever ends a run before its limit without being a finding is put down as the run's failure: a
 * session that could not check everything it was asked to never looks like one that did.
 */
#include "host/session.h"

#include "base/check.h"
#include "host/clock.h"
#include "host/finding.h"
#include "host/settle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STOP_MS = 1000,          /* from an interrupt to the kill */
    HARNESS_DEATHS_MAX = 10, /* then a build is given up */
    POLL_MS = 50,
};

/* ------------------------------------------------------------------ counting */

static void add_shared(struct zap_tally *tally, struct zap_shared *shared)
{
    tally->plans += atomic_load(&shared->plans);
    tally->checks += atomic_load(&shared->checks);
    tally->findings += atomic_load(&shared->findings);
    for (int i = 0; i < ZAP_VERDICT_COUNT; i++)
        tally->verdicts[i] += atomic_load(&shared->verdicts[i]);
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        tally->held[i] += atomic_load(&shared->held[i]);
        tally->broken[i] += atomic_load(&shared->broken[i]);
    }
    for (int i = 0; i < ZAP_FEATURE_COUNT; i++)
        tally->shows[i] += atomic_load(&shared->shows[i]);
}

void zap_session_tally(const struct zap_run *run, struct zap_tally *ret_tally)
{
    *ret_tally = run->past;
    if (run->worker.shared)
        add_shared(ret_tally, run->worker.shared);
}

static void set_failure(struct zap_run *run, const char *what, const char *detail)
{
    if (!run->failure[0])
        snprintf(run->failure, sizeof run->failure, "%s%s%s", what, detail[0] ? ": " : "", detail);
}

/* Count one more sight of a thing on this build. */
static struct zap_sight *count_sight(struct zap_run *run, const char *signature)
{
    for (size_t i = 0; i < run->sights_count; i++) {
        struct zap_sight *sight = &run->sights[i];
        if (strcmp(sight->signature, signature) == 0) {
            sight->count++;
            return sight;
        }
    }
    struct zap_sight *sights = realloc(run->sights, (run->sights_count + 1) * sizeof *sights);
    ZAP_CHECK(sights != NULL);
    run->sights = sights;
    struct zap_sight *sight = &sights[run->sights_count++];
    *sight = (struct zap_sight){.count = 1};
    snprintf(sight->signature, sizeof sight->signature, "%s", signature);
    return sight;
}

uint64_t zap_session_news(const struct zap_run *run)
{
    uint64_t news = run->past.findings;
    for (size_t i = 0; i < run->sights_count; i++)
        news -= run->sights[i].known ? run->sights[i].count : 0;
    return news;
}

/* ------------------------------------------------------------------ what is known */

/* What is known of this build. The first time that somebody asks, the plans that are known to do
 * something are run there, which takes them a fraction of a second. */
static const struct zap_knowns_of *knowns_of(const struct zap_session *session, struct zap_run *run)
{
    const struct zap_session_config *config = &session->config;
    if (config->knowns && !run->has_learnt)
        zap_knowns_learn(config->knowns, run->row, &run->build, &config->worker, &run->knowns);
    run->has_learnt = true;
    return &run->knowns;
}

/* A finding was filed that could not be told by its signature: is it known by its smallest plan? */
static void look_if_known(const struct zap_session *session, struct zap_run *run,
                          const struct zap_filed *filed)
{
    for (size_t i = 0; i < run->sights_count && !filed->is_flaky; i++) {
        struct zap_sight *sight = &run->sights[i];
        if (strcmp(sight->signature, filed->signature) == 0)
            sight->known = zap_knowns_match_filed(knowns_of(session, run), filed->verdict,
                                                  filed->signature, filed->path);
    }
}

/* ------------------------------------------------------------------ findings */

_Static_assert(ZAP_INVARIANT_COUNT <= 64, "a set of invariants is a uint64_t");

/* All that is known of a finding when it is met. */
static void fill_facts(const struct zap_session *session, const struct zap_run *run,
                       const struct zap_filed *filed, const struct zap_plan *plan,
                       struct zap_finding_facts *ret_facts)
{
    bool is_broken = filed->verdict == ZAP_BROKEN;
    *ret_facts = (struct zap_finding_facts){
        .build = run->row->name,
        .python = run->row->python,
        .gen = &session->config.gen,
        .index = filed->index,
        .verdict = filed->verdict,
        .signature = filed->signature,
        .found = plan,
        .plan = plan,
        .trace = &filed->evidence->trace,
        .judgement = is_broken ? &filed->evidence->judgement : NULL,
        .death = is_broken ? NULL : &filed->evidence->death,
    };
}

static void file_finding(struct zap_session *session, struct zap_run *run, uint64_t index,
                         enum zap_verdict verdict, const char *signature,
                         const struct zap_judgement *judgement, const struct zap_death *death)
{
    struct zap_filed *filed = realloc(run->filed, (run->filed_count + 1) * sizeof *filed);
    ZAP_CHECK(filed != NULL);
    run->filed = filed;
    filed += run->filed_count++;
    memset(filed, 0, sizeof *filed);
    filed->index = index;
    filed->verdict = verdict;
    snprintf(filed->signature, sizeof filed->signature, "%s", signature);
    struct zap_str reason = zap_str_init(filed->reason, sizeof filed->reason);
    if (death)
        zap_str_add(&reason, death->reason);
    for (int i = 0; judgement && i < ZAP_INVARIANT_COUNT; i++) {
        if (judgement->verdicts[i] != ZAP_BROKEN)
            continue;
        filed->broken |= UINT64_C(1) << i;
        const struct zap_invariant_row *row = zap_invariant_row((enum zap_invariant_code)i);
        zap_str_printf(&reason, "%s%s %s", reason.len ? ", " : "", row->id, row->name);
    }

    char path[PATH_MAX] = "";
    if (session->config.out && !session->write_failure[0]) {
        struct zap_evidence *evidence = calloc(1, sizeof *evidence);
        ZAP_CHECK(evidence != NULL);
        zap_worker_copy_trace(&run->worker, &evidence->trace);
        if (judgement)
            evidence->judgement = *judgement;
        if (death)
            evidence->death = *death;
        filed->evidence = evidence;
        struct zap_plan plan;
        zap_gen_plan(&session->config.gen, index, &plan);
        struct zap_finding_facts facts;
        fill_facts(session, run, filed, &plan, &facts);
        struct zap_str why = zap_str_init(session->write_failure, sizeof session->write_failure);
        zap_finding_file_first(session->config.out, &facts, path, &filed->was_there, &why);
    }
    filed->path = strdup(path);
    ZAP_CHECK(filed->path != NULL);
    if (session->config.filed)
        session->config.filed(session->config.context, run, filed);
}

/* A plan broke one invariant or more: its signature is the first. */
static void take_finding(struct zap_session *session, struct zap_run *run,
                         const struct zap_report *report, const struct zap_judgement *judgement)
{
    int first = 0;
    while (first < ZAP_INVARIANT_COUNT && judgement->verdicts[first] != ZAP_BROKEN)
        first++;
    if (first < ZAP_INVARIANT_COUNT) {
        const char *id = zap_invariant_row((enum zap_invariant_code)first)->id;
        if (count_sight(run, id)->count == 1)
            file_finding(session, run, report->index, ZAP_BROKEN, id, judgement, NULL);
    }
    zap_worker_answer(&run->worker, run->is_stopping ? ZAP_STOP : ZAP_GO_ON);
}

/* ------------------------------------------------------------------ one run, step by step */

static void note_resident(struct zap_run *run)
{
    const struct zap_worker *worker = &run->worker;
    if (!worker->has_hello)
        return;
    if (run->start_kib == 0)
        run->start_kib = worker->start_kib;
    run->end_kib = worker->resident_kib;
    int64_t growth = (int64_t)worker->resident_kib - worker->start_kib;
    if (growth > run->growth_kib)
        run->growth_kib = growth;
}

/* The worker is gone; keep what it counted. */
static void drop_worker(struct zap_run *run)
{
    note_resident(run);
    if (run->worker.shared)
        add_shared(&run->past, run->worker.shared);
    zap_worker_release(&run->worker);
}

static void finish(struct zap_run *run, int64_t now_ms)
{
    drop_worker(run);
    zap_canaries_release(&run->canaries);
    if (run->started_at_ms)
        run->seconds = (double)(now_ms - run->started_at_ms) / 1000;
    run->state = ZAP_RUN_OVER;
}

static struct zap_worker_config worker_config(const struct zap_session *session,
                                              const struct zap_run *run)
{
    struct zap_worker_config config = session->config.worker;
    config.path = run->row->worker;
    return config;
}

static void begin(const struct zap_session *session, struct zap_run *run)
{
    struct zap_worker_config config = worker_config(session, run);
    zap_canaries_start(&config, &run->canaries);
    run->state = ZAP_RUN_CANARIES;
}

static void start_worker(const struct zap_session *session, struct zap_run *run, int64_t now_ms)
{
    struct zap_worker_config config = worker_config(session, run);
    run->state = ZAP_RUN_STARTING;
    if (zap_worker_start(&config, &run->worker) != ZAP_OK) {
        set_failure(run, "its worker cannot start", strerror(errno));
        finish(run, now_ms);
    }
}

/* How many plans are left from `next` on. */
static uint64_t plans_left(const struct zap_session *session, const struct zap_run *run)
{
    uint64_t end = session->config.plans ? session->config.plans : UINT64_MAX;
    return end - run->next;
}

static bool is_time_up(const struct zap_session *session, const struct zap_run *run, int64_t now_ms)
{
    return session->config.time_ms && run->started_at_ms &&
           now_ms - run->started_at_ms >= (int64_t)session->config.time_ms;
}

static void send_run(const struct zap_session *session, struct zap_run *run, int64_t now_ms)
{
    if (run->started_at_ms == 0)
        run->started_at_ms = now_ms;
    struct zap_command command = {
        .kind = ZAP_COMMAND_RUN,
        .flags = session->config.flags,
        .gen = session->config.gen,
        .from = run->next,
        .count = plans_left(session, run),
    };
    zap_worker_send(&run->worker, &command, NULL);
    run->state = ZAP_RUN_RUNNING;
}

/* The worker has done its plans, or was told to stop. */
static void take_done(struct zap_run *run, int64_t now_ms)
{
    uint64_t plans = atomic_load(&run->worker.shared->plans);
    if (!run->is_stopping && plans != run->worker.count)
        set_failure(run, "its worker ended before its last plan", "");
    if (atomic_load(&run->worker.shared->verdicts[ZAP_HARNESS]) > 0) {
        char reason[sizeof run->worker.shared->harness];
        memcpy(reason, run->worker.shared->harness, sizeof reason);
        reason[sizeof reason - 1] = '\0';
        set_failure(run, "HARNESS", reason);
    }
    note_resident(run);
    zap_worker_quit(&run->worker);
    if (run->worker.death.verdict != ZAP_VOID)
        set_failure(run, "its worker did not end well", run->worker.death.reason);
    finish(run, now_ms);
}

/* Where the worker was when it died. Returns false where its shared block cannot be believed. */
static bool index_at_death(const struct zap_worker *worker, uint64_t *ret_index)
{
    uint64_t index = atomic_load(&worker->shared->index);
    uint64_t plans = atomic_load(&worker->shared->plans);
    if (index < worker->from || index - worker->from >= worker->count ||
        plans > index - worker->from + 1)
        return false;
    *ret_index = index;
    return true;
}

static void take_harness_death(struct zap_run *run, const struct zap_death *death, uint64_t index)
{
    char detail[320];
    run->past.verdicts[ZAP_HARNESS]++;
    run->harness_deaths++;
    snprintf(detail, sizeof detail, "%s, at index %" PRIu64, death->reason, index);
    set_failure(run, "HARNESS", detail);
}

/* The worker died in the middle of its plans: say what that was, and go on after it. */
static void take_death(struct zap_session *session, struct zap_run *run, int64_t now_ms)
{
    struct zap_death death = run->worker.death;
    uint64_t index = run->worker.from + atomic_load(&run->worker.shared->plans);
    bool is_known = index_at_death(&run->worker, &index);
    if (death.verdict == ZAP_VOID) {
        finish(run, now_ms);
        return;
    }
    if (!is_known) {
        set_failure(run, "HARNESS: its shared block is damaged", death.reason);
        run->past.verdicts[ZAP_HARNESS]++;
        zap_worker_release(&run->worker); /* with counts that mean nothing */
        finish(run, now_ms);
        return;
    }
    if (death.verdict == ZAP_HARNESS) {
        take_harness_death(run, &death, index);
    } else {
        run->past.verdicts[death.verdict]++;
        run->past.findings++;
        struct zap_sight *sight = count_sight(run, death.signature);
        if (sight->count == 1)
            sight->known =
                zap_knowns_match(knowns_of(session, run), death.verdict, death.signature, NULL);
        if (sight->count == 1 && !sight->known)
            file_finding(session, run, index, death.verdict, death.signature, NULL, &death);
    }
    if (atomic_load(&run->worker.shared->plans) == index - run->worker.from)
        run->past.plans++; /* the plan that did it; one that is finished counts already */
    run->next = index + 1;
    drop_worker(run);
    bool is_given_up = run->harness_deaths >= HARNESS_DEATHS_MAX;
    if (is_given_up || run->is_stopping || plans_left(session, run) == 0 ||
        is_time_up(session, run, now_ms)) {
        finish(run, now_ms);
        return;
    }
    run->restarts++;
    start_worker(session, run, now_ms);
}

static void step_canaries(struct zap_session *session, struct zap_run *run, int64_t now_ms)
{
    zap_canaries_look(&run->canaries, now_ms);
    run->build = run->canaries.build;
    if (!run->canaries.all_over)
        return;
    if (run->canaries.failure[0]) {
        set_failure(run, run->canaries.failure, "");
        finish(run, now_ms);
        return;
    }
    zap_canaries_release(&run->canaries);
    start_worker(session, run, now_ms);
}

static void step_worker(struct zap_session *session, struct zap_run *run, int64_t now_ms)
{
    struct zap_report report;
    struct zap_judgement judgement;
    if (run->state == ZAP_RUN_RUNNING && !run->is_stopping && is_time_up(session, run, now_ms)) {
        run->is_stopping = true;
        atomic_store(&run->worker.shared->stop, 1);
    }
    if (run->kill_at_ms && now_ms >= run->kill_at_ms) {
        finish(run, now_ms);
        return;
    }
    switch (zap_worker_look(&run->worker, now_ms, &report, &judgement)) {
    case ZAP_WORKER_NOTHING:
        break;
    case ZAP_WORKER_HELLO:
        send_run(session, run, now_ms);
        break;
    case ZAP_WORKER_FINDING:
        take_finding(session, run, &report, &judgement);
        break;
    case ZAP_WORKER_DONE:
        take_done(run, now_ms);
        break;
    case ZAP_WORKER_DEATH:
        if (run->state == ZAP_RUN_STARTING) {
            set_failure(run, "HARNESS", run->worker.death.reason);
            run->past.verdicts[ZAP_HARNESS]++;
            finish(run, now_ms);
        } else {
            take_death(session, run, now_ms);
        }
        break;
    }
}

static void step(struct zap_session *session, struct zap_run *run, int64_t now_ms)
{
    switch (run->state) {
    case ZAP_RUN_CANARIES:
        step_canaries(session, run, now_ms);
        break;
    case ZAP_RUN_STARTING:
    case ZAP_RUN_RUNNING:
        step_worker(session, run, now_ms);
        break;
    case ZAP_RUN_WAITING:
    case ZAP_RUN_OVER:
    case ZAP_RUN_SHRINKING:
        break;
    }
    if (run->started_at_ms && run->state != ZAP_RUN_OVER)
        run->seconds = (double)(now_ms - run->started_at_ms) / 1000;
}

/* ------------------------------------------------------------------ all runs together */

/* Somebody wants to go home: what runs may finish its plan, the rest ends now. */
static void interrupt(struct zap_session *session, int64_t now_ms)
{
    session->was_interrupted = true;
    for (size_t i = 0; i < session->config.builds_count; i++) {
        struct zap_run *run = &session->runs[i];
        if (run->state == ZAP_RUN_RUNNING) {
            run->is_stopping = true;
            run->kill_at_ms = now_ms + STOP_MS;
            atomic_store(&run->worker.shared->stop, 1);
        } else if (run->state != ZAP_RUN_OVER) {
            finish(run, now_ms);
        }
    }
}

/* Let as many runs begin as may be at work; returns how many are. */
static size_t begin_some(struct zap_session *session)
{
    size_t at_work = 0;
    for (size_t i = 0; i < session->config.builds_count; i++) {
        enum zap_run_state state = session->runs[i].state;
        at_work += state != ZAP_RUN_WAITING && state != ZAP_RUN_OVER;
    }
    for (size_t i = 0; i < session->config.builds_count && at_work < session->config.jobs; i++) {
        if (session->runs[i].state == ZAP_RUN_WAITING) {
            begin(session, &session->runs[i]);
            at_work++;
        }
    }
    return at_work;
}

static void wait_for_news(const struct zap_session *session, struct pollfd *fds)
{
    size_t count = 0;
    int timeout_ms = POLL_MS;
    for (size_t i = 0; i < session->config.builds_count; i++) {
        const struct zap_run *run = &session->runs[i];
        if (run->state == ZAP_RUN_CANARIES) {
            count += zap_canaries_fds(&run->canaries, fds + count);
            timeout_ms = ZAP_CANARY_TICK_MS;
        } else if (run->state == ZAP_RUN_STARTING || run->state == ZAP_RUN_RUNNING) {
            fds[count++] = (struct pollfd){.fd = run->worker.reports, .events = POLLIN};
        }
    }
    poll(fds, count, timeout_ms);
}

static void run_all(struct zap_session *session, struct pollfd *fds)
{
    int64_t ticked_at_ms = 0;
    while (begin_some(session) > 0) {
        wait_for_news(session, fds);
        int64_t now_ms = zap_clock_ms();
        if (!session->was_interrupted && session->config.interrupted &&
            *session->config.interrupted)
            interrupt(session, now_ms);
        for (size_t i = 0; i < session->config.builds_count; i++)
            step(session, &session->runs[i], now_ms);
        if (session->config.tick && now_ms - ticked_at_ms >= ZAP_SESSION_TICK_MS) {
            ticked_at_ms = now_ms;
            session->config.tick(session->config.context, session);
        }
    }
}

/* ------------------------------------------------------------------ afterwards */

struct ticker {
    const struct zap_session *session;
    int64_t ticked_at_ms;
};

static void tick_between_tries(void *context)
{
    struct ticker *ticker = context;
    const struct zap_session_config *config = &ticker->session->config;
    int64_t now_ms = zap_clock_ms();
    if (config->tick && now_ms - ticker->ticked_at_ms >= ZAP_SESSION_TICK_MS) {
        ticker->ticked_at_ms = now_ms;
        config->tick(config->context, ticker->session);
    }
}

static void settle(struct zap_session *session, struct zap_run *run, struct zap_filed *filed,
                   struct ticker *ticker)
{
    const struct zap_settle_config config = {
        .dir = session->config.out,
        .examine =
            {
                .row = run->row,
                .builds = session->config.all,
                .worker = session->config.worker,
                .flags = session->config.flags,
                .interrupted = session->config.interrupted,
                .tick = tick_between_tries,
                .context = ticker,
            },
    };
    struct zap_plan plan;
    struct zap_finding_facts facts;
    struct zap_settled settled;
    zap_gen_plan(&session->config.gen, filed->index, &plan);
    fill_facts(session, run, filed, &plan, &facts);
    zap_settle(&config, &facts, filed->path, filed->was_there, &settled);
    filed->is_old = settled.is_earlier;
    filed->is_flaky = settled.end == ZAP_SETTLED_FLAKY;
    filed->runs = settled.runs;
    filed->reproduced = settled.reproduced;
    free(filed->path);
    filed->path = strdup(settled.path);
    ZAP_CHECK(filed->path != NULL);
    look_if_known(session, run, filed);
    if (settled.end == ZAP_SETTLE_FAILED)
        set_failure(run, "HARNESS while shrinking or examining", settled.why);
    if (settled.end == ZAP_SETTLE_UNWRITTEN)
        snprintf(session->write_failure, sizeof session->write_failure, "%s", settled.why);
}

/* One after the other, when no build has anything else to do. An interrupt leaves what is not done
 * yet as it was filed. */
static void settle_all(struct zap_session *session)
{
    struct ticker ticker = {.session = session};
    for (size_t i = 0; i < session->config.builds_count; i++) {
        struct zap_run *run = &session->runs[i];
        for (size_t j = 0; j < run->filed_count; j++) {
            const volatile sig_atomic_t *interrupted = session->config.interrupted;
            if ((interrupted && *interrupted) || session->write_failure[0])
                return;
            if (!run->filed[j].evidence)
                continue;
            run->state = ZAP_RUN_SHRINKING;
            tick_between_tries(&ticker);
            settle(session, run, &run->filed[j], &ticker);
            run->state = ZAP_RUN_OVER;
        }
    }
}

enum zap_status zap_session_run(const struct zap_session_config *config,
                                struct zap_session *ret_session)
{
    memset(ret_session, 0, sizeof *ret_session);
    ret_session->config = *config;
    size_t count = config->builds_count;
    if (config->jobs == 0 || config->jobs > count)
        ret_session->config.jobs = count;
    ret_session->runs = calloc(count ? count : 1, sizeof *ret_session->runs);
    struct pollfd *fds = calloc(count * ZAP_CANARY_END + 1, sizeof *fds);
    if (!ret_session->runs || !fds) {
        free(fds);
        zap_session_release(ret_session);
        return ZAP_E_LIMIT;
    }
    for (size_t i = 0; i < count; i++)
        ret_session->runs[i].row = config->builds[i];
    if (config->out)
        zap_finding_tidy(config->out);
    run_all(ret_session, fds);
    free(fds);
    settle_all(ret_session);
    for (size_t i = 0; i < count; i++) {
        struct zap_run *run = &ret_session->runs[i];
        if (run->past.checks == 0 && !ret_session->was_interrupted)
            set_failure(run, "no check was made: nothing is known about this build", "");
    }
    return ZAP_OK;
}

void zap_session_release(struct zap_session *session)
{
    for (size_t i = 0; session->runs && i < session->config.builds_count; i++) {
        struct zap_run *run = &session->runs[i];
        zap_worker_release(&run->worker);
        zap_canaries_release(&run->canaries);
        for (size_t j = 0; j < run->filed_count; j++) {
            free(run->filed[j].path);
            free(run->filed[j].evidence);
        }
        free(run->filed);
        free(run->sights);
        zap_knowns_forget(&run->knowns);
    }
    free(session->runs);
    memset(session, 0, sizeof *session);
}

int zap_session_exit_status(const struct zap_session *session)
{
    int status = session->write_failure[0] ? ZAP_EXIT_FAILURE : ZAP_EXIT_OK;
    for (size_t i = 0; i < session->config.builds_count; i++) {
        const struct zap_run *run = &session->runs[i];
        if (run->failure[0])
            status = ZAP_EXIT_FAILURE;
        if (zap_session_news(run) > 0 && status == ZAP_EXIT_OK)
            status = ZAP_EXIT_FINDINGS;
    }
    return status;
}
