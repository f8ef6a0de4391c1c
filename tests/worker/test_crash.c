/* What a dying process says of itself (src/py/crash.c), and the names that the host finds for it
 * (src/host/symbols.c): processes that crash on purpose, in functions of this file. */
#include "host/symbols.h"
#include "py/crash.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include <cmocka.h>

#define NOINLINE __attribute__((noinline))

static struct zap_crash *block; /* shared with the children */
static volatile uintptr_t nowhere = 64;
static volatile int depth;

static int map_block(void **state)
{
    (void)state;
    block = mmap(NULL, sizeof *block, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? -1 : 0;
}

static int unmap_block(void **state)
{
    (void)state;
    zap_symbols_release();
    return munmap(block, sizeof *block);
}

/* How a process ends that does this. */
NOINLINE static int status_of(void (*crash)(void), bool is_installed)
{
    int status;
    memset(block, 0, sizeof *block);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
        if (!freopen("/dev/null", "w", stderr)) /* for sanitizers that say something */
            _exit(1);
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            signal(numbers[i], SIG_DFL); /* cmocka's and sanitizers' are gone */
        if (is_installed)
            zap_crash_install(block);
        crash();
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static struct zap_stack stack_after(void (*crash)(void), int number)
{
    struct zap_stack stack;
    int status = status_of(crash, true);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
    assert_int_equal(block->signal, number);
    zap_symbols_stack(block, &stack);
    return stack;
}

/* The frame of a function of this file, or ZAP_STACK_MAX. */
static uint32_t find(const struct zap_stack *stack, const char *function)
{
    for (uint32_t i = 0; i < stack->count; i++) {
        if (strcmp(stack->frames[i].function, function) == 0)
            return i;
    }
    return ZAP_STACK_MAX;
}

/* ------------------------------------------------------------------ crashes */

NOINLINE static void touch_nowhere(void)
{
    *(volatile int *)nowhere = 1;
}

NOINLINE static void touch(void)
{
    touch_nowhere();
    depth++;
}

NOINLINE static void call_nowhere(void)
{
    void (*function)(void);
    uintptr_t address = nowhere;
    memcpy(&function, &address, sizeof function);
    function();
    depth++;
}

NOINLINE static void give_up(void)
{
    abort();
}

NOINLINE static void fall(int turns)
{
    volatile char some[500];
    some[0] = (char)turns;
    if (turns >= 0)
        fall(turns + 1);
    depth += some[0];
}

NOINLINE static void overflow(void)
{
    fall(0);
    depth++;
}

static void names_are_found(void **state)
{
    (void)state;
    struct zap_stack stack = stack_after(touch, SIGSEGV);
    assert_int_equal(block->address, nowhere);
    assert_string_equal(stack.frames[0].function, "touch_nowhere");
    assert_string_equal(stack.frames[1].function, "touch");
    assert_string_equal(stack.frames[2].function, "status_of");
    assert_int_equal(strncmp(stack.frames[0].file, "tests/worker/test_crash.c:", 26), 0);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(stack.frames[i].whose, ZAP_STACK_OURS);
    assert_int_equal(stack.frames[stack.count - 1].whose, ZAP_STACK_SYSTEM); /* _start */
    assert_false(stack.is_overflow);
}

static void a_call_to_nowhere_has_a_caller(void **state)
{
    (void)state;
    struct zap_stack stack = stack_after(call_nowhere, SIGSEGV);
    assert_string_equal(stack.frames[0].function, "");
    assert_string_equal(stack.frames[0].file, "");
    assert_int_equal(stack.frames[0].whose, ZAP_STACK_UNKNOWN);
    assert_string_equal(stack.frames[1].function, "call_nowhere");
    assert_string_equal(stack.frames[2].function, "status_of");
}

static void an_abort_is_in_the_c_library(void **state)
{
    (void)state;
    struct zap_stack stack = stack_after(give_up, SIGABRT);
    uint32_t at = find(&stack, "give_up");
    assert_in_range(at, 1, 10);
    for (uint32_t i = 0; i < at; i++)
        assert_int_equal(stack.frames[i].whose, ZAP_STACK_SYSTEM);
    assert_int_equal(block->address, 0);
}

static void an_overflow_is_seen(void **state)
{
    (void)state;
    struct zap_stack stack = stack_after(overflow, SIGSEGV);
    assert_true(stack.is_overflow);
    assert_int_equal(stack.count, 1);
    assert_string_equal(stack.frames[0].function, "fall");
}

/* ------------------------------------------------------------------ ends */

static volatile int to_raise;

static void raise_it(void)
{
    raise(to_raise);
}

static void it_dies_of_the_same_signal(void **state)
{
    (void)state;
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        to_raise = numbers[i];
        struct zap_stack stack = stack_after(raise_it, numbers[i]);
        assert_true(find(&stack, "status_of") < ZAP_STACK_MAX);
        /* ... and of the same with a core dump, or without, as ever */
        assert_int_equal(WCOREDUMP(status_of(raise_it, true)),
                         WCOREDUMP(status_of(raise_it, false)));
    }
    to_raise = SIGTERM; /* not of the list */
    assert_int_equal(WTERMSIG(status_of(raise_it, true)), SIGTERM);
    assert_int_equal(block->signal, 0);
}

/* The handler itself fails, at its first write. */
static void raise_without_block(void)
{
    mprotect(block, sizeof *block, PROT_READ);
    raise(SIGFPE);
}

/* ... and in the unwinder, which follows a stack that leads nowhere: what it saw before is there.
 */
NOINLINE static void break_stack(void)
{
#if defined __x86_64__
    __asm__ volatile("mov %0, %%rsp\n\tud2" : : "r"(nowhere) : "memory");
#else
    __builtin_trap();
#endif
}

static void a_second_fault_ends_it(void **state)
{
    (void)state;
    assert_int_equal(WTERMSIG(status_of(raise_without_block, true)), SIGFPE);
    assert_int_equal(block->signal, 0);
    struct zap_stack stack = stack_after(break_stack, SIGILL);
    assert_string_equal(stack.frames[0].function, "break_stack");
}

/* An unwinder that never comes back: this program's own, in front of the compiler's. */
static volatile bool is_endless;

_Unwind_Reason_Code _Unwind_Backtrace(_Unwind_Trace_Fn step, void *data)
{
    while (is_endless)
        pause();
    _Unwind_Reason_Code (*next)(_Unwind_Trace_Fn, void *);
    void *symbol = dlsym(RTLD_NEXT, "_Unwind_Backtrace");
    memcpy(&next, &symbol, sizeof next);
    return next(step, data);
}

static void touch_endlessly(void)
{
    is_endless = true;
    touch();
}

static void the_alarm_ends_it(void **state)
{
    (void)state;
    struct zap_stack stack = stack_after(touch_endlessly, SIGSEGV);
    assert_int_equal(stack.count, 0);
    assert_int_equal(block->address, nowhere);
    assert_true(block->maps_len > 0);
}

/* A handler that is there already is somebody's. */
static void on_fpe(int number)
{
    (void)number;
    _exit(7);
}

static void install_late(void)
{
    signal(SIGFPE, on_fpe);
    zap_crash_install(block);
    raise(SIGFPE);
}

static void other_handlers_stay(void **state)
{
    (void)state;
    int status = status_of(install_late, false);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(block->signal, 0);
}

/* Children die as loudly. */
NOINLINE static void fork_and_touch(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        touch();
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
        _exit(1);
    _exit(0);
}

static void children_tell_too(void **state)
{
    (void)state;
    struct zap_stack stack;
    assert_int_equal(status_of(fork_and_touch, true), 0);
    assert_int_equal(block->signal, SIGSEGV);
    zap_symbols_stack(block, &stack);
    assert_string_equal(stack.frames[0].function, "touch_nowhere");
    assert_true(find(&stack, "fork_and_touch") < ZAP_STACK_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(a_call_to_nowhere_has_a_caller),
        cmocka_unit_test(an_abort_is_in_the_c_library),
        cmocka_unit_test(an_overflow_is_seen),
        cmocka_unit_test(it_dies_of_the_same_signal),
        cmocka_unit_test(a_second_fault_ends_it),
        cmocka_unit_test(the_alarm_ends_it),
        cmocka_unit_test(other_handlers_stay),
        cmocka_unit_test(children_tell_too),
    };
    return cmocka_run_group_tests(tests, map_block, unmap_block);
}
