/* Plans that may overflow the C stack, tried out in a child process.
 *
 * Whether a lookup that recurses without end is ever made depends on what scripts do to the
 * namespaces first, and on every lookup that the interpreter makes by itself. Nothing but a run
 * tells. So a plan that could (oracle/known.c) is run by a fork of this process, and this process
 * then skips it, or runs it like any other. Suspects are few, and a fork costs no more than some
 * dozen plans.
 *
 * A stack overflow is a fault at an address where the stack would have grown to: that, and nothing
 * else that kills the child, is what the parent is told. The handler has a stack of its own.
 */
#include "py/trial.h"

#include "py/fork.h"
#include "py/run.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_SURVIVED = 0, EXIT_OVERFLOWED = 76 };

/* A stack of a quarter of the usual size is enough for all that ends: 1000 calls of Python code,
 * each with a deallocation inside it. The less there is, the sooner a trial is over. */
enum { MIB = 1024 * 1024, STACK_LIMIT = 2 * MIB, HANDLER_STACK = 64 * 1024 };

static uintptr_t stack_top; /* an address in the stack when the trial began */
static char handler_stack[HANDLER_STACK];

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    uintptr_t address = (uintptr_t)info->si_addr;
    if (address < stack_top - MIB && stack_top - address < STACK_LIMIT + MIB)
        _exit(EXIT_OVERFLOWED);
    signal(number, SIG_DFL); /* the fault is met again, and kills */
}

static void watch_stack(void)
{
    struct rlimit limit = {.rlim_max = RLIM_INFINITY};
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = STACK_LIMIT;
    setrlimit(RLIMIT_STACK, &limit);
    stack_top = (uintptr_t)&limit;
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

/* In the child. */
ZAP_NORETURN static void try_out(const struct zap_plan *plan, uint32_t flags)
{
    static struct zap_judgement judgement;
    zap_fork_be_quiet();
    watch_stack();
    zap_run_plan(plan, flags | ZAP_RUN_FORKED, &judgement);
    _exit(EXIT_SURVIVED);
}

bool zap_trial_overflows(const struct zap_plan *plan, uint32_t flags)
{
    pid_t child = zap_fork(); /* if it hangs, this process is killed for it */
    if (child == 0)
        try_out(plan, flags);
    if (child < 0)
        return false;
    int status = zap_fork_wait(child);
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OVERFLOWED;
}
