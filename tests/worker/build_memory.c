/* A worker's memory stays flat: after 200,000 plans it is less than 8 MiB larger than at its start.
 *
 * Run once per build, with its name in ZAP_BUILD. Under AddressSanitizer, which keeps freed memory
 * for a while, it is skipped.
 */
#include "host/worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLANS = 200000, SEED = 3, GROWTH_MAX_KIB = 8 * 1024, SKIP = 77 };

#ifdef __SANITIZE_ADDRESS__
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

/* Returns whether the command came to its end. */
static bool run(struct zap_worker *worker)
{
    struct zap_report report;
    static struct zap_judgement judgement;
    if (zap_worker_wait(worker, &report, &judgement) != ZAP_WORKER_HELLO)
        return false;
    struct zap_command command = {
        .kind = ZAP_COMMAND_RUN, .gen = {.seed = SEED}, .from = 0, .count = PLANS};
    if (zap_worker_send(worker, &command, NULL) != ZAP_OK)
        return false;
    for (;;) {
        switch (zap_worker_wait(worker, &report, &judgement)) {
        case ZAP_WORKER_DONE:
            return true;
        case ZAP_WORKER_DEATH:
            printf("the worker died: %s\n", worker->death.reason);
            return false;
        case ZAP_WORKER_FINDING:
            zap_worker_answer(worker, ZAP_GO_ON);
            break;
        default:
            break;
        }
    }
}

int main(void)
{
    if (IS_SANITIZED) {
        printf("SKIP: AddressSanitizer keeps freed memory\n");
        return SKIP;
    }
    const char *build = getenv("ZAP_BUILD");
    char path[4096];
    snprintf(path, sizeof path, "%s/worker-%s", ZAP_LIBEXEC_DIR, build ? build : "");
    struct zap_worker_config config = {.path = path};
    struct zap_worker worker;
    if (zap_worker_start(&config, &worker) != ZAP_OK) {
        printf("%s does not start\n", path);
        return 1;
    }
    bool is_done = run(&worker);
    uint64_t plans = atomic_load(&worker.shared->plans);
    int64_t growth = (int64_t)worker.resident_kib - worker.start_kib;
    printf("%s: %" PRIu64 " plans, resident %" PRIu32 " KiB at the start, %" PRIi64
           " KiB more now\n",
           build, plans, worker.start_kib, growth);
    zap_worker_release(&worker);
    return is_done && plans == PLANS && growth < GROWTH_MAX_KIB ? 0 : 1;
}
