/* A worker without Python: it speaks the protocol of proto.h, and breaks it on request.
 *
 * ZAP_FAKE in the environment is a list of words, separated by commas; a word that begins with
 * "NAME/" is only for the worker whose file is called worker-NAME.
 *
 *   vanish, mute, proto, stale, half-hello, no-nul   instead of a proper hello
 *   WHAT@N       while the plan of index N is at work (COMMAND_PLAN: the Nth plan of the process):
 *                see misbehave() and bugs[]; * for every plan, N%M for one in M of them, by what
 *                they are made of, raise, keep, ... (a token of op.def) for those with a script
 *                that does that
 *   tame=N       canary N does nothing
 *   slow         a millisecond for every plan
 *   work=N       N milliseconds of a processor's time for every plan
 *   leak         a mebibyte for every plan, never given back
 *   zero         no check is ever made
 *   bad-quit     dies at COMMAND_QUIT
 *   chatty       prints a line for every plan
 *   once         dies at the first plan, if there is no file `once` here, which it makes
 */
#include "proto/proto.h"
#include "py/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct zap_shared *shared;
static const char *name;
static bool is_impossible; /* the next judgement */
static bool ops[256];      /* that the plan at work has */
static uint64_t sum;       /* of its wire bytes */

/* ------------------------------------------------------------------ words */

/* The word `wanted`, for us; a word that ends in '=' or '@' matches by its beginning, and what
 * follows it is returned. */
static const char *find_word(const char *words, const char *wanted)
{
    size_t len = strlen(wanted), name_len = strlen(name);
    while (words && *words) {
        size_t word_len = strcspn(words, ",");
        const char *word = words;
        const char *slash = memchr(words, '/', word_len);
        bool is_ours =
            !slash || ((size_t)(slash - words) == name_len && strncmp(words, name, name_len) == 0);
        if (slash)
            word = slash + 1;
        size_t rest = word_len - (size_t)(word - words);
        bool is_open = wanted[len - 1] == '=' || wanted[len - 1] == '@';
        if (is_ours && rest >= len && strncmp(word, wanted, len) == 0 && (is_open || rest == len))
            return word + len;
        words += word_len + (words[word_len] == ',');
    }
    return NULL;
}

static bool has_word(const char *wanted)
{
    return find_word(getenv("ZAP_FAKE"), wanted) != NULL;
}

/* Is there a word WHAT@index, or one that means the plan at work otherwise? */
static bool is_due(const char *what, uint64_t index)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s@", what);
    for (const char *words = getenv("ZAP_FAKE"); (words = find_word(words, wanted)) != NULL;) {
        const struct zap_op_row *op = zap_op_find(words, strcspn(words, ","));
        char *rest;
        uint64_t number = strtoull(words, &rest, 10);
        uint64_t every = *rest == '%' ? strtoull(rest + 1, NULL, 10) : 0;
        if (*words == '*' || (op ? ops[op->code] : number == (every ? sum % every : index)))
            return true;
        words += strcspn(words, ",");
    }
    return false;
}

/* ------------------------------------------------------------------ talking */

static void send_report(uint32_t kind, uint64_t index)
{
    struct zap_report report = {.kind = kind, .resident_kib = 1024, .index = index};
    if (write(ZAP_FD_REPORTS, &report, sizeof report) != sizeof report)
        _exit(1);
}

static void send_judgement(bool is_broken)
{
    struct zap_judgement judgement = {0};
    judgement.verdicts[0] = is_broken ? ZAP_BROKEN : ZAP_HELD;
    judgement.checks[0] = 1;
    judgement.any_broken = is_broken;
    if (is_impossible)
        judgement.verdicts[0] = 77;
    if (write(ZAP_FD_REPORTS, &judgement, sizeof judgement) != sizeof judgement)
        _exit(1);
}

