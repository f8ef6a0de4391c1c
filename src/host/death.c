/* Tells from a dead worker's remains what happened to it.
 *
 * Four things speak: how the process ended, what it was doing (shared->phase), the last lines it
 * wrote, and where the signal came. CPython's fatal errors, the assertions of debug builds,
 * sanitizers and glibc's allocator all end in SIGABRT, so the line they print tells them apart; the
 * first one by rank wins, because an assertion in CPython is followed by a fatal error that says
 * less. Of several lines of one rank the last counts: others may be of plans that lived.
 *
 * A crash is told from another by its signature: the signal, the function of CPython that it
 * happened in, and a hash of what names the cause: the line, but for addresses and numbers in it,
 * and the topmost functions. What the plan was doing does not count.
 *
 * A death is HARNESS, which is ours and never a finding, where no code of a plan was running:
 * before hello, between plans, while generating or judging; where one of our own checks failed; and
 * where the signal is one that no program raises by itself (somebody or the kernel killed it).
 */
#include "host/death.h"

#include "base/hash.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* Marks of the lines that name a cause, by rank; `from_mark`: the line counts from the mark on. */
static const struct {
    const char *mark;
    bool from_mark;
    enum speaker { SAYS_CPYTHON, SAYS_LIBC, SAYS_SANITIZER, SAYS_PYZAP } speaker;
} cause_marks[] = {
    {"check failed: ", false, SAYS_PYZAP},
    {"ERROR: AddressSanitizer: ", true, SAYS_SANITIZER},
    {"WARNING: ThreadSanitizer: ", true, SAYS_SANITIZER},
    {": runtime error: ", false, SAYS_SANITIZER},
    {"Assertion ", false, SAYS_CPYTHON},
    {"Fatal Python error: ", true, SAYS_CPYTHON},
    {"double free", false, SAYS_LIBC},
    {"free(): ", false, SAYS_LIBC},
    {"malloc(): ", false, SAYS_LIBC},
    {"realloc(): ", false, SAYS_LIBC},
    {"munmap_chunk(): ", false, SAYS_LIBC},
    {"corrupted ", false, SAYS_LIBC},
    {"stack smashing detected", false, SAYS_LIBC},
};

static const struct {
    int number;
    const char *name;
    bool is_outside; /* nothing a process does makes this happen to itself */
} signal_names[] = {
    {SIGSEGV, "SIGSEGV", false}, {SIGABRT, "SIGABRT", false}, {SIGBUS, "SIGBUS", false},
    {SIGFPE, "SIGFPE", false},   {SIGILL, "SIGILL", false},   {SIGTRAP, "SIGTRAP", false},
    {SIGSYS, "SIGSYS", false},   {SIGXFSZ, "SIGXFSZ", false}, {SIGPIPE, "SIGPIPE", false},
    {SIGKILL, "SIGKILL", true},  {SIGTERM, "SIGTERM", true},  {SIGINT, "SIGINT", true},
    {SIGHUP, "SIGHUP", true},    {SIGQUIT, "SIGQUIT", true},  {SIGXCPU, "SIGXCPU", true},
};

static const char endless_mark[] = "pyzap: endless-";

const char *zap_death_phase(uint32_t phase)
{
    switch (phase) {
    case ZAP_PHASE_START:
        return "the start of the interpreter";
    case ZAP_PHASE_IDLE:
        return "waiting for a command";
    case ZAP_PHASE_GEN:
        return "generating a plan";
    case ZAP_PHASE_BUILD:
        return "building the modules";
    case ZAP_PHASE_ROUTE:
        return "the route";
    case ZAP_PHASE_JUDGE:
        return "judging the trace";
    case ZAP_PHASE_CLEAN:
        return "cleaning up after the route";
    case ZAP_PHASE_CANARY:
        return "a canary";
    }
    return "an unknown phase (damaged memory)";
}

static bool is_plans_phase(uint32_t phase)
{
    switch (phase) {
    case ZAP_PHASE_START:
    case ZAP_PHASE_IDLE:
    case ZAP_PHASE_GEN:
    case ZAP_PHASE_JUDGE:
        return false;
    }
    return true;
}

