/* How a worker's end becomes a verdict and a reason (src/host/death.c). */
#include "host/death.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { EXIT = 256 }; /* waitpid's status of exit(1) */

static const struct {
    struct zap_death_facts facts;
    enum zap_verdict verdict;
    const char *signature; /* "-" at its end: and eight digits */
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
     "SIGABRT-",
     "SIGABRT in the middle of cleaning up after the route: Fatal Python error: oh no"},
    {{.status = SIGABRT,
      .phase = ZAP_PHASE_ROUTE,
      .has_hello = true,
      .tail = "gc.c:1: f: Assertion `x' failed.\nFatal Python error: _PyObject_AssertFailed"},
     ZAP_CRASHED,
     "SIGABRT-",
     "SIGABRT in the middle of the route: gc.c:1: f: Assertion `x' failed."},
    {{.status = SIGABRT,
      .phase = ZAP_PHASE_BUILD,
      .has_hello = true,
      .tail = "==7==ERROR: AddressSanitizer: heap-use-after-free on \x01\n"},
     ZAP_CRASHED,
     "SIGABRT-",
     "SIGABRT in the middle of building the modules: ERROR: AddressSanitizer: heap-use-after-free "
     "on ?"},
    {{.status = 0, .phase = ZAP_PHASE_ROUTE, .has_hello = true},
     ZAP_CRASHED,
     "exit-0",
     "exited with status 0 in the middle of the route"},
    {{.status = 3 * EXIT, .phase = ZAP_PHASE_ROUTE, .has_hello = true, .tail = "a\nb\n\n"},
     ZAP_CRASHED,
     "exit-3-",
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
     "exit-75-",
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

static void assert_is_signature(const char *signature, const char *expected)
{
    size_t len = strlen(expected);
    bool has_digits = expected[len - 1] == '-';
    assert_int_equal(strncmp(signature, expected, len), 0);
    assert_int_equal(strlen(signature), len + (has_digits ? 8 : 0));
    assert_int_equal(strspn(signature + len, "0123456789abcdef"), has_digits ? 8 : 0);
}

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
        assert_is_signature(death.signature, cases[i].signature);
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

/* ------------------------------------------------------------------ signatures */

static struct zap_death death_of(int status, const char *tail, const struct zap_stack *stack)
{
    struct zap_death death;
    const struct zap_death_facts facts = {.status = status,
                                          .phase = ZAP_PHASE_ROUTE,
                                          .has_hello = true,
                                          .detail = "",
                                          .tail = tail,
                                          .stack = stack};
    zap_death_classify(&facts, &death);
    return death;
}

/* A stack of these functions, innermost first, each of CPython but those with a mark: ! system,
 * = ours, ? without a name. */
static struct zap_stack stack_of(const char *functions)
{
    struct zap_stack stack = {0};
    while (*functions) {
        struct zap_stack_frame *frame = &stack.frames[stack.count++];
        char mark = strchr("!=?", functions[0]) ? *functions++ : '\0';
        size_t len = strcspn(functions, " ");
        frame->whose = mark == '!'   ? ZAP_STACK_SYSTEM
                       : mark == '=' ? ZAP_STACK_OURS
                       : mark == '?' ? ZAP_STACK_UNKNOWN
                                     : ZAP_STACK_CPYTHON;
        memcpy(mark == '?' ? frame->file : frame->function, functions, len);
        functions += len + (functions[len] == ' ');
    }
    return stack;
}

static struct zap_death crash(const char *tail, const char *functions)
{
    struct zap_stack stack = stack_of(functions);
    return death_of(tail[0] ? SIGABRT : SIGSEGV, tail, &stack);
}

static void a_crash_is_called_after_its_function(void **state)
{
    (void)state;
    struct zap_death death = crash("", "!memcpy insertdict PyDict_SetItem =zap_run module_clear x");
    assert_is_signature(death.signature, "SIGSEGV-insertdict-");
    assert_string_equal(
        death.reason,
        "SIGSEGV in the middle of the route: insertdict < PyDict_SetItem < module_clear");
    assert_int_equal(death.stack.count, 6);

    death = crash("Fatal Python error: oh no\n", "!raise !fatal_error insertdict");
    assert_is_signature(death.signature, "SIGABRT-insertdict-");
    assert_string_equal(
        death.reason, "SIGABRT in the middle of the route: Fatal Python error: oh no: insertdict");

    assert_is_signature(crash("", "!memcpy =zap_run").signature, "SIGSEGV-");
    assert_is_signature(crash("", "?libz.so+0x12").signature, "SIGSEGV-");
    assert_string_equal(crash("", "!memcpy").signature, "SIGSEGV");
    assert_is_signature(crash("", "_ZN3fooE<int>").signature, "SIGSEGV-_ZN3fooE_int_-");
}

static void an_overflow_is_told(void **state)
{
    (void)state;
    struct zap_stack stack = stack_of("a b");
    stack.is_overflow = true;
    struct zap_death death = death_of(SIGSEGV, "", &stack);
    assert_string_equal(death.reason,
                        "SIGSEGV in the middle of the route: the C stack is full: a < b");
    assert_string_not_equal(death.signature, crash("", "a b").signature);
}

/* What is long is cut so that the rest has room. */
static void long_names_fit(void **state)
{
    (void)state;
    char tail[400], functions[400] = "";
    memset(tail, 'x', sizeof tail);
    memcpy(tail, "Fatal Python error: ", 20);
    tail[sizeof tail - 1] = '\0';
    for (int i = 0; i < 3; i++) {
        char name[64];
        memset(name, 'a' + i, sizeof name - 1);
        name[sizeof name - 1] = '\0';
        size_t len = strlen(functions);
        snprintf(functions + len, sizeof functions - len, "%s%s", i ? " " : "", name);
    }
    struct zap_death death = crash(tail, functions);
    assert_true(strlen(death.signature) < sizeof death.signature - 1);
    assert_true(strlen(death.reason) < sizeof death.reason);
    assert_non_null(strstr(death.reason, "ccccc"));
    assert_non_null(strstr(death.reason, "SIGABRT in the middle of the route: "));
    death = crash(tail, "insertdict");
    assert_non_null(strstr(death.reason, "Fatal Python error: xxx"));
    assert_non_null(strstr(death.reason, "x: insertdict"));
}

static const struct {
    bool is_same;
    const char *tail, *functions, *other_tail, *other_functions;
} pairs[] = {
    {true, "", "a b c d", "", "a b c e"},
    {true, "", "!memcpy a =zap_x b c", "", "a b c"},
    {false, "", "a b c", "", "a b d"},
    {false, "", "a b c", "", "b a c"},
    {false, "", "=one", "", "=two"},
    {false, "", "a", "Fatal Python error: x", "a"},
    {true, "Fatal Python error: at 0x7f12 of x", "a", "Fatal Python error: at 0x7fabcd of x", "a"},
    {false, "Fatal Python error: at 0x7f12 of x", "a", "Fatal Python error: at 0x7f12 of y", "a"},
    {true, "Fatal Python error: refs -24587", "a", "Fatal Python error: refs -4", "a"},
    {false, "Fatal Python error: x1", "a", "Fatal Python error: x2", "a"},
    {false, "Fatal Python error: x", "a", "Fatal Python error: x", "b"},
    {true, "f.c:12: g: Assertion `x' failed.", "a", "f.c:9: g: Assertion `x' failed.", "a"},
    {true, "p: /a/b/f.c:12: g: Assertion `x' failed.", "a", "p: ../f.c:9: g: Assertion `x' failed.",
     "a"},
    {false, "f.c:12: g: Assertion `x' failed.", "a", "f.c:12: g: Assertion `y' failed.", "a"},
    {true,
     "==12==ERROR: AddressSanitizer: SEGV on 0x1 (pc 0x12 T0)\n    #0 0x12 in f Objects/x.c:1",
     "!abort",
     "==9==ERROR: AddressSanitizer: SEGV on 0x2 (pc 0x3 T0)\n    #0 0x9 in f Objects/x.c:1",
     "!abort !raise"},
    {false, "==12==ERROR: AddressSanitizer: SEGV on 0x1\n    #0 0x12 in f Objects/x.c:1", "a",
     "==9==ERROR: AddressSanitizer: SEGV on 0x2\n    #0 0x9 in g Objects/x.c:1", "a"},
};

static void equal_signatures_mean_the_same_bug(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct zap_death one = crash(pairs[i].tail, pairs[i].functions);
        struct zap_death other = crash(pairs[i].other_tail, pairs[i].other_functions);
        print_message("%s %s\n", one.signature, other.signature);
        assert_int_equal(strcmp(one.signature, other.signature) == 0, pairs[i].is_same);
    }
}

