/* A worker's memory stays flat: after 200,000 plans it is less than 8 MiB larger than at its start.
 *
 * Run once per build, with its name in ZAP_BUILD. Under AddressSanitizer, which keeps freed memory
 * for a while, it is skipped.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

int main(void)
{
    if (IS_SANITIZED) {
        printf("SKIP: AddressSanitizer keeps freed memory\n");
        return SKIP;
    }
    const char *build = getenv("ZAP_BUILD");
    char path[4096];
    snprintf(path, sizeof path, "%s/worker-%s", ZAP_LIBEXEC_DIR, build ? build : "");
    struct zap_worker worker;
    if (!run_plans(path, SEED, PLANS, &worker)) {
        printf("%s does not start\n", path);
        return 1;
    }
    uint64_t plans = atomic_load(&worker.shared->plans);
    int64_t growth = (int64_t)worker.resident_kib - worker.start_kib;
    printf("%s: %" PRIu64 " plans, resident %" PRIu32 " KiB at the start, %" PRIi64
           " KiB more now\n",
           build, plans, worker.start_kib, growth);
    zap_worker_release(&worker);
    return plans == PLANS && growth < GROWTH_MAX_KIB ? 0 : 1;
}
