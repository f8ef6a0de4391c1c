/* A worker: one CPython, driven by the host over two pipes and a shared block (proto/proto.h).
 *
 * It does one command after the other. All that the host must know if it dies is written to the
 * shared block before it can die of it. When the command pipe is closed the host is gone, and so is
 * the worker.
 */
#include "py/bare.h"
#include "py/canary.h"
#include "py/child.h"
#include "py/crash.h"
#include "py/interp.h"
#include "py/plant.h"
#include "py/run.h"

#include "base/attr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Read exactly len bytes; false when the pipe is closed. */
static bool read_all(void *ret_data, size_t len)
{
    char *at = ret_data;
    while (len > 0) {
        ssize_t got = read(ZAP_FD_COMMANDS, at, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

static bool write_all(const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t put = write(ZAP_FD_REPORTS, at, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        len -= (size_t)put;
    }
    return true;
}

static uint32_t resident_kib(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL)
        return 0;
    if (fscanf(statm, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(statm);
    return (uint32_t)(pages * ((unsigned long)sysconf(_SC_PAGESIZE) / 1024));
}

static bool report(enum zap_report_kind kind, uint64_t index, const struct zap_judgement *judgement)
{
    struct zap_report message = {
        .kind = (uint32_t)kind, .resident_kib = resident_kib(), .index = index};
    return write_all(&message, sizeof message) &&
           (judgement == NULL || write_all(judgement, sizeof *judgement));
}

static void add(_Atomic uint64_t *counter, uint64_t count)
{
    /* Only this process writes: no locked instruction is needed. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + count,
                          memory_order_relaxed);
}

static void count_judgement(const struct zap_judgement *judgement)
{
    struct zap_shared *shared = zap_session.shared;
    if (judgement->is_harness) {
        add(&shared->verdicts[ZAP_HARNESS], 1);
        if (shared->harness[0] == '\0')
            snprintf(shared->harness, sizeof shared->harness, "%s", judgement->harness);
    } else {
        uint64_t verdicts[ZAP_VERDICT_COUNT] = {0}, checks = 0;
        for (unsigned i = 0; i < ZAP_INVARIANT_COUNT; i++) {
            verdicts[judgement->verdicts[i]]++;
            checks += judgement->checks[i];
            if (judgement->verdicts[i] == ZAP_HELD)
                add(&shared->held[i], 1);
            if (judgement->verdicts[i] == ZAP_BROKEN)
                add(&shared->broken[i], 1);
        }
        for (unsigned v = 0; v < ZAP_VERDICT_COUNT; v++)
            if (verdicts[v] != 0)
                add(&shared->verdicts[v], verdicts[v]);
        for (unsigned f = 0; f < ZAP_FEATURE_COUNT; f++)
            if (judgement->shows[f] != 0)
                add(&shared->shows[f], judgement->shows[f]);
        add(&shared->checks, checks);
        if (judgement->any_broken)
            add(&shared->findings, 1);
    }
    add(&shared->plans, 1);
}

/* How many plans may share an end. Where one shows something, halves look for it; after it the next
 * is run alone, and each time that nothing is shown twice as many are tried: what is rare costs few
 * ends, and where every plan shows something each costs one. */
struct together {
    uint64_t shows_until; /* the end of the least range that is known to show something */
    unsigned may_share;
};

/* Run the plans from index on in one end of an interpreter, as many as can share one; the first is
 * made already. Returns how many were run with nothing to show; 0: the first is to be run alone. */
static unsigned run_together(const struct zap_command *command, uint64_t index,
                             const struct zap_plan *first, struct together *together)
{
    static struct zap_plan plans[ZAP_BATCH_MAX];
    uint64_t left = command->count - (index - command->from);
    uint64_t room = together->may_share;
    if (together->shows_until > index && (together->shows_until - index) / 2 < room)
        room = (together->shows_until - index) / 2;
    unsigned count = 0;
    plans[0] = *first;
    while (count < left && count < room) {
        if (count > 0)
            zap_gen_plan(&command->gen, index + count, &plans[count]);
        if (plans[count].route != first->route ||
            !zap_run_is_independent(&plans[count], command->flags))
            break;
        count++;
    }
    atomic_store(&zap_session.shared->phase, ZAP_PHASE_ROUTE);
    for (; count > 1; count /= 2) {
        if (zap_child_run_all(plans, count, command->flags, count_judgement))
            return count;
        together->shows_until = index + count;
    }
    return 0;
}

static void share_next(struct together *together, bool shows)
{
    unsigned twice = together->may_share * 2;
    together->may_share = shows ? 1 : twice < ZAP_BATCH_MAX ? twice : ZAP_BATCH_MAX;
}

static void one_plan(const struct zap_plan *plan, uint32_t flags,
                     struct zap_judgement *ret_judgement)
{
    zap_run_or_skip(plan, flags, ret_judgement);
    count_judgement(ret_judgement);
}

/* Returns false when the host is gone. */
static bool run(const struct zap_command *command)
{
    struct zap_shared *shared = zap_session.shared;
    static struct zap_plan plan;
    static struct zap_judgement judgement;
    uint64_t index = command->from;
    struct together together = {.shows_until = index, .may_share = ZAP_BATCH_MAX};
    for (; index - command->from < command->count; index++) {
        if (atomic_load_explicit(&shared->stop, memory_order_relaxed))
            break;
        atomic_store_explicit(&shared->index, index, memory_order_relaxed);
        atomic_store_explicit(&shared->phase, ZAP_PHASE_GEN, memory_order_relaxed);
        zap_gen_plan(&command->gen, index, &plan);
        bool ends = zap_plan_ends(&plan);
        if (ends) {
            unsigned done = run_together(command, index, &plan, &together);
            if (done > 0) {
                index += done - 1;
                share_next(&together, false);
                continue;
            }
        }
        one_plan(&plan, command->flags, &judgement);
        bool shows = judgement.any_broken || judgement.is_harness;
        if (ends)
            share_next(&together, shows);
        if (shows) {
            char go;
            if (!report(ZAP_REPORT_FINDING, index, &judgement) || !read_all(&go, 1))
                return false;
            if (go == ZAP_STOP)
                break;
        }
    }
    atomic_store_explicit(&shared->phase, ZAP_PHASE_IDLE, memory_order_relaxed);
    return report(ZAP_REPORT_DONE, index, NULL);
}

static bool one(const struct zap_command *command)
{
    struct zap_shared *shared = zap_session.shared;
    static struct zap_judgement judgement;
    struct zap_plan plan;
    ZAP_CHECK_CMP(command->wire_len, <=, ZAP_WIRE_MAX);
    if (!read_all(shared->wire, command->wire_len))
        return false;
    shared->wire_len = command->wire_len;
    zap_wire_decode(shared->wire, shared->wire_len, &plan);
    one_plan(&plan, command->flags | ZAP_RUN_ALL_ISOLATED, &judgement);
    atomic_store(&shared->phase, ZAP_PHASE_IDLE);
    return report(ZAP_REPORT_DONE, 0, &judgement);
}

static bool sing(const struct zap_command *command)
{
    static struct zap_judgement judgement;
    zap_canary_sing((enum zap_canary)command->canary, &judgement);
    char go;
    if (judgement.any_broken && (!report(ZAP_REPORT_FINDING, 0, &judgement) || !read_all(&go, 1)))
        return false;
    atomic_store(&zap_session.shared->phase, ZAP_PHASE_IDLE);
    return report(ZAP_REPORT_DONE, 0, NULL);
}

static bool run_bare(const struct zap_command *command)
{
    struct zap_shared *shared = zap_session.shared;
    atomic_store(&shared->phase, ZAP_PHASE_ROUTE);
    uint64_t rounds = zap_bare_run(command->route, command->count);
    atomic_store(&shared->phase, ZAP_PHASE_IDLE);
    return report(ZAP_REPORT_DONE, rounds, NULL);
}

static bool obey(const struct zap_command *command)
{
    switch (command->kind) {
    case ZAP_COMMAND_RUN:
        return run(command);
    case ZAP_COMMAND_PLAN:
        return one(command);
    case ZAP_COMMAND_CANARY:
        return sing(command);
    case ZAP_COMMAND_BARE:
        return run_bare(command);
    default:
        return false;
    }
}

int main(void)
{
    struct zap_shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, ZAP_FD_SHARED, 0);
    if (shared == MAP_FAILED) {
        fprintf(stderr, "pyzap worker: to be started by pyzap, not by hand: see pyzap --help\n");
        return 2;
    }
    zap_session.shared = shared;
    zap_session.trace = &shared->trace;
    shared->proto = ZAP_PROTO;
    shared->size = sizeof *shared;
    zap_crash_install(&shared->crash);
    atomic_store(&shared->phase, ZAP_PHASE_START);
#ifdef ZAP_PLANT
    zap_plant_init();
#endif
    if (zap_interp_start() < 0)
        return 70;
    atomic_store(&shared->phase, ZAP_PHASE_IDLE);
    if (!report(ZAP_REPORT_HELLO, 0, NULL))
        return 70;
    struct zap_command command;
    while (read_all(&command, sizeof command) && obey(&command)) {
    }
    /* Without Py_Finalize: a worker's end is no observation, and plans may have left a wreck. */
    fflush(NULL);
    if (__gcov_dump != NULL)
        __gcov_dump();
    _exit(0);
}
