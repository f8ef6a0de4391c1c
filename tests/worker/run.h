/* Running generated plans on a worker, for the tests of one build. */
#ifndef ZAP_TESTS_RUN_H
#define ZAP_TESTS_RUN_H

#include "host/worker.h"

/* Plans of tests that end no interpreter: what does end one takes as long as a thousand others. */
enum { ROUTES_WITHOUT_END = INT32_MAX & ~ZAP_ROUTES_THAT_END };

/* Let a worker run plans from..to-1 of a session, past findings. What it counted stands in the
 * shared block, also where it died, and there the plan it died of.
 *
 * until    the invariant whose first break is the end; ZAP_INVARIANT_COUNT: none
 */
static inline void run_on(struct zap_worker *worker, const struct zap_gen_config *gen,
                          uint64_t from, uint64_t to, enum zap_invariant_code until)
{
    struct zap_report report;
    static struct zap_judgement judgement;
    struct zap_command command = {
        .kind = ZAP_COMMAND_RUN, .gen = *gen, .from = from, .count = to - from};
    enum zap_worker_news news = ZAP_WORKER_FINDING;
    if (zap_worker_send(worker, &command, NULL) != ZAP_OK)
        return;
    while (news != ZAP_WORKER_DONE && news != ZAP_WORKER_DEATH) {
        news = zap_worker_wait(worker, &report, &judgement);
        bool is_end = until < ZAP_INVARIANT_COUNT && worker->shared->broken[until] > 0;
        if (news == ZAP_WORKER_FINDING)
            zap_worker_answer(worker, is_end ? ZAP_STOP : ZAP_GO_ON);
    }
}

/* Start a worker; release it.
 *
 * path     borrowed for the worker's life
 * Returns  whether it came up
 */
static inline bool start_worker(const char *path, struct zap_worker *ret_worker)
{
    struct zap_worker_config config = {.path = path};
    struct zap_report report;
    static struct zap_judgement judgement;
    return zap_worker_start(&config, ret_worker) == ZAP_OK &&
           zap_worker_wait(ret_worker, &report, &judgement) == ZAP_WORKER_HELLO;
}

#endif