static void say_hello(void)
{
    struct zap_build *build = &shared->trace.build;
    if (has_word("vanish")) {
        fprintf(stderr, "first line\nfake: no such library\n");
        _exit(3);
    }
    if (has_word("mute"))
        pause();
    unsigned major = 3, minor = 11, micro = 7;
    if (sscanf(name, "%u.%u.%u", &major, &minor, &micro) != 3)
        major = 3, minor = 11, micro = 7;
    build->version = major << 16 | minor << 8 | micro;
    build->nogil = strstr(name, "t-tree") != NULL;
    build->debug = strstr(name, "-debug") != NULL;
    build->level = 0xf;
    build->routes = 0xfe & ~(UINT32_C(1) << ZAP_ROUTE_RELOAD);
    snprintf(build->name, sizeof build->name, "%s", name);
    snprintf(build->banner, sizeof build->banner, "fake worker");
    if (has_word("no-nul"))
        memset(build->banner, 'x', sizeof build->banner);
    shared->proto = has_word("proto") ? ZAP_PROTO + 1 : ZAP_PROTO;
    shared->size = (uint32_t)sizeof *shared + has_word("stale");
    if (has_word("half-hello")) {
        uint32_t kind = ZAP_REPORT_HELLO;
        if (write(ZAP_FD_REPORTS, &kind, sizeof kind) != sizeof kind)
            _exit(1);
        _exit(0);
    }
    send_report(ZAP_REPORT_HELLO, 0);
}

/* ------------------------------------------------------------------ misbehaving */

static void grow(size_t bytes)
{
    volatile char *block = malloc(bytes);
    for (size_t i = 0; block && i < bytes; i += 4096)
        block[i] = 1;
}

static void work_for(long ms)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    long until_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
    while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < until_ms)
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
}

static void die(int number)
{
    signal(number, SIG_DFL);
    raise(number);
}

static void hang(void)
{
    for (;;)
        pause();
}

/* ------------------------------------------------------------------ bugs in functions of their own
 *
 * Whoever looks at the stack can tell them apart; the ways to die above are the same everywhere. */

#define NOINLINE __attribute__((noinline))

static volatile uintptr_t nowhere = 64; /* an address without memory; the compiler may not know */
static volatile int depth;

NOINLINE static void segv_one(void)
{
    *(volatile int *)nowhere = 1;
}

NOINLINE static void segv_two(void)
{
    *(volatile int *)nowhere = 2;
}

NOINLINE static void call_nowhere(void)
{
    void (*function)(void);
    uintptr_t address = nowhere;
    memcpy(&function, &address, sizeof function);
    function();
    depth++; /* no tail call: the return address is here */
}

NOINLINE static void fatal_one(void)
{
    fprintf(stderr, "Fatal Python error: object at %p, thread %d: not a bug of %d\n",
            (void *)&depth, (int)getpid(), (int)getpid());
    abort();
}

NOINLINE static void assert_one(void)
{
    fprintf(stderr, "gc.c:%d: assert_one: Assertion `refs > 0' failed.\n", (int)getpid() % 1000);
    abort();
}

/* Two functions that call each other, from the first or from the second on: one bug. */
static void descend(int turns);

NOINLINE static void dig(int turns)
{
    volatile char some[1000];
    some[0] = (char)turns;
    descend(turns + 1);
    depth += some[0];
}

NOINLINE static void descend(int turns)
{
    volatile char some[200];
    some[0] = (char)turns;
    if (turns >= 0)
        dig(turns + 1);
    depth += some[0];
}

NOINLINE static void overflow_one(void)
{
    if (getpid() % 2)
        dig(0);
    else
        descend(0);
    depth++;
}

/* The C library or a sanitizer notices. */
NOINLINE static void free_twice(void)
{
    void *block = malloc(24);
    void *volatile same = block;
    free(block);
    free(same);
    depth++;
}

/* As a sanitizer does it, and at such length that the end alone says nothing. */
NOINLINE static void report_one(void)
{
    fprintf(stderr,
            "Objects/x.c:%d:2: runtime error: load of a null pointer\n"
            "    #0 0x%x in insertdict Objects/x.c:%d:2\n\n",
            (int)getpid(), (unsigned)getpid(), (int)getpid());
    for (int i = 0; i < 2000; i++)
        fprintf(stderr, "    line %d of a map of memory that goes on and on and on\n", i);
    abort();
}

NOINLINE static void exit_one(void)
{
    fprintf(stderr, "process %d cannot go on\n", (int)getpid());
    _exit(3);
}

