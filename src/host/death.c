/* Tells from a dead worker's remains what happened to it.
 *
 * Three things speak: how the process ended, what it was doing (shared->phase), and the last lines
 * it wrote. CPython's fatal errors, the assertions of debug builds, sanitizers and glibc's
 * allocator all end in SIGABRT, so the line they print tells them apart; the first one by rank
 * wins, because an assertion in CPython is followed by a fatal error that says less.
 *
 * A death is HARNESS, which is ours and never a finding, where no code of a plan was running:
 * before hello, between plans, while generating or judging; where one of our own checks failed; and
 * where the signal is one that no program raises by itself (somebody or the kernel killed it).
 */
#include "host/death.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* Marks of the lines that name a cause, by rank; `from_mark`: the line counts from the mark on. */
static const struct {
    const char *mark;
    bool from_mark;
    bool is_ours;
} cause_marks[] = {
    {"check failed: ", false, true},
    {"ERROR: AddressSanitizer: ", true, false},
    {"WARNING: ThreadSanitizer: ", true, false},
    {": runtime error: ", false, false},
    {"Assertion ", false, false},
    {"Fatal Python error: ", true, false},
    {"double free", false, false},
    {"free(): ", false, false},
    {"malloc(): ", false, false},
    {"realloc(): ", false, false},
    {"munmap_chunk(): ", false, false},
    {"corrupted ", false, false},
    {"stack smashing detected", false, false},
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

/* The line of the tail that names the cause. Returns false where there is none. */
static bool find_cause(const char *tail, char *ret_line, size_t size, bool *ret_is_ours)
{
    for (size_t i = 0; i < sizeof cause_marks / sizeof cause_marks[0]; i++) {
        const char *mark = strstr(tail, cause_marks[i].mark);
        if (!mark)
            continue;
        const char *line = mark;
        while (!cause_marks[i].from_mark && line > tail && line[-1] != '\n')
            line--;
        /* Ours say who they are; another program's "check failed" is not ours. */
        if (cause_marks[i].is_ours && strncmp(line, "pyzap: ", 7) != 0)
            continue;
        copy_line(ret_line, size, line);
        *ret_is_ours = cause_marks[i].is_ours;
        return true;
    }
    return false;
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
    char cause[160] = "";
    bool is_ours = false;
    bool is_own = describe_end(facts->status, reason, death->signature, sizeof death->signature);
    bool has_cause = find_cause(facts->tail, cause, sizeof cause, &is_ours);
    if (!has_cause && (!facts->has_hello || (WIFEXITED(facts->status) && facts->status != 0)))
        find_last_line(facts->tail, cause, sizeof cause);
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
    } else if (is_ours || !is_plans_phase(facts->phase)) {
        death->verdict = ZAP_HARNESS;
    }
    if (facts->has_hello)
        zap_str_printf(reason, " in the middle of %s", zap_death_phase(facts->phase));
    if (cause[0])
        zap_str_printf(reason, ": %s", cause);
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

bool zap_death_is_same(const char *a, const char *b)
{
    while (*a && *b) {
        if (*a != *b)
            return false;
        bool is_address = a[0] == '0' && a[1] == 'x' && b[1] == 'x';
        a++, b++;
        if (is_address) {
            for (a++, b++; isxdigit((unsigned char)*a);)
                a++;
            while (isxdigit((unsigned char)*b))
                b++;
        }
    }
    return *a == *b;
}

uint32_t zap_death_key(const char *reason)
{
    uint32_t key = UINT32_C(0x811c9dc5); /* FNV-1a */
    for (const char *at = reason; *at;) {
        bool is_address = at[0] == '0' && at[1] == 'x';
        key = (key ^ (uint8_t)*at++) * UINT32_C(0x01000193);
        if (is_address) {
            for (at++; isxdigit((unsigned char)*at);)
                at++;
        }
    }
    return key;
}
