/* The bare loop of tools/bench does what it says, and plans of the bench shape find nothing.
 *
 * Run once per build, with its name in ZAP_BUILD. Says nothing about speed.
 */
#include "host/builds.h"
#include "host/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 500 };

static struct zap_builds builds;
static struct zap_worker worker;
static struct zap_build build;

static int start(void **state)
{
    (void)state;
    char why[2048];
    struct zap_str text = zap_str_init(why, sizeof why);
    const char *name = getenv("ZAP_BUILD");
    if (name == NULL || zap_builds_load(ZAP_LIBEXEC_DIR, &builds, &text) != ZAP_OK)
        return -1;
    const struct zap_builds_row *row = zap_builds_find(&builds, name, &text);
    if (row == NULL)
        return -1;
    const struct zap_worker_config config = {.path = row->worker};
    struct zap_report report;
    struct zap_judgement judgement;
    if (zap_worker_start(&config, &worker) != ZAP_OK ||
        zap_worker_wait(&worker, &report, &judgement) != ZAP_WORKER_HELLO)
        return -1;
    build = worker.build;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    zap_worker_quit(&worker);
    bool is_clean = worker.death.verdict == ZAP_VOID;
    zap_worker_release(&worker);
    zap_builds_release(&builds);
    return is_clean ? 0 : -1;
}

static uint64_t command(uint32_t kind, unsigned route, uint64_t count)
{
    const struct zap_command command = {
        .kind = kind,
        .gen = {.seed = 1, .shape = ZAP_SHAPE_BENCH, .routes = UINT32_C(1) << route},
        .count = count,
        .route = route,
    };
    struct zap_report report;
    struct zap_judgement judgement;
    assert_int_equal(zap_worker_send(&worker, &command, NULL), ZAP_OK);
    assert_int_equal(zap_worker_wait(&worker, &report, &judgement), ZAP_WORKER_DONE);
    return report.index;
}

/* That each round finalizes its 8 nodes is checked by the worker, which dies where it is not so. */
static void bare_loop_goes_round(void **state)
{
    (void)state;
    bool has_refcounts = !build.nogil;
    bool has_wipe = (build.routes >> ZAP_ROUTE_WIPE & 1) != 0;
    bool collects = build.version >= 0x030400;
    assert_int_equal(command(ZAP_COMMAND_BARE, ZAP_ROUTE_DROP, ROUNDS), has_refcounts ? ROUNDS : 0);
    assert_int_equal(command(ZAP_COMMAND_BARE, ZAP_ROUTE_WIPE, ROUNDS),
                     has_refcounts && has_wipe ? ROUNDS : 0);
    assert_int_equal(command(ZAP_COMMAND_BARE, ZAP_ROUTE_COLLECT, ROUNDS), collects ? ROUNDS : 0);
    assert_int_equal(command(ZAP_COMMAND_BARE, ZAP_ROUTE_RELOAD, ROUNDS), 0);
}

/* No report but DONE; and plans go on as ever after a bare loop. */
static void bench_plans_hold(void **state)
{
    (void)state;
    static const unsigned routes[] = {ZAP_ROUTE_DROP, ZAP_ROUTE_WIPE, ZAP_ROUTE_COLLECT};
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        uint64_t plans = atomic_load(&worker.shared->plans);
        assert_int_equal(command(ZAP_COMMAND_RUN, routes[i], ROUNDS), ROUNDS);
        assert_int_equal(atomic_load(&worker.shared->plans) - plans, ROUNDS);
    }
    assert_int_equal(atomic_load(&worker.shared->verdicts[ZAP_HARNESS]), 0);
    assert_true(atomic_load(&worker.shared->checks) > ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_loop_goes_round),
        cmocka_unit_test(bench_plans_hold),
    };
    return cmocka_run_group_tests_name("bare", tests, start, stop);
}
