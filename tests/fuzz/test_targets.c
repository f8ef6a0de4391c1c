/* What fuzz targets do with verdicts, and what they tell an engine, without CPython: this file
 * plays src/py/embed.h, and every case that ends a process runs in one of its own. */
#include "fuzz.h"

#include "engine.h"
#include "seen.h"

#include "py/embed.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool has_edges; /* does libpython claim to count edges? */

/* What zap_embed_run does from now on. */
static struct {
    bool fails_to_start, is_silent, is_harness, is_fickle, is_nogil;
    uint64_t broken; /* bit per invariant */
    unsigned runs;
} fake;

int zap_embed_start(void)
{
    return fake.fails_to_start ? -1 : 0;
}

void zap_embed_on_route(void (*on_route)(void))
{
    assert_non_null(on_route);
}

void zap_embed_on_end(void (*in_child)(void), void (*in_parent)(void))
{
    assert_non_null(in_child);
    assert_non_null(in_parent);
}

const struct zap_trace *zap_embed_run(const struct zap_plan *plan, uint32_t flags,
                                      struct zap_judgement *ret_judgement)
{
    static struct zap_trace trace;
    (void)flags;
    memset(ret_judgement, 0, sizeof *ret_judgement);
    memset(ret_judgement->verdicts, ZAP_HELD, sizeof ret_judgement->verdicts);
    for (unsigned i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        if (fake.broken >> i & 1) {
            ret_judgement->verdicts[i] = ZAP_BROKEN;
            ret_judgement->any_broken = true;
        }
    }
    ret_judgement->is_harness = fake.is_harness;
    ret_judgement->harness = fake.is_harness ? "a fake failure" : NULL;
    trace.build.nogil = fake.is_nogil;
    trace.events_count = 0;
    if (!fake.is_silent) {
        trace.events_count = 2;
        trace.events[0] =
            (struct zap_event){.kind = ZAP_EVENT_ROUTE, .info = plan->route, .node = ZAP_NO_NODE};
        trace.events[1] = (struct zap_event){.kind = ZAP_EVENT_ROUTE_END, .node = ZAP_NO_NODE};
        if (fake.is_fickle)
            trace.events[1].refs = fake.runs;
    }
    fake.runs++;
    return &trace;
}

/* Run something in a process of its own. Returns what waitpid says; ret_said: its stderr. */
static int in_child(void (*what)(void), char *ret_said, size_t size)
{
    int ends[2];
    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        signal(SIGILL, SIG_DFL); /* cmocka would catch it and go on with the tests */
        signal(SIGABRT, SIG_DFL);
        what();
        _exit(0);
    }
    close(ends[1]);
    size_t got = 0;
    ssize_t more;
    while (got < size - 1 && (more = read(ends[0], ret_said + got, size - 1 - got)) > 0)
        got += (size_t)more;
    ret_said[got] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static char said[8192];

static int reset(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    has_edges = false;
    unsetenv("PYZAP_FUZZ_SEEN");
    unsetenv("PYZAP_FUZZ_FEEDBACK");
    return 0;
}

static void start(void)
{
    zap_fuzz_start(has_edges);
}

static void assert_refuses(int status, const char *words)
{
    int found = in_child(start, said, sizeof said);
    assert_true(WIFEXITED(found));
    assert_int_equal(WEXITSTATUS(found), status);
    assert_non_null(strstr(said, words));
}

static void starts_where_transitions_move(void **state)
{
    (void)state;
    assert_int_equal(in_child(start, said, sizeof said), 0);
    assert_string_equal(said, "");
}

static void refuses_without_transitions(void **state)
{
    (void)state;
    fake.is_silent = true;
    assert_refuses(70, "refuses to start: a trial plan was run and no transition was recorded");
}

static void refuses_without_promised_edges(void **state)
{
    (void)state;
    has_edges = true;
    assert_refuses(70, "refuses to start: libpython is said to count edges");
}

static void refuses_without_python(void **state)
{
    (void)state;
    fake.fails_to_start = true;
    int status = in_child(start, said, sizeof said);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 70);
}

static void refuses_odd_environment(void **state)
{
    (void)state;
    setenv("PYZAP_FUZZ_FEEDBACK", "maybe", 1);
    assert_refuses(2, "PYZAP_FUZZ_FEEDBACK=maybe: expected off");
    unsetenv("PYZAP_FUZZ_FEEDBACK");
    setenv("PYZAP_FUZZ_SEEN", "/nonexistent/seen", 1);
    assert_refuses(2, "PYZAP_FUZZ_SEEN=/nonexistent/seen: No such file");
    setenv("PYZAP_FUZZ_SEEN", "/dev/null", 1);
    assert_refuses(2, "make it a file of 65536 zero bytes");
}

static void run_one(void)
{
    struct zap_plan plan;
    zap_plan_init(&plan);
    zap_fuzz_run(&plan);
}

static void traps_on_broken(void **state)
{
    (void)state;
    fake.broken = UINT64_C(1) << ZAP_INVARIANT_I3;
    int status = in_child(run_one, said, sizeof said);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGILL);
    assert_non_null(strstr(said, "pyzap: BROKEN"));
    assert_non_null(strstr(said, "I3"));
}

