/* Crashes of workers as the host tells them apart: each bug of fake_worker.c has a signature of its
 * own, the same every time, and one finding, however often it is met. */
#include "host/clock.h"
#include "host/player.h"
#include "host/session.h"
#include "host/symbols.h"

#include "run.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { STACK_SIZE = 1024 * 1024 }; /* of the workers: one that overflows is to be full soon */

static char folder[] = "/tmp/pyzap-signatures-XXXXXX";
static char out[64];
static struct zap_builds builds;

static int set_up(void **state)
{
    (void)state;
    char path[64], why[256];
    struct rlimit limit;
    struct zap_str text = zap_str_init(why, sizeof why);
    if (!mkdtemp(folder))
        return -1;
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = STACK_SIZE;
    if (setrlimit(RLIMIT_STACK, &limit) < 0)
        return -1;
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(path, sizeof path, "%s/worker-a", folder);
    if (symlink(ZAP_FAKE_WORKER, path) < 0)
        return -1;
    return zap_builds_load(folder, &builds, &text) == ZAP_OK && builds.count == 1 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    zap_builds_release(&builds);
    zap_symbols_release();
    return system(command);
}

/* ------------------------------------------------------------------ one by one */

static const struct {
    const char *word, *signature; /* without the digits */
    const char *function;         /* on the stack; NULL: there is none */
    const char *reason;           /* a part of it */
} bugs[] = {
    {"segv-one", "SIGSEGV-", "segv_one", "in the middle of the route"},
    {"segv-two", "SIGSEGV-", "segv_two", "in the middle of the route"},
    {"call-nowhere", "SIGSEGV-", "call_nowhere", "in the middle of the route"},
    {"fatal-one", "SIGABRT-", "fatal_one", ": Fatal Python error: object at 0x"},
    {"assert-one", "SIGABRT-", "assert_one", ": assert_one: Assertion `refs > 0' failed."},
    {"overflow-one", "SIGSEGV-", "descend", "stack"},
    {"free-twice", "SIGABRT-", "free_twice", "double"},
    {"report-one", "SIGABRT-insertdict-", "insertdict",
     ": runtime error: load of a null pointer: "},
    {"exit-one", "exit-3-", NULL, "exited with status 3 in the middle of the route: process "},
};
enum { BUGS_COUNT = sizeof bugs / sizeof bugs[0], TIMES = 5 };

static bool has_function(const struct zap_stack *stack, const char *function)
{
    for (uint32_t i = 0; i < stack->count; i++) {
        if (strcmp(stack->frames[i].function, function) == 0)
            return true;
    }
    return false;
}

static void each_bug_has_one_signature(void **state)
{
    (void)state;
    char signatures[BUGS_COUNT][ZAP_SIGNATURE_SIZE];
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    struct zap_plan plan;
    zap_plan_init(&plan);
    for (size_t i = 0; i < BUGS_COUNT; i++) {
        const struct zap_worker_config config = {0};
        struct zap_player player;
        char fake[64];
        snprintf(fake, sizeof fake, "%s@*", bugs[i].word);
        setenv("ZAP_FAKE", fake, 1);
        zap_player_init(&player, &builds.rows[0], &config, 0);
        for (int time = 0; time < TIMES; time++) {
            zap_player_play(&player, &plan, outcome);
            if (time == 0) {
                print_message("%s  %s\n", outcome->signature, outcome->reason);
                memcpy(signatures[i], outcome->signature, sizeof signatures[i]);
            }
            size_t len = strlen(bugs[i].signature);
            assert_int_equal(outcome->verdict, ZAP_CRASHED);
            assert_int_equal(strncmp(outcome->signature, bugs[i].signature, len), 0);
            assert_int_equal(strlen(outcome->signature), len + 8);
            assert_string_equal(outcome->signature, signatures[i]);
            assert_non_null(strstr(outcome->reason, bugs[i].reason));
            if (bugs[i].function)
                assert_true(has_function(&outcome->stack, bugs[i].function));
            assert_int_equal(outcome->stack.is_overflow, strcmp(bugs[i].word, "overflow-one") == 0);
        }
        zap_player_release(&player);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(signatures[i], signatures[j]);
    }
    free(outcome);
}

/* ------------------------------------------------------------------ many */

static size_t count_folders(const char *path)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void many_crashes_of_five_bugs_are_five_findings(void **state)
{
    (void)state;
#ifdef ZAP_SANITIZE /* a start takes many times as long */
    enum { PLANS = 1000, BUGS = 5 };
#else
    enum { PLANS = 10000, BUGS = 5 };
#endif
    const struct zap_builds_row *rows[] = {&builds.rows[0]};
    const struct zap_session_config config = {.builds = rows,
                                              .builds_count = 1,
                                              .gen = {.seed = 5, .routes = ROUTES_WITHOUT_END},
                                              .plans = PLANS,
                                              .out = out};
    struct zap_session session;
    setenv("ZAP_FAKE", "segv-one@0%5,segv-two@1%5,fatal-one@2%5,assert-one@3%5,overflow-one@4%5",
           1);
    int64_t from_ms = zap_clock_ms();
    assert_int_equal(zap_session_run(&config, &session), ZAP_OK);
    int64_t took_ms = zap_clock_ms() - from_ms;
    const struct zap_run *run = &session.runs[0];
    print_message("%d crashes in %.1f s: %.2f ms from one start to the next\n", PLANS,
                  (double)took_ms / 1000, (double)took_ms / PLANS);
    assert_string_equal(session.write_failure, "");
    assert_int_equal(run->past.plans, PLANS);
    assert_int_equal(run->past.findings, PLANS);
    assert_int_equal(run->past.verdicts[ZAP_CRASHED], PLANS);
    assert_int_equal(run->sights_count, BUGS);
    assert_int_equal(run->filed_count, BUGS);
    uint64_t all = 0;
    for (size_t i = 0; i < BUGS; i++) {
        all += run->sights[i].count;
        assert_true(run->sights[i].count > PLANS / BUGS / 2);
        assert_false(run->filed[i].is_flaky);
        assert_int_equal(run->filed[i].reproduced, run->filed[i].runs);
        assert_string_equal(run->filed[i].signature, run->sights[i].signature);
        assert_int_equal(access(run->filed[i].path, F_OK), 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(run->filed[i].signature, run->filed[j].signature);
    }
    assert_int_equal(all, PLANS);
    assert_int_equal(count_folders(out), BUGS);
    zap_session_release(&session);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bug_has_one_signature),
        cmocka_unit_test(many_crashes_of_five_bugs_are_five_findings),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