static const struct {
    const char *word;
    void (*function)(void);
} bugs[] = {
    {"segv-one", segv_one},         {"segv-two", segv_two},     {"call-nowhere", call_nowhere},
    {"fatal-one", fatal_one},       {"assert-one", assert_one}, {"exit-one", exit_one},
    {"overflow-one", overflow_one}, {"free-twice", free_twice}, {"report-one", report_one},
};

static void misbehave(uint64_t index)
{
    atomic_store(&shared->phase, ZAP_PHASE_ROUTE);
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        if (is_due(bugs[i].word, index))
            bugs[i].function();
    }
    if (is_due("segv", index))
        die(SIGSEGV);
    if (has_word("once") && open("once", O_CREAT | O_EXCL, 0666) >= 0)
        die(SIGSEGV);
    if (is_due("fatal", index)) {
        fprintf(stderr, "Fatal Python error: object at 0x%lx is broken\n", (unsigned long)index);
        die(SIGABRT);
    }
    if (is_due("assert", index)) {
        fprintf(stderr, "gc.c:446: visit_decref: Assertion `refs > 0' failed.\n"
                        "Fatal Python error: _PyObject_AssertFailed\n");
        die(SIGABRT);
    }
    if (is_due("exit", index))
        _exit(0);
    if (is_due("hang", index))
        hang();
    if (is_due("grow", index))
        for (;;)
            grow(1 << 20);
    if (is_due("shot", index))
        die(SIGKILL);
    if (is_due("check", index)) {
        fprintf(stderr, "pyzap: src/py/route.c:1: check failed: false\n");
        die(SIGILL);
    }
    if (is_due("damage", index)) {
        atomic_store(&shared->index, UINT64_C(0x4141414141414141));
        die(SIGSEGV);
    }
    if (is_due("scribble", index)) {
        memset(shared->trace.events, 0x41, sizeof shared->trace.events);
        shared->trace.events_count = 100;
        die(SIGSEGV);
    }
    if (is_due("garbage", index)) {
        send_report(77, index);
        hang();
    }
    if (is_due("half", index)) {
        if (write(ZAP_FD_REPORTS, "half", 4) != 4)
            _exit(1);
        hang();
    }
    if (is_due("half-dead", index)) {
        if (write(ZAP_FD_REPORTS, "half", 4) != 4)
            _exit(1);
        die(SIGSEGV);
    }
    if (is_due("close", index)) {
        close(ZAP_FD_REPORTS);
        hang();
    }
    atomic_store(&shared->phase, ZAP_PHASE_JUDGE);
    if (is_due("judge", index))
        die(SIGSEGV);
    atomic_store(&shared->phase, ZAP_PHASE_GEN);
    if (is_due("gen", index))
        hang();
}

/* ------------------------------------------------------------------ commands */

/* Returns false where the host says stop. */
static bool report_finding(uint64_t index)
{
    char answer;
    shared->trace.events[0] = (struct zap_event){.kind = ZAP_EVENT_ROUTE,
                                                 .module = ZAP_NO_MODULE,
                                                 .node = ZAP_NO_NODE,
                                                 .info = ZAP_ROUTE_DROP};
    shared->trace.events_count = 1;
    is_impossible = is_due("impossible", index);
    send_report(ZAP_REPORT_FINDING, is_due("foreign", index) ? index + 1000000 : index);
    send_judgement(true);
    return read(ZAP_FD_COMMANDS, &answer, 1) == 1 && answer == ZAP_GO_ON;
}

static void look_at(const struct zap_plan *plan)
{
    memset(ops, 0, sizeof ops);
    for (unsigned i = 0; i < plan->acts_count; i++)
        ops[plan->acts[i].op] = true;
    uint8_t wire[ZAP_WIRE_MAX];
    size_t len = zap_wire_encode(plan, wire);
    sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += wire[i];
}