static void aborts_on_harness(void **state)
{
    (void)state;
    fake.is_harness = true;
    int status = in_child(run_one, said, sizeof said);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "HARNESS: a fake failure"));
}

static bool binds_builtins; /* does the plan of run_twice? */

static void run_twice(void)
{
    struct zap_plan plan;
    zap_plan_init(&plan);
    if (binds_builtins) {
        plan.objects_count = plan.modules[0].globals_count = 1;
        plan.objects[0].kind = ZAP_VALUE_DICT;
        plan.modules[0].globals[0].name = ZAP_NAME_BUILTINS;
    }
    const struct zap_trace *first = zap_fuzz_run(&plan);
    zap_fuzz_run_again(&plan, first);
}

static void traps_on_another_trace(void **state)
{
    (void)state;
    assert_int_equal(in_child(run_twice, said, sizeof said), 0);
    fake.is_fickle = true;
    int status = in_child(run_twice, said, sizeof said);
    assert_true(WIFSIGNALED(status));
    assert_non_null(strstr(said, "the same plan does the same every time"));
    assert_non_null(strstr(said, "from event 1 on"));
    binds_builtins = true;
    assert_int_equal(in_child(run_twice, said, sizeof said), 0);
    binds_builtins = false;
    fake.is_nogil = true;
    assert_int_equal(in_child(run_twice, said, sizeof said), 0);
}

/* A finding of a campaign traps in so many processes, and then goes by; another one still traps. */
static void traps_a_few_times_only(void **state)
{
    (void)state;
    char path[] = "/tmp/pyzap-seen-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, ZAP_SEEN_SIZE), 0);
    close(fd);
    setenv("PYZAP_FUZZ_SEEN", path, 1);
    zap_seen_start();
    fake.broken = UINT64_C(1) << ZAP_INVARIANT_I3;
    for (int i = 0; i < ZAP_SEEN_MAX; i++)
        assert_true(WIFSIGNALED(in_child(run_one, said, sizeof said)));
    assert_int_equal(in_child(run_one, said, sizeof said), 0);
    fake.broken |= UINT64_C(1) << ZAP_INVARIANT_I4; /* filed as the first one, so it is the same */
    assert_int_equal(in_child(run_one, said, sizeof said), 0);
    fake.broken = UINT64_C(1) << ZAP_INVARIANT_I4;
    assert_true(WIFSIGNALED(in_child(run_one, said, sizeof said)));
    unlink(path);
}

/* The rest of this file sees the counters of this process. */
static unsigned moved(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < ZAP_FEEDBACK_COUNTERS; i++)
        count += zap_engine_transitions()[i] != 0;
    return count;
}

static void tells_the_engine(void **state)
{
    (void)state;
    zap_fuzz_start(has_edges);
    assert_int_equal(moved(), 0); /* the trial plan is forgotten */
    run_one();
    assert_int_equal(moved(), 6); /* three of each event */
    zap_engine_start();
    setenv("PYZAP_FUZZ_FEEDBACK", "off", 1);
    zap_fuzz_start(has_edges);
    run_one();
    assert_int_equal(moved(), 1);
}

/* Each target runs plans of its own sort, whatever the bytes say. */
static void plans_are_of_the_targets_sort(void **state)
{
    (void)state;
    for (unsigned route = 0; route <= UINT8_MAX; route++) {
        for (unsigned ends = 0; ends < 2; ends++) {
            const uint8_t bytes[] = {(uint8_t)route};
            const struct zap_route_row *row = zap_route_row(route);
            struct zap_plan plan;
            zap_fuzz_plan(bytes, sizeof bytes, ends, &plan);
            assert_true(zap_plan_is_normal(&plan));
            assert_int_equal(zap_plan_ends(&plan), ends);
            if (row != NULL && row->ends == ends)
                assert_int_equal(plan.route, route);
        }
    }
}

static void samples_by_bytes(void **state)
{
    (void)state;
    unsigned samples = 0;
    for (uint32_t i = 0; i < 64000; i++)
        samples += zap_fuzz_is_sample((const uint8_t *)&i, sizeof i, 64);
    assert_in_range(samples, 900, 1100);
    assert_int_equal(zap_fuzz_is_sample((const uint8_t *)"abc", 3, 64),
                     zap_fuzz_is_sample((const uint8_t *)"abc", 3, 64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(starts_where_transitions_move, reset),
        cmocka_unit_test_setup(refuses_without_transitions, reset),
        cmocka_unit_test_setup(refuses_without_promised_edges, reset),
        cmocka_unit_test_setup(refuses_without_python, reset),
        cmocka_unit_test_setup(refuses_odd_environment, reset),
        cmocka_unit_test_setup(traps_on_broken, reset),
        cmocka_unit_test_setup(aborts_on_harness, reset),
        cmocka_unit_test_setup(traps_on_another_trace, reset),
        cmocka_unit_test_setup(traps_a_few_times_only, reset),
        cmocka_unit_test_setup(tells_the_engine, reset),
        cmocka_unit_test_setup(plans_are_of_the_targets_sort, reset),
        cmocka_unit_test_setup(samples_by_bytes, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
