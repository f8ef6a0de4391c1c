/* The canaries of one build: what each does, and what it must look like from here.
 *
 * Each has a worker of its own, so that all of them together take about as long as one
 * interpreter's start. Only the one that hangs has a short deadline, and only from
 * when it hangs: on a busy machine all of them may be slow, and the others end by themselves.
 */
#include "host/canary.h"

#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    HANG_DEADLINE_MS = 100,
    MEMORY_OVER_KIB = 32 * 1024, /* over what the worker has at its start */
};

static const struct {
    enum zap_canary canary;
    const char *name;
    enum zap_verdict verdict; /* BROKEN: it lives, and reports one finding */
    const char *reason;       /* a part of the reason that must be there */
} expectations[] = {
    {ZAP_CANARY_SEGV, "segv", ZAP_CRASHED, "SEGV"},
    {ZAP_CANARY_ABORT, "abort", ZAP_CRASHED, "Fatal Python error"},
    {ZAP_CANARY_EXIT, "exit", ZAP_CRASHED, "exited with status 0"},
    {ZAP_CANARY_HANG, "hang", ZAP_TIMED_OUT, "no progress"},
    {ZAP_CANARY_MEMORY, "memory", ZAP_EXHAUSTED, "over its limit"},
    {ZAP_CANARY_BROKEN, "broken", ZAP_BROKEN, ""},
};
enum { EXPECTATIONS_COUNT = sizeof expectations / sizeof expectations[0] };
_Static_assert(EXPECTATIONS_COUNT == ZAP_CANARY_END - 1,
               "every canary is expected to be something");

static void fail(struct zap_canaries *canaries, size_t i, const char *saw, const char *reason)
{
    if (canaries->failure[0] && canaries->failed <= i)
        return;
    canaries->failed = i;
    snprintf(canaries->failure, sizeof canaries->failure, "canary %s: expected %s, saw %s%s%s",
             expectations[i].name, zap_verdict_row(expectations[i].verdict)->name, saw,
             reason[0] ? ": " : "", reason);
}

static void finish(struct zap_canaries *canaries, size_t i)
{
    zap_worker_kill(&canaries->workers[i]);
    canaries->is_over[i] = true;
}

void zap_canaries_start(const struct zap_worker_config *config, struct zap_canaries *ret_canaries)
{
    memset(ret_canaries, 0, sizeof *ret_canaries);
    for (size_t i = 0; i < EXPECTATIONS_COUNT; i++) {
        struct zap_worker_config own = {.path = config->path, .hello_ms = config->hello_ms};
        if (zap_worker_start(&own, &ret_canaries->workers[i]) != ZAP_OK) {
            fail(ret_canaries, i, "that it cannot start", strerror(errno));
            ret_canaries->is_over[i] = true;
        }
    }
}

static void send(struct zap_canaries *canaries, size_t i)
{
    struct zap_worker *worker = &canaries->workers[i];
    if (expectations[i].canary == ZAP_CANARY_MEMORY)
        worker->config.memory_kib = worker->start_kib + MEMORY_OVER_KIB;
    struct zap_command command = {.kind = ZAP_COMMAND_CANARY, .canary = expectations[i].canary};
    zap_worker_send(worker, &command, NULL);
}

static void look_at(struct zap_canaries *canaries, size_t i, int64_t now_ms)
{
    struct zap_worker *worker = &canaries->workers[i];
    struct zap_report report;
    struct zap_judgement judgement;
    bool is_breaker = expectations[i].verdict == ZAP_BROKEN;
    switch (zap_worker_look(worker, now_ms, &report, &judgement)) {
    case ZAP_WORKER_NOTHING:
        if (expectations[i].canary == ZAP_CANARY_HANG &&
            atomic_load(&worker->shared->phase) == ZAP_PHASE_CANARY)
            worker->config.deadline_ms = HANG_DEADLINE_MS;
        return;
    case ZAP_WORKER_HELLO:
        canaries->build = worker->build;
        send(canaries, i);
        return;
    case ZAP_WORKER_FINDING:
        zap_worker_answer(worker, ZAP_GO_ON);
        if (is_breaker && judgement.any_broken && !canaries->has_finding)
            canaries->has_finding = true;
        else
            fail(canaries, i, "another finding", "");
        return;
    case ZAP_WORKER_DONE:
        if (!is_breaker || !canaries->has_finding)
            fail(canaries, i, is_breaker ? "no finding" : "that it went on living", "");
        finish(canaries, i);
        return;
    case ZAP_WORKER_DEATH:
        if (worker->death.verdict != expectations[i].verdict ||
            !strstr(worker->death.reason, expectations[i].reason))
            fail(canaries, i, zap_verdict_row(worker->death.verdict)->name, worker->death.reason);
        finish(canaries, i);
        return;
    }
}

void zap_canaries_look(struct zap_canaries *canaries, int64_t now_ms)
{
    canaries->all_over = true;
    for (size_t i = 0; i < EXPECTATIONS_COUNT; i++) {
        if (!canaries->is_over[i])
            look_at(canaries, i, now_ms);
        canaries->all_over = canaries->all_over && canaries->is_over[i];
    }
}

size_t zap_canaries_fds(const struct zap_canaries *canaries, struct pollfd *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < EXPECTATIONS_COUNT; i++) {
        if (!canaries->is_over[i])
            fds[count++] = (struct pollfd){.fd = canaries->workers[i].reports, .events = POLLIN};
    }
    return count;
}

void zap_canaries_release(struct zap_canaries *canaries)
{
    for (size_t i = 0; i < EXPECTATIONS_COUNT; i++)
        zap_worker_release(&canaries->workers[i]);
    memset(canaries, 0, sizeof *canaries);
}