/* Copy at most `len` bytes up to the end of the line, unprintable ones as '?'. */
static void copy_line(char *to, size_t size, const char *line)
{
    size_t n = 0;
    while (n + 1 < size && line[n] && line[n] != '\n') {
        to[n] = isprint((unsigned char)line[n]) ? line[n] : '?';
        n++;
    }
    to[n] = '\0';
}

/* The same for a line that may name files: of their paths the last part, so that it is the same on
 * every machine. */
static void copy_line_tidy(char *to, size_t size, const char *line)
{
    size_t n = 0;
    for (size_t i = 0; n + 1 < size && line[i] && line[i] != '\n'; i++) {
        bool is_start = i == 0 || isspace((unsigned char)line[i - 1]);
        if (is_start && (line[i] == '/' || strncmp(&line[i], "./", 2) == 0 ||
                         strncmp(&line[i], "../", 3) == 0)) {
            size_t end = i + strcspn(&line[i], ": \t\n");
            while (end > i && line[end - 1] != '/')
                end--;
            i = end;
            if (!line[i] || line[i] == '\n')
                break;
        }
        to[n] = isprint((unsigned char)line[i]) ? line[i] : '?';
        n++;
    }
    to[n] = '\0';
}

struct cause {
    char line[160]; /* "": nothing names one */
    enum speaker speaker;
    const char *at; /* in the tail: where the line is; NULL for "" */
};

static const char *find_last(const char *text, const char *mark)
{
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, mark)) != NULL; at++)
        last = at;
    return last;
}

/* The line of the tail that names the cause. What sanitizers find ends in abort() or exit(): before
 * another signal, their line is an old one, of what did no harm. */
static void find_cause(const char *tail, int status, struct cause *ret_cause)
{
    bool is_fault = WIFSIGNALED(status) && WTERMSIG(status) != SIGABRT;
    for (size_t i = 0; i < sizeof cause_marks / sizeof cause_marks[0]; i++) {
        const char *mark = find_last(tail, cause_marks[i].mark);
        if (!mark || (is_fault && cause_marks[i].speaker == SAYS_SANITIZER))
            continue;
        const char *line = mark;
        while (!cause_marks[i].from_mark && line > tail && line[-1] != '\n')
            line--;
        /* Ours say who they are; another program's "check failed" is not ours. */
        if (cause_marks[i].speaker == SAYS_PYZAP && strncmp(line, "pyzap: ", 7) != 0)
            continue;
        copy_line_tidy(ret_cause->line, sizeof ret_cause->line, line);
        ret_cause->speaker = cause_marks[i].speaker;
        ret_cause->at = line;
        return;
    }
}

/* The last line that is not empty; "" where there is none. */
static void find_last_line(const char *tail, char *ret_line, size_t size)
{
    const char *last = "";
    for (const char *line = tail; *line;) {
        size_t len = strcspn(line, "\n");
        if (strspn(line, " \t\r") < len)
            last = line;
        line += len + (line[len] == '\n');
    }
    copy_line(ret_line, size, last);
}

static void copy_tail(struct zap_death *death, const char *tail)
{
    size_t len = strlen(tail);
    if (len >= sizeof death->tail)
        tail += len - (sizeof death->tail - 1);
    size_t n = 0;
    for (; tail[n]; n++)
        death->tail[n] =
            isprint((unsigned char)tail[n]) || tail[n] == '\n' || tail[n] == '\t' ? tail[n] : '?';
    death->tail[n] = '\0';
}

/* "exited with status 3", "SIGSEGV". Returns whether a process can do that to itself. */
static bool describe_end(int status, struct zap_str *out, char *signature, size_t size)
{
    if (WIFEXITED(status)) {
        zap_str_printf(out, "exited with status %d", WEXITSTATUS(status));
        snprintf(signature, size, "exit-%d", WEXITSTATUS(status));
        return true;
    }
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    for (size_t i = 0; i < sizeof signal_names / sizeof signal_names[0]; i++) {
        if (signal_names[i].number == number) {
            zap_str_add(out, signal_names[i].name);
            snprintf(signature, size, "%s", signal_names[i].name);
            return !signal_names[i].is_outside;
        }
    }
    zap_str_printf(out, "signal %d", number);
    snprintf(signature, size, "signal-%d", number);
    return true;
}

/* ------------------------------------------------------------------ signatures */

/* A line without what differs from run to run: addresses, and numbers that are not part of a name
 * (of lines, processes and threads; what is left of a counter). */