static void exits_are_told_by_their_last_line(void **state)
{
    (void)state;
    struct zap_death one = death_of(3 * EXIT, "a\nprocess 12 gives up\n", NULL);
    assert_is_signature(one.signature, "exit-3-");
    assert_string_equal(one.signature, death_of(3 * EXIT, "process 7 gives up", NULL).signature);
    assert_string_not_equal(one.signature, death_of(3 * EXIT, "it gives up", NULL).signature);
    assert_string_not_equal(one.signature,
                            death_of(4 * EXIT, "process 7 gives up", NULL).signature);
    assert_string_equal(death_of(3 * EXIT, "", NULL).signature, "exit-3");
}

/* Of what was printed before a crash, the last report counts, and only where it can be of it. */
static void an_old_report_is_no_cause(void **state)
{
    (void)state;
    static const char two[] = "x.c:1:2: runtime error: old\n    #0 0x1 in old Objects/x.c:1\n\n"
                              "x.c:1:2: runtime error: new\n    #0 0x1 in new Objects/x.c:1\n\n";
    struct zap_death death = death_of(SIGABRT, two, NULL);
    assert_is_signature(death.signature, "SIGABRT-new-");
    assert_non_null(strstr(death.reason, "runtime error: new: new"));
    struct zap_stack stack = stack_of("insertdict");
    death = death_of(SIGSEGV, two, &stack);
    assert_string_equal(death.signature, crash("", "insertdict").signature);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deaths_are_told_apart),
        cmocka_unit_test(the_end_of_a_long_tail_is_kept),
        cmocka_unit_test(a_crash_is_called_after_its_function),
        cmocka_unit_test(an_overflow_is_told),
        cmocka_unit_test(long_names_fit),
        cmocka_unit_test(equal_signatures_mean_the_same_bug),
        cmocka_unit_test(exits_are_told_by_their_last_line),
        cmocka_unit_test(an_old_report_is_no_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
