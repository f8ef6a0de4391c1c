/* How a worker's end becomes a verdict and a reason (src/host/death.c). */
#include "host/death.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { EXIT = 256 }; /* waitpid's status of exit(1) */

static const struct {
    struct zap_death_facts facts;
    enum zap_verdict verdict;
    const char *signature;
    const char *reason;
} cases[] = {
    {{.status = SIGSEGV, .phase = ZAP_PHASE_ROUTE, .has_hello = true},
     ZAP_CRASHED,
     "SIGSEGV",
     "SIGSEGV in the middle of the route"},
    {{.status = SIGABRT,
      .phase = ZAP_PHASE_CLEAN,
      .has_hello = true,
      .tail = "noise\nFatal Python error: oh no\nCurrent thread\n"},
     ZAP_CRASHED,
     "SIGABRT",
     "SIGABRT in the middle of cleaning up after the route: Fatal Python error: oh no"},
    {{.status = SIGABRT,
      .phase = ZAP_PHASE_ROUTE,
      .has_hello = true,
      .tail = "gc.c:1: f: Assertion `x' failed.\nFatal Python error: _PyObject_AssertFailed"},
     ZAP_CRASHED,
     "SIGABRT",
     "SIGABRT in the middle of the route: gc.c:1: f: Assertion `x' failed."},
    {{.status = SIGABRT,
      .phase = ZAP_PHASE_BUILD,
      .has_hello = true,
      .tail = "==7==ERROR: AddressSanitizer: heap-use-after-free on \x01\n"},
     ZAP_CRASHED,
     "SIGABRT",
     "SIGABRT in the middle of building the modules: ERROR: AddressSanitizer: heap-use-after-free "
     "on ?"},
    {{.status = 0, .phase = ZAP_PHASE_ROUTE, .has_hello = true},
     ZAP_CRASHED,
     "exit-0",
     "exited with status 0 in the middle of the route"},
    {{.status = 3 * EXIT, .phase = ZAP_PHASE_ROUTE, .has_hello = true, .tail = "a\nb\n\n"},
     ZAP_CRASHED,
     "exit-3",
     "exited with status 3 in the middle of the route: b"},
    {{.status = ZAP_EXIT_ENDLESS * EXIT,
      .phase = ZAP_PHASE_ROUTE,
      .has_hello = true,
      .tail = "a\npyzap: endless-row: more than 7 of something\n"},
     ZAP_TIMED_OUT,
     "endless-row",
     "endless-row: more than 7 of something"},
    {{.status = ZAP_EXIT_ENDLESS * EXIT,
      .phase = ZAP_PHASE_ROUTE,
      .has_hello = true,
      .tail = "a\n"},
     ZAP_CRASHED,
     "exit-75",
     "exited with status 75 in the middle of the route: a"},
    {{.status = ZAP_EXIT_ENDLESS * EXIT,
      .phase = ZAP_PHASE_IDLE,
      .has_hello = true,
      .tail = "pyzap: endless-row: more than 7 of something\n"},
     ZAP_HARNESS,
     "exit-75",
     "exited with status 75 in the middle of waiting for a command: pyzap: endless-row: more than "
     "7 of "
     "something"},
    {{.status = SIGILL,
      .phase = ZAP_PHASE_ROUTE,
      .has_hello = true,
      .tail = "pyzap: src/py/run.c:1: check failed: a > b\n"},
     ZAP_HARNESS,
     "SIGILL",
     "SIGILL in the middle of the route: pyzap: src/py/run.c:1: check failed: a > b"},
    {{.status = SIGSEGV, .phase = ZAP_PHASE_GEN, .has_hello = true},
     ZAP_HARNESS,
     "SIGSEGV",
     "SIGSEGV in the middle of generating a plan"},
    {{.status = SIGSEGV, .phase = ZAP_PHASE_JUDGE, .has_hello = true},
     ZAP_HARNESS,
     "SIGSEGV",
     "SIGSEGV in the middle of judging the trace"},
    {{.status = SIGSEGV, .phase = ZAP_PHASE_IDLE, .has_hello = true},
     ZAP_HARNESS,
     "SIGSEGV",
     "SIGSEGV in the middle of waiting for a command"},
    {{.status = SIGSEGV, .phase = 4711, .has_hello = true},
     ZAP_CRASHED,
     "SIGSEGV",
     "SIGSEGV in the middle of an unknown phase (damaged memory)"},
    {{.status = SIGKILL, .phase = ZAP_PHASE_ROUTE, .has_hello = true},
     ZAP_HARNESS,
     "SIGKILL",
     "SIGKILL from outside (is the machine out of memory?) in the middle of the route"},
    {{.status = SIGTERM, .phase = ZAP_PHASE_ROUTE, .has_hello = true},
     ZAP_HARNESS,
     "SIGTERM",
     "SIGTERM from outside in the middle of the route"},
    {{.status = SIGSEGV, .phase = ZAP_PHASE_START},
     ZAP_HARNESS,
     "SIGSEGV",
     "SIGSEGV before its hello"},
    {{.status = 127 * EXIT, .phase = ZAP_PHASE_START, .tail = "cannot start x: No such file"},
     ZAP_HARNESS,
     "exit-127",
     "exited with status 127 before its hello: cannot start x: No such file"},
    {{.status = SIGKILL,
      .killed = ZAP_KILLED_DEADLINE,
      .phase = ZAP_PHASE_ROUTE,
      .has_hello = true,
      .detail = "10.0 s"},
     ZAP_TIMED_OUT,
     "timeout",
     "no progress for 10.0 s in the route"},
    {{.status = SIGKILL,
      .killed = ZAP_KILLED_DEADLINE,
      .phase = ZAP_PHASE_JUDGE,
      .has_hello = true,
      .detail = "10.0 s"},
     ZAP_HARNESS,
     "timeout",
     "no progress for 10.0 s in judging the trace"},
    {{.status = SIGKILL, .killed = ZAP_KILLED_DEADLINE, .detail = "30.0 s"},
     ZAP_HARNESS,
     "timeout",
     "no hello for 30.0 s"},
    {{.status = SIGKILL,
      .killed = ZAP_KILLED_MEMORY,
      .phase = ZAP_PHASE_ROUTE,
      .has_hello = true,
      .detail = "1024 MiB"},
     ZAP_EXHAUSTED,
     "memory",
     "memory over its limit (1024 MiB) in the route"},
    {{.status = SIGKILL,
      .killed = ZAP_KILLED_LEAK,
      .phase = ZAP_PHASE_ROUTE,
      .has_hello = true,
      .detail = "1024 MiB"},
     ZAP_HARNESS,
     "harness",
     "memory grew over its limit little by little (1024 MiB): a leak"},
    {{.status = SIGKILL,
      .killed = ZAP_KILLED_GARBAGE,
      .phase = ZAP_PHASE_ROUTE,
      .has_hello = true,
      .detail = "it barked"},
     ZAP_HARNESS,
     "harness",
     "broke the protocol: it barked"},
    {{.status = SIGKILL, .killed = ZAP_KILLED_STOP, .phase = ZAP_PHASE_ROUTE, .has_hello = true},
     ZAP_VOID,
     "stopped",
     "stopped"},
};