static void add_without_numbers(const char *line, struct zap_str *out)
{
    for (const char *at = line; *at;) {
        bool is_start = at == line || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        if (is_start && isdigit((unsigned char)at[0])) {
            bool is_hex = at[0] == '0' && at[1] == 'x';
            for (at += is_hex ? 2 : 1;
                 is_hex ? isxdigit((unsigned char)*at) : isdigit((unsigned char)*at);)
                at++;
            zap_str_add(out, "#");
            continue;
        }
        zap_str_add_bytes(out, at++, 1);
    }
}

/* The functions that may be to blame: CPython's topmost ones; where there are none, the one that is
 * topmost but for the system's, by its place where it has no name. (Not more of them: ours call
 * each other in one way in `pyzap check` and in another in `pyzap replay`.) */
static void add_culprits(const struct zap_stack *stack, struct zap_str *out)
{
    size_t before = out->len;
    zap_stack_top(stack, out);
    for (uint32_t i = 0; i < stack->count && out->len == before; i++) {
        const struct zap_stack_frame *frame = &stack->frames[i];
        if (frame->whose != ZAP_STACK_SYSTEM)
            zap_str_add(out, frame->function[0] ? frame->function : frame->file);
    }
}

/* What of it fits a file's name. */
static void add_function(const char *function, struct zap_str *out)
{
    enum { LEN_MAX = 48 };
    for (size_t i = 0; function[i] && i < LEN_MAX; i++) {
        bool is_fit = isalnum((unsigned char)function[i]) || function[i] == '_';
        zap_str_add_bytes(out, is_fit ? &function[i] : "_", 1);
    }
}

/* end: how it ended: "SIGSEGV" */
static void write_signature(const char *end, const struct cause *cause,
                            const struct zap_stack *stack, struct zap_str *out)
{
    char text[512];
    struct zap_str all = zap_str_init(text, sizeof text);
    zap_str_add(out, end);
    zap_str_printf(&all, "%s\n", end);
    size_t nothing = all.len;
    /* How libc's allocator words it depends on what the heap was like. */
    add_without_numbers(cause->speaker == SAYS_LIBC ? "libc" : cause->line, &all);
    add_culprits(stack, &all);
    if (stack->is_overflow)
        zap_str_add(&all, "\noverflow");
    if (all.len == nothing)
        return;
    for (uint32_t i = 0; i < stack->count; i++) {
        if (stack->frames[i].whose == ZAP_STACK_CPYTHON && stack->frames[i].function[0]) {
            zap_str_add(out, "-");
            add_function(stack->frames[i].function, out);
            break;
        }
    }
    zap_str_printf(out, "-%08" PRIx32, (uint32_t)zap_hash_mix(zap_hash_bytes(all.data, all.len)));
}

/* ------------------------------------------------------------------ reasons */

/* ": Fatal Python error: ...: insertdict < PyDict_SetItem"; of a long line the beginning. What the
 * signature is of stands in the reason. */
static void add_cause(const struct cause *cause, const struct zap_stack *stack, struct zap_str *out)
{
    char text[200];
    struct zap_str top = zap_str_init(text, sizeof text);
    add_culprits(stack, &top);
    const char *line = cause->line[0] || !stack->is_overflow ? cause->line : "the C stack is full";
    size_t left = out->size - out->len - 1 - (top.len ? top.len + 2 : 0);
    if (line[0] && left > 2)
        zap_str_printf(out, ": %.*s", (int)left - 2, line);
    if (top.len)
        zap_str_printf(out, ": %s", top.data);
}

/* A sanitizer's report knows the place of the bad access; the signal came later. */
static void take_stack(const struct zap_death_facts *facts, const struct cause *cause,
                       struct zap_stack *ret_stack)
{
    bool is_reported =
        cause->at && cause->speaker == SAYS_SANITIZER && zap_stack_parse(cause->at, ret_stack);
    if (!is_reported && facts->stack)
        *ret_stack = *facts->stack;
}

/* It found out that its plan has no end, and said so. */
static bool is_endless(const struct zap_death_facts *facts)
{
    return facts->has_hello && is_plans_phase(facts->phase) && WIFEXITED(facts->status) &&
           WEXITSTATUS(facts->status) == ZAP_EXIT_ENDLESS && strstr(facts->tail, endless_mark);
}

