/* A worker's memory stays flat: once the first 20,000 plans have filled what is kept for good,
 * 80,000 more take less than 2 MiB (26 bytes a plan), and all together less than 8 MiB.
 *
 * Run once per build, with its name in ZAP_BUILD. Under AddressSanitizer, which keeps freed memory
 * for a while, it is skipped; ZAP_BUILD_SANITIZE names the sanitizers of the build.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST = 20000,
    PLANS = 100000,
    SEED = 3,
    GROWTH_MAX_KIB = 2 * 1024,
    ALL_MAX_KIB = 8 * 1024,
    SKIP = 77
};

/* In all of pyzap, or in the build. */
static bool is_sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return true;
#endif
#endif
    const char *sanitize = getenv("ZAP_BUILD_SANITIZE");
    return sanitize != NULL && strstr(sanitize, "address") != NULL;
}

int main(void)
{
    if (is_sanitized()) {
        printf("SKIP: AddressSanitizer keeps freed memory\n");
        return SKIP;
    }
    const char *build = getenv("ZAP_BUILD");
    char path[4096];
    snprintf(path, sizeof path, "%s/worker-%s", ZAP_LIBEXEC_DIR, build ? build : "");
    struct zap_worker worker;
    struct zap_gen_config gen = {.seed = SEED, .routes = ROUTES_WITHOUT_END};
    if (!start_worker(path, &worker)) {
        printf("%s does not start\n", path);
        return 1;
    }
    run_on(&worker, &gen, 0, FIRST, ZAP_INVARIANT_COUNT);
    uint32_t first_kib = worker.resident_kib;
    run_on(&worker, &gen, FIRST, PLANS, ZAP_INVARIANT_COUNT);
    uint64_t plans = atomic_load(&worker.shared->plans);
    int64_t growth = (int64_t)worker.resident_kib - first_kib;
    printf("%s: %" PRIu64 " plans, resident %" PRIu32 " KiB at the start, %" PRIu32
           " KiB after %d plans, %" PRIi64 " KiB more now\n",
           build, plans, worker.start_kib, first_kib, (int)FIRST, growth);
    bool is_flat =
        growth < GROWTH_MAX_KIB && (int64_t)worker.resident_kib - worker.start_kib < ALL_MAX_KIB;
    zap_worker_release(&worker);
    return plans == PLANS && is_flat ? 0 : 1;
}