static void deaths_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zap_death_facts facts = cases[i].facts;
        facts.tail = facts.tail ? facts.tail : "";
        facts.detail = facts.detail ? facts.detail : "";
        struct zap_death death;
        zap_death_classify(&facts, &death);
        assert_string_equal(death.reason, cases[i].reason);
        assert_string_equal(death.signature, cases[i].signature);
        assert_int_equal(death.verdict, cases[i].verdict);
    }
}

static void the_end_of_a_long_tail_is_kept(void **state)
{
    (void)state;
    char tail[6000];
    memset(tail, 'x', sizeof tail);
    memcpy(tail + sizeof tail - 5, "end\n", 5);
    struct zap_death_facts facts = {.status = SIGSEGV, .detail = "", .tail = tail};
    struct zap_death death;
    zap_death_classify(&facts, &death);
    assert_int_equal(strlen(death.tail), sizeof death.tail - 1);
    assert_non_null(strstr(death.tail, "end\n"));
}

static void addresses_do_not_make_a_difference(void **state)
{
    (void)state;
    assert_true(zap_death_is_same("at 0x7f12 of x", "at 0x7fabcd of x"));
    assert_true(zap_death_is_same("", ""));
    assert_false(zap_death_is_same("at 0x7f12 of x", "at 0x7f12 of y"));
    assert_false(zap_death_is_same("abc", "abcd"));
    assert_false(zap_death_is_same("0x1", "0y1"));
    static const char *const reasons[] = {
        "at 0x7f12 of x", "at 0x7f of y", "abc", "abcd", "0x1", "0y1", "", "0x", "at 0x of x"};
    enum { COUNT = sizeof reasons / sizeof reasons[0] };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++)
            assert_int_equal(zap_death_key(reasons[i]) == zap_death_key(reasons[j]),
                             zap_death_is_same(reasons[i], reasons[j]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deaths_are_told_apart),
        cmocka_unit_test(the_end_of_a_long_tail_is_kept),
        cmocka_unit_test(addresses_do_not_make_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
