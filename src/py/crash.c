/* A signal handler that writes down the stack.
 *
 * It runs in a process whose memory may be broken anywhere, perhaps with its C stack full and its
 * locks held. So it has a stack of its own, allocates nothing, writes nowhere but into that stack
 * and the shared block, and calls only what POSIX allows in a handler (open, read, sigaction,
 * alarm, kill) and the unwinder. The unwinder is not on that list, but comes close: it reads
 * tables that are mapped with the code, allocates nothing for C frames, and its first use, which
 * may load and initialise, is made at installation. It finds those tables without a lock from glibc
 * 2.35 on; before, a crash in the middle of a dlopen() could wait for ever. And what it reads of a
 * broken stack may send it anywhere.
 *
 * Therefore each fact is written as soon as it is known, and a second signal, or the alarm, ends
 * the process with what is written by then. Whatever happens here, it dies of the first signal: by
 * the default action, so that the core limits and what wait() says stay as they were.
 */
#include "py/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

enum {
    STACK_SIZE = 64 * 1024,
    LINE_MAX_LEN = 1024, /* of /proc/self/maps; a longer one is left out */
    ALARM_S = 2,         /* some hundred times what it takes */
};

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
enum { SIGNALS_COUNT = sizeof signals / sizeof signals[0] };

static struct zap_crash *block;
static volatile sig_atomic_t dying_of;
static _Alignas(16) char stack[STACK_SIZE];

ZAP_NORETURN static void die(void)
{
    int number = dying_of;
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    signal(number, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    kill(getpid(), number); /* raise() would ask the thread's descriptor, which may be broken */
    _exit(128 + number);
}

static void on_alarm(int number)
{
    (void)number;
    die();
}

static void set_alarm(void)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK};
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGALRM);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    alarm(ALARM_S);
}

/* ------------------------------------------------------------------ where code is */

/* "55d0-55e0 r-xp ..." */
static bool is_code(const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    return space && (size_t)(line + len - space) > 4 && space[3] == 'x';
}

static void add_line(const char *line, size_t len)
{
    uint32_t at = atomic_load(&block->maps_len);
    if (!is_code(line, len) || len > sizeof block->maps - at)
        return;
    memcpy(block->maps + at, line, len);
    atomic_store(&block->maps_len, at + (uint32_t)len);
}

static void write_maps(void)
{
    char line[LINE_MAX_LEN], some[2048];
    size_t len = 0;
    ssize_t got;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while ((got = read(fd, some, sizeof some)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (len < sizeof line)
                line[len] = some[i];
            len++;
            if (some[i] != '\n')
                continue;
            if (len <= sizeof line)
                add_line(line, len);
            len = 0;
        }
    }
    close(fd);
}

/* ------------------------------------------------------------------ the stack */

static void add_frame(uintptr_t pc)
{
    uint32_t count = atomic_load(&block->frames_count);
    block->frames[count] = pc;
    atomic_store(&block->frames_count, count + 1);
}

struct walk {
    bool is_outside; /* of this handler: where the signal came */
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *data)
{
    struct walk *walk = data;
    int is_exact = 0; /* not the address that a call returns to */
    uintptr_t pc = _Unwind_GetIPInfo(context, &is_exact);
    walk->is_outside = walk->is_outside || is_exact;
    if (walk->is_outside && pc > 0)
        add_frame(is_exact ? pc : pc - 1);
    return atomic_load(&block->frames_count) < ZAP_CRASH_FRAMES_MAX ? _URC_NO_REASON
                                                                    : _URC_END_OF_STACK;
}

/* A call to nowhere (of a NULL slot, say) has no code whose tables would tell the caller: take the
 * call back. at: where the signal came. */
static void write_stack(const siginfo_t *info, ucontext_t *at)
{
    bool is_fault = info->si_code > 0 && (info->si_signo == SIGSEGV || info->si_signo == SIGBUS);
    uintptr_t address = (uintptr_t)info->si_addr;
#if defined __x86_64__
    greg_t *registers = at->uc_mcontext.gregs;
    block->stack_pointer = (uint64_t)registers[REG_RSP];
    if (is_fault && (uintptr_t)registers[REG_RIP] == address) {
        add_frame(address);
        registers[REG_RIP] = *(const greg_t *)registers[REG_RSP] - 1;
        registers[REG_RSP] += (greg_t)sizeof(greg_t);
    }
#elif defined __aarch64__
    block->stack_pointer = at->uc_mcontext.sp;
    if (is_fault && at->uc_mcontext.pc == address) {
        add_frame(address);
        at->uc_mcontext.pc = at->uc_mcontext.regs[30] - 1;
    }
#else
    (void)at, (void)is_fault, (void)address;
#endif
    struct walk walk = {.is_outside = false};
    _Unwind_Backtrace(step, &walk);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    if (dying_of)
        die();
    dying_of = number;
    set_alarm();
    atomic_store(&block->signal, (uint32_t)number);
    if (info->si_code > 0) /* else somebody sent it */
        block->address = (uint64_t)(uintptr_t)info->si_addr;
    write_maps();
    write_stack(info, context);
    die();
}

static _Unwind_Reason_Code stop(struct _Unwind_Context *context, void *data)
{
    (void)context, (void)data;
    return _URC_END_OF_STACK;
}

void zap_crash_install(struct zap_crash *crash)
{
    block = crash;
    _Unwind_Backtrace(stop, NULL); /* loads it */
    const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    if (sigaltstack(&alternative, NULL) < 0)
        return;
    /* The same signal, and the others of the list, may come again: that ends it. */
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigfillset(&action.sa_mask);
    sigdelset(&action.sa_mask, SIGALRM);
    for (size_t i = 0; i < SIGNALS_COUNT; i++)
        sigdelset(&action.sa_mask, signals[i]);
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        struct sigaction old;
        if (sigaction(signals[i], NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
            old.sa_handler == SIG_DFL)
            sigaction(signals[i], &action, NULL);
    }
}