/* Returns whether there is to be a next plan. */
static bool run_plan(uint64_t index)
{
    const char *word;
    atomic_store(&shared->index, index);
    shared->trace.events_count = 0;
    misbehave(index);
    if (has_word("slow"))
        usleep(1000);
    if ((word = find_word(getenv("ZAP_FAKE"), "work=")) != NULL)
        work_for(strtol(word, NULL, 10));
    if (has_word("leak"))
        grow(1 << 20);
    if (has_word("chatty"))
        printf("plan %llu says something that nobody wants to read, and at some length\n",
               (unsigned long long)index);
    atomic_store(&shared->phase, ZAP_PHASE_JUDGE);
    bool goes_on = true;
    if (is_due("finding", index) || is_due("impossible", index) || is_due("foreign", index)) {
        shared->findings++;
        shared->broken[0]++;
        shared->verdicts[ZAP_BROKEN]++;
        goes_on = report_finding(index);
    } else {
        shared->held[0]++;
        shared->verdicts[ZAP_HELD]++;
    }
    if (is_due("harness", index)) {
        shared->verdicts[ZAP_HARNESS]++;
        snprintf(shared->harness, sizeof shared->harness, "an impossible trace");
    }
    if (!has_word("zero"))
        shared->checks += 2;
    shared->shows[ZAP_FEATURE_COLLECT_IGNORES_UNDERSCORE]++;
    shared->plans++;
    return goes_on && !is_due("short", index) && !atomic_load(&shared->stop);
}

static void run(const struct zap_command *command)
{
    bool goes_on = true;
    for (uint64_t i = 0; i < command->count && goes_on; i++) {
        struct zap_plan plan;
        zap_gen_plan(&command->gen, command->from + i, &plan);
        look_at(&plan);
        goes_on = run_plan(command->from + i);
    }
    fflush(stdout);
    atomic_store(&shared->phase, ZAP_PHASE_IDLE);
    send_report(ZAP_REPORT_DONE, 0);
}

static void play(const struct zap_command *command)
{
    static uint64_t number;
    if (read(ZAP_FD_COMMANDS, shared->wire, command->wire_len) != (ssize_t)command->wire_len)
        _exit(1);
    struct zap_plan plan;
    zap_wire_decode(shared->wire, command->wire_len, &plan);
    look_at(&plan);
    misbehave(number);
    atomic_store(&shared->phase, ZAP_PHASE_IDLE);
    shared->trace.events_count = 1;
    shared->trace.events[0] = (struct zap_event){.kind = ZAP_EVENT_ROUTE,
                                                 .module = ZAP_NO_MODULE,
                                                 .node = ZAP_NO_NODE,
                                                 .info = ZAP_ROUTE_DROP};
    send_report(ZAP_REPORT_DONE, 0);
    send_judgement(is_due("finding", number));
    number++;
}

static void be_canary(uint32_t canary)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "tame=%u", (unsigned)canary);
    atomic_store(&shared->phase, ZAP_PHASE_CANARY);
    if (!has_word(wanted)) {
        switch (canary) {
        case ZAP_CANARY_SEGV:
            die(SIGSEGV);
            break;
        case ZAP_CANARY_ABORT:
            fprintf(stderr, "Fatal Python error: canary\n");
            die(SIGABRT);
            break;
        case ZAP_CANARY_EXIT:
            _exit(0);
        case ZAP_CANARY_HANG:
            hang();
            break;
        case ZAP_CANARY_MEMORY:
            for (;;)
                grow(1 << 20);
        case ZAP_CANARY_BROKEN:
            report_finding(0);
            break;
        }
    }
    atomic_store(&shared->phase, ZAP_PHASE_IDLE);
    send_report(ZAP_REPORT_DONE, 0);
}

int main(int argc, char **argv)
{
    (void)argc;
    const char *slash = strrchr(argv[0], '/');
    name = slash ? slash + 1 : argv[0];
    if (strncmp(name, "worker-", 7) == 0)
        name += 7;
    void *block = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, ZAP_FD_SHARED, 0);
    if (block == MAP_FAILED)
        return 1;
    shared = block;
    zap_crash_install(&shared->crash);
    say_hello();
    atomic_store(&shared->phase, ZAP_PHASE_IDLE);
    struct zap_command command;
    while (read(ZAP_FD_COMMANDS, &command, sizeof command) == sizeof command) {
        switch (command.kind) {
        case ZAP_COMMAND_RUN:
            run(&command);
            break;
        case ZAP_COMMAND_PLAN:
            play(&command);
            break;
        case ZAP_COMMAND_CANARY:
            be_canary(command.canary);
            break;
        case ZAP_COMMAND_QUIT:
            if (has_word("bad-quit"))
                die(SIGSEGV);
            return 0;
        }
    }
    return 0;
}