/* "endless-WHAT: ...": that word is the signature. */
static void classify_endless(const struct zap_death_facts *facts, struct zap_death *death,
                             struct zap_str *reason)
{
    char line[160];
    copy_line(line, sizeof line, strstr(facts->tail, endless_mark) + strlen("pyzap: "));
    zap_str_add(reason, line);
    death->verdict = ZAP_TIMED_OUT;
    snprintf(death->signature, sizeof death->signature, "%.*s", (int)strcspn(line, ": /"), line);
}

/* It ended by itself, or from outside. */
static void classify_end(const struct zap_death_facts *facts, struct zap_death *death,
                         struct zap_str *reason)
{
    struct cause cause = {.line = ""};
    char end[ZAP_SIGNATURE_SIZE];
    bool is_own = describe_end(facts->status, reason, end, sizeof end);
    find_cause(facts->tail, facts->status, &cause);
    if (!cause.at && (!facts->has_hello || (WIFEXITED(facts->status) && facts->status != 0)))
        find_last_line(facts->tail, cause.line, sizeof cause.line);
    take_stack(facts, &cause, &death->stack);
    death->verdict = ZAP_CRASHED;
    if (!facts->has_hello) {
        death->verdict = ZAP_HARNESS;
        zap_str_add(reason, " before its hello");
    } else if (!is_own) {
        death->verdict = ZAP_HARNESS;
        zap_str_add(reason, facts->killed == ZAP_KILLED_NOT && WIFSIGNALED(facts->status) &&
                                    WTERMSIG(facts->status) == SIGKILL
                                ? " from outside (is the machine out of memory?)"
                                : " from outside");
    } else if ((cause.at && cause.speaker == SAYS_PYZAP) || !is_plans_phase(facts->phase)) {
        death->verdict = ZAP_HARNESS;
    }
    if (facts->has_hello)
        zap_str_printf(reason, " in the middle of %s", zap_death_phase(facts->phase));
    add_cause(&cause, &death->stack, reason);
    struct zap_str signature = zap_str_init(death->signature, sizeof death->signature);
    if (death->verdict == ZAP_CRASHED)
        write_signature(end, &cause, &death->stack, &signature);
    else
        zap_str_add(&signature, end);
}

void zap_death_classify(const struct zap_death_facts *facts, struct zap_death *ret_death)
{
    memset(ret_death, 0, sizeof *ret_death);
    ret_death->phase = facts->phase;
    copy_tail(ret_death, facts->tail);
    struct zap_str reason = zap_str_init(ret_death->reason, sizeof ret_death->reason);
    bool is_plans = facts->has_hello && is_plans_phase(facts->phase);
    const char *signature = "harness";
    switch (facts->killed) {
    case ZAP_KILLED_NOT:
        if (is_endless(facts))
            classify_endless(facts, ret_death, &reason);
        else
            classify_end(facts, ret_death, &reason);
        return;
    case ZAP_KILLED_STOP:
        ret_death->verdict = ZAP_VOID;
        signature = "stopped";
        zap_str_add(&reason, "stopped");
        break;
    case ZAP_KILLED_DEADLINE:
        ret_death->verdict = is_plans ? ZAP_TIMED_OUT : ZAP_HARNESS;
        signature = "timeout";
        if (facts->has_hello)
            zap_str_printf(&reason, "no progress for %s in %s", facts->detail,
                           zap_death_phase(facts->phase));
        else
            zap_str_printf(&reason, "no hello for %s", facts->detail);
        break;
    case ZAP_KILLED_MEMORY:
        ret_death->verdict = is_plans ? ZAP_EXHAUSTED : ZAP_HARNESS;
        signature = "memory";
        zap_str_printf(&reason, "memory over its limit (%s) in %s", facts->detail,
                       zap_death_phase(facts->phase));
        break;
    case ZAP_KILLED_LEAK:
        ret_death->verdict = ZAP_HARNESS;
        zap_str_printf(&reason, "memory grew over its limit little by little (%s): a leak",
                       facts->detail);
        break;
    case ZAP_KILLED_GARBAGE:
        ret_death->verdict = ZAP_HARNESS;
        zap_str_printf(&reason, "broke the protocol: %s", facts->detail);
        break;
    }
    snprintf(ret_death->signature, sizeof ret_death->signature, "%s", signature);
}
