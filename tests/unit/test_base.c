/* base: text that is cut at the end of its memory, random numbers, and checks that fail. */
#include "base/check.h"
#include "base/rng.h"
#include "base/str.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void str_appends(void **state)
{
    (void)state;
    char data[32];
    struct zap_str str = zap_str_init(data, sizeof data);
    assert_string_equal(str.data, "");
    zap_str_add(&str, "one");
    zap_str_add_bytes(&str, ", two", 4);
    zap_str_printf(&str, "-%d-%s", 7, "x");
    assert_string_equal(str.data, "one, tw-7-x");
    assert_int_equal(str.len, strlen(str.data));
    assert_false(str.cut);
}

static void str_keeps_bytes(void **state)
{
    (void)state;
    char data[8];
    struct zap_str str = zap_str_init(data, sizeof data);
    zap_str_add_bytes(&str, "a\0b", 3);
    assert_int_equal(str.len, 3);
    assert_memory_equal(str.data, "a\0b", 4);
}

static void str_fills_exactly(void **state)
{
    (void)state;
    char data[5];
    struct zap_str str = zap_str_init(data, sizeof data);
    zap_str_add(&str, "four");
    assert_string_equal(str.data, "four");
    assert_false(str.cut);
    zap_str_add(&str, "");
    assert_false(str.cut);
    zap_str_add(&str, "s");
    assert_string_equal(str.data, "four");
    assert_true(str.cut);
}

static void str_printf_fills_exactly(void **state)
{
    (void)state;
    char data[5];
    struct zap_str str = zap_str_init(data, sizeof data);
    zap_str_printf(&str, "%s", "four");
    assert_string_equal(str.data, "four");
    assert_false(str.cut);
    zap_str_printf(&str, "%s", "");
    assert_false(str.cut);
    zap_str_printf(&str, "%d", 1);
    assert_string_equal(str.data, "four");
    assert_true(str.cut);
}

static void str_cuts(void **state)
{
    (void)state;
    char data[5];
    struct zap_str str = zap_str_init(data, sizeof data);
    zap_str_printf(&str, "%s", "longer");
    assert_string_equal(str.data, "long");
    assert_int_equal(str.len, 4);
    assert_true(str.cut);
    str = zap_str_init(data, sizeof data);
    zap_str_add(&str, "ab");
    zap_str_add(&str, "cdef");
    assert_string_equal(str.data, "abcd");
    assert_true(str.cut);
}

static void str_of_one_byte(void **state)
{
    (void)state;
    char data[1] = {'x'};
    struct zap_str str = zap_str_init(data, sizeof data);
    assert_string_equal(str.data, "");
    zap_str_add(&str, "a");
    zap_str_printf(&str, "%d", 1);
    assert_string_equal(str.data, "");
    assert_int_equal(str.len, 0);
    assert_true(str.cut);
}

/* The reference values of splitmix64 from state 0. */
static void rng_is_splitmix64(void **state)
{
    (void)state;
    struct zap_rng rng = {0};
    assert_true(zap_rng_next(&rng) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(zap_rng_next(&rng) == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(zap_rng_next(&rng) == UINT64_C(0x06c45d188009454f));
}

/* Plan n + 1 must not be drawn from the numbers of plan n, shifted: splitmix64 states are one step
 * apart unless they are mixed. */
static void rng_streams_do_not_overlap(void **state)
{
    (void)state;
    enum { STREAMS = 16, NUMBERS = 64 };
    static uint64_t numbers[STREAMS * NUMBERS];
    for (unsigned i = 0; i < STREAMS; i++) {
        struct zap_rng rng = zap_rng_init(i / 8, i % 8);
        for (unsigned k = 0; k < NUMBERS; k++) {
            numbers[i * NUMBERS + k] = zap_rng_next(&rng);
        }
    }
    for (unsigned i = 0; i < STREAMS * NUMBERS; i++) {
        for (unsigned k = 0; k < i; k++) {
            assert_false(numbers[i] == numbers[k]);
        }
    }
}

static void rng_below_is_even(void **state)
{
    (void)state;
    enum { BOUND = 10, DRAWS = 100000 };
    unsigned count[BOUND] = {0};
    struct zap_rng rng = zap_rng_init(1, 2);
    for (unsigned i = 0; i < DRAWS; i++) {
        uint32_t value = zap_rng_below(&rng, BOUND);
        assert_in_range(value, 0, BOUND - 1);
        count[value]++;
    }
    for (unsigned i = 0; i < BOUND; i++) {
        assert_in_range(count[i], DRAWS / BOUND * 9 / 10, DRAWS / BOUND * 11 / 10);
    }
    assert_int_equal(zap_rng_below(&rng, 1), 0);
    assert_true(zap_rng_below(&rng, UINT32_MAX) < UINT32_MAX);
}

static void fail_check(void)
{
    ZAP_CHECK(1 + 1 == 3);
}

static void fail_check_cmp(void)
{
    int apples = 2;
    int pears = 3;
    ZAP_CHECK_CMP(apples, >=, pears);
}

static void hold_checks(void)
{
    ZAP_CHECK(1 + 1 == 2);
    ZAP_CHECK_CMP(3, >=, 3);
}

/* What a function says on stderr in a process of its own, and how that ends. */
static int run_apart(void (*function)(void), char *ret_said, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGILL, SIG_DFL);
        signal(SIGTRAP, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        function();
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    ssize_t got;
    while ((got = read(ends[0], ret_said + len, size - 1 - len)) > 0) {
        len += (size_t)got;
    }
    ret_said[len] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void check_traps(void **state)
{
    (void)state;
    char said[8192]; /* a sanitizer may add to it */
    int status = run_apart(fail_check, said, sizeof said);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_non_null(strstr(said, "check failed: 1 + 1 == 3\n"));
    assert_non_null(strstr(said, "test_base.c:"));
}

static void check_cmp_says_both(void **state)
{
    (void)state;
    char said[8192];
    int status = run_apart(fail_check_cmp, said, sizeof said);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_non_null(strstr(said, "check failed: apples >= pears (2 and 3)\n"));
}

static void check_holds(void **state)
{
    (void)state;
    char said[8192];
    int status = run_apart(hold_checks, said, sizeof said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str_appends),
        cmocka_unit_test(str_keeps_bytes),
        cmocka_unit_test(str_fills_exactly),
        cmocka_unit_test(str_printf_fills_exactly),
        cmocka_unit_test(str_cuts),
        cmocka_unit_test(str_of_one_byte),
        cmocka_unit_test(rng_is_splitmix64),
        cmocka_unit_test(rng_streams_do_not_overlap),
        cmocka_unit_test(rng_below_is_even),
        cmocka_unit_test(check_traps),
        cmocka_unit_test(check_cmp_says_both),
        cmocka_unit_test(check_holds),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
