/* The planted bugs of src/py/plant.def, each caught within 20,000 plans of the default seed by the
 * invariant that its row names, or by none of them where its row says that random plans are not
 * enough; and the same worker without a bug, which must be found to have none.
 *
 * Run once per build, with its name in ZAP_BUILD. A build without a planted worker is skipped.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLANS = 20000, SEED = 1, SKIP = 77 };

enum finder { RANDOM, COVERAGE };

static const struct plant {
    const char *token;
    enum zap_invariant_code caught_by;
    enum zap_feature_code feature;
    enum finder finder;
} plants[] = {
#define ZAP_PLANT_ROW(id, token, text, caught_by, feature, finder)                                 \
    {token, ZAP_INVARIANT_##caught_by, ZAP_FEATURE_##feature, finder},
#include "py/plant.def"
#undef ZAP_PLANT_ROW
};

static const struct zap_gen_config session = {.seed = SEED, .routes = ROUTES_WITHOUT_END};

/* Start a worker with a bug. */
static bool start(const char *path, const char *token, struct zap_worker *ret_worker)
{
    setenv("PYZAP_PLANT", token, 1);
    return start_worker(path, ret_worker);
}

/* Run all plans until the bug is caught; where a worker dies of it, another one goes on after that
 * plan. Returns whether all came up. */
static bool run_past_deaths(const char *path, const struct plant *plant, struct zap_worker *worker,
                            uint64_t *ret_plans, uint64_t *ret_times)
{
    *ret_plans = *ret_times = 0;
    for (uint64_t from = 0;;) {
        run_on(worker, &session, from, PLANS, plant->caught_by);
        *ret_plans += atomic_load(&worker->shared->plans);
        *ret_times += atomic_load(&worker->shared->broken[plant->caught_by]);
        from = atomic_load(&worker->shared->index) + 1;
        if (worker->pid != 0 || *ret_times > 0 || from >= PLANS)
            return true;
        zap_worker_release(worker);
        if (!start(path, plant->token, worker))
            return false;
    }
}

static bool is_caught(const char *path, const struct plant *plant)
{
    struct zap_worker worker;
    uint64_t plans, times;
    bool caught = false;
    const char *id = zap_invariant_row(plant->caught_by)->id;
    bool came_up = start(path, plant->token, &worker);
    if (came_up && plant->feature != ZAP_FEATURE_COUNT &&
        !zap_profile_has(zap_profile_of(&worker.build), plant->feature)) {
        printf("void    %-18s no bug on this version\n", plant->token);
        caught = true;
    } else if (!came_up || !run_past_deaths(path, plant, &worker, &plans, &times)) {
        printf("FAILED  %-18s the worker does not start\n", plant->token);
    } else {
        caught = plant->finder == RANDOM ? times > 0 : times == 0;
        printf("%s  %-18s %s broken by %" PRIu64 " of %" PRIu64 " plans\n",
               !caught                   ? "FAILED"
               : plant->finder == RANDOM ? "caught"
                                         : "rare  ",
               plant->token, id, times, plans);
    }
    zap_worker_release(&worker);
    return caught;
}

static bool is_clean(const char *path)
{
    struct zap_worker worker;
    bool came_up = start(path, "", &worker);
    if (came_up)
        run_on(&worker, &session, 0, PLANS, ZAP_INVARIANT_COUNT);
    bool clean = came_up && atomic_load(&worker.shared->plans) == PLANS &&
                 atomic_load(&worker.shared->findings) == 0 &&
                 atomic_load(&worker.shared->verdicts[ZAP_HARNESS]) == 0 &&
                 atomic_load(&worker.shared->checks) > PLANS;
    printf("%s  %-18s\n", clean ? "clean " : "FAILED", "(no bug)");
    zap_worker_release(&worker);
    return clean;
}

int main(void)
{
    const char *build = getenv("ZAP_BUILD");
    char path[4096];
    snprintf(path, sizeof path, "%s/planted/worker-%s", ZAP_LIBEXEC_DIR, build ? build : "");
    if (access(path, X_OK) != 0) {
        printf("SKIP: no planted worker for %s\n", build ? build : "(ZAP_BUILD is not set)");
        return SKIP;
    }
    bool good = is_clean(path);
    for (size_t i = 0; i < sizeof plants / sizeof plants[0]; i++)
        good = is_caught(path, &plants[i]) && good;
    return good ? 0 : 1;
}
