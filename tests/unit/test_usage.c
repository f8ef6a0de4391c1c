/* What processes take (src/host/usage.c): of two that want one processor each stands in line while
 * the other runs, for one that could not run there is no line, and a child counts as its parent.
 */
#include "host/usage.h"

#include "host/clock.h"

#include "processor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORK_MS = 100, LARGE = 64 * 1024 * 1024 };

static int64_t cpu_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void work(void)
{
    while (cpu_ms() < WORK_MS)
        continue;
}

/* A child that dies with us. */
static pid_t start(void)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    assert_true(pid >= 0);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* A child that works once the other end of the pipe is closed, or has a child of its own do so. */
static pid_t start_work(const int gate[2], bool by_a_child)
{
    pid_t pid = start();
    if (pid != 0)
        return pid;
    char byte;
    if (by_a_child && start() != 0) {
        close(gate[1]);
        waitpid(-1, NULL, 0);
        _exit(0);
    }
    close(gate[1]);
    while (read(gate[0], &byte, 1) > 0)
        continue;
    work();
    _exit(0);
}

/* On one processor, whose line both stand in. Returns how long the first did, all in all. */
static int64_t queued_ms_of_first(bool by_a_child)
{
    int gate[2];
    cpu_set_t all;
    assert_int_equal(keep_to_one_processor(&all), 0);
    assert_int_equal(pipe(gate), 0);
    struct zap_usage usage = {.sampled_at_ms = zap_clock_ms()};
    pid_t first = start_work(gate, by_a_child), second = start_work(gate, false);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    close(gate[0]);
    close(gate[1]);

    int64_t queued_ns = 0;
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)first, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0) {
        usleep(5000);
        zap_usage_sample(&usage, first, zap_clock_ms());
        queued_ns += usage.queued_ns;
    }
    end(first);
    end(second);
    return queued_ns / 1000000;
}

static void two_want_one_processor(void **state)
{
    (void)state;
    int64_t own_ms = queued_ms_of_first(false), child_ms = queued_ms_of_first(true);
    print_message("in line: itself %d ms, its child %d ms\n", (int)own_ms, (int)child_ms);
    assert_true(own_ms > WORK_MS / 4);
    assert_true(child_ms > WORK_MS / 4);
}

static void what_cannot_run_is_in_no_line(void **state)
{
    (void)state;
    pid_t pid = start();
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    struct zap_usage usage = {.sampled_at_ms = zap_clock_ms() - 10};
    zap_usage_sample(&usage, pid, zap_clock_ms());
    usleep(20000);
    zap_usage_sample(&usage, pid, zap_clock_ms());
    assert_int_equal(usage.queued_ns, 0);
    end(pid);
}

static void no_more_than_has_gone_by(void **state)
{
    (void)state;
    pid_t pid = start();
    if (pid == 0) {
        work();
        pause();
        _exit(0);
    }
    usleep(20000);
    int64_t now_ms = zap_clock_ms();
    struct zap_usage usage = {.sampled_at_ms = now_ms};
    zap_usage_sample(&usage, pid, now_ms); /* its line in the time before is nothing to us */
    assert_int_equal(usage.queued_ns, 0);
    assert_int_equal(usage.sampled_at_ms, now_ms);
    end(pid);
}

static void the_largest_counts(void **state)
{
    (void)state;
    int told[2];
    char byte;
    assert_int_equal(pipe(told), 0);
    pid_t pid = start();
    if (pid == 0) {
        if (start() == 0) {
            char *bytes = malloc(LARGE);
            if (bytes)
                memset(bytes, 1, LARGE);
            if (write(told[1], bytes ? bytes : "", 1) == 1)
                pause();
            _exit(1);
        }
        pause();
        _exit(1);
    }
    assert_int_equal(read(told[0], &byte, 1), 1);
    struct zap_usage usage = {.sampled_at_ms = zap_clock_ms()};
    zap_usage_sample(&usage, pid, zap_clock_ms());
    assert_true(usage.resident_kib >= LARGE / 1024);
    end(pid); /* and its child by that */
    zap_usage_sample(&usage, pid, zap_clock_ms());
    assert_int_equal(usage.resident_kib, 0); /* it is gone */
    close(told[0]);
    close(told[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_want_one_processor),
        cmocka_unit_test(what_cannot_run_is_in_no_line),
        cmocka_unit_test(no_more_than_has_gone_by),
        cmocka_unit_test(the_largest_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
