/* Crashes of a real worker have the functions of CPython for names, static ones too, and the same
 * signature every time.
 *
 * Run once per build, with its name in ZAP_BUILD.
 */
#include "host/builds.h"
#include "host/symbols.h"
#include "host/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TIMES = 5 };

static struct zap_builds builds;
static const struct zap_builds_row *row;

static int load(void **state)
{
    (void)state;
    char why[2048];
    struct zap_str text = zap_str_init(why, sizeof why);
    const char *name = getenv("ZAP_BUILD");
    if (name == NULL || zap_builds_load(ZAP_LIBEXEC_DIR, &builds, &text) != ZAP_OK)
        return -1;
    row = zap_builds_find(&builds, name, &text);
    return row == NULL ? -1 : 0;
}

static int release(void **state)
{
    (void)state;
    zap_builds_release(&builds);
    zap_symbols_release();
    return 0;
}

static struct zap_death death_by(enum zap_canary canary)
{
    const struct zap_worker_config config = {.path = row->worker};
    struct zap_worker worker;
    struct zap_report report;
    struct zap_judgement judgement;
    assert_int_equal(zap_worker_start(&config, &worker), ZAP_OK);
    assert_int_equal(zap_worker_wait(&worker, &report, &judgement), ZAP_WORKER_HELLO);
    const struct zap_command command = {.kind = ZAP_COMMAND_CANARY, .canary = canary};
    assert_int_equal(zap_worker_send(&worker, &command, NULL), ZAP_OK);
    assert_int_equal(zap_worker_wait(&worker, &report, &judgement), ZAP_WORKER_DEATH);
    struct zap_death death = worker.death;
    zap_worker_release(&worker);
    return death;
}

static uint32_t find(const struct zap_stack *stack, const char *function)
{
    for (uint32_t i = 0; i < stack->count; i++) {
        if (strcmp(stack->frames[i].function, function) == 0)
            return i;
    }
    return ZAP_STACK_MAX;
}

static void print(const struct zap_death *death)
{
    char text[4096];
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_stack_print(&death->stack, &out);
    print_message("%s\n%s\n%s", death->signature, death->reason, text);
}

/* A bad access within a call to CPython. */
static void a_bad_access_is_in_its_function(void **state)
{
    (void)state;
    char signature[ZAP_SIGNATURE_SIZE];
    for (int i = 0; i < TIMES; i++) {
        struct zap_death death = death_by(ZAP_CANARY_SEGV);
        if (i == 0) {
            print(&death);
            memcpy(signature, death.signature, sizeof signature);
        }
        assert_string_equal(death.signature, signature);
        assert_int_equal(strncmp(death.signature, "SIGSEGV-PyObject_Repr-", 22), 0);
        assert_non_null(strstr(death.reason, "a canary: PyObject_Repr"));
        uint32_t at = find(&death.stack, "PyObject_Repr");
        assert_int_equal(at, 0);
        assert_int_equal(death.stack.frames[0].whose, ZAP_STACK_CPYTHON);
        uint32_t main_at = find(&death.stack, "main");
        assert_true(main_at < ZAP_STACK_MAX);
        for (uint32_t j = at + 1; j <= main_at; j++) /* src/py/canary.c and src/py/main.c */
            assert_int_equal(death.stack.frames[j].whose, ZAP_STACK_OURS);
        assert_false(death.stack.is_overflow);
    }
}

/* A fatal error is its caller's, and here that is us. */
static void a_fatal_error_is_not_its_messengers(void **state)
{
    (void)state;
    char signature[ZAP_SIGNATURE_SIZE];
    for (int i = 0; i < TIMES; i++) {
        struct zap_death death = death_by(ZAP_CANARY_ABORT);
        if (i == 0) {
            print(&death);
            memcpy(signature, death.signature, sizeof signature);
        }
        assert_string_equal(death.signature, signature);
        assert_int_equal(strncmp(death.signature, "SIGABRT-", 8), 0);
        assert_int_equal(strlen(death.signature), 8 + 8);
        uint32_t ours = 0;
        while (ours < death.stack.count && death.stack.frames[ours].whose == ZAP_STACK_SYSTEM)
            ours++;
        assert_true(ours > 0 && ours < death.stack.count);
        assert_int_equal(death.stack.frames[ours].whose, ZAP_STACK_OURS);
        for (uint32_t j = 0; j < death.stack.count; j++)
            assert_int_not_equal(death.stack.frames[j].whose, ZAP_STACK_CPYTHON);
    }
}

static void an_exit_has_no_stack(void **state)
{
    (void)state;
    struct zap_death death = death_by(ZAP_CANARY_EXIT);
    assert_string_equal(death.signature, "exit-0");
    assert_int_equal(death.stack.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_access_is_in_its_function),
        cmocka_unit_test(a_fatal_error_is_not_its_messengers),
        cmocka_unit_test(an_exit_has_no_stack),
    };
    return cmocka_run_group_tests_name("signatures", tests, load, release);
}
