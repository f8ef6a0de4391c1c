/* Worker processes, seen from outside.
 *
 * A worker is a child in a process group of its own (so that Ctrl-C reaches only the host), with
 * the shared block and the two pipes of proto.h, /dev/null as its input, and its stdout and stderr
 * caught in a memfd, which the host keeps short while the worker lives. It can do anything at any
 * time, because the code it runs is there to be broken: die, hang, grow, write into the shared
 * block, send half a report. So nothing it says is believed unchecked, no read or write here can
 * block on it, and what it does instead of speaking always ends in a classified death: a closed
 * pipe, an exit, no progress until the deadline, too much memory, or a report that no worker sends.
 *
 * Progress is any change of (index, plans, phase, events recorded); the host's own pauses do not
 * count against a worker, because reports are read before the deadline is looked at, nor does time
 * in which no processor was free for it (usage.h).
 */
#include "host/worker.h"

#include "base/check.h"
#include "host/clock.h"
#include "host/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SAMPLE_MS = 100,      /* between two looks at the memory of a worker that runs plans */
    CANARY_SAMPLE_MS = 5, /* ... of one that misbehaves on purpose, and fast */
    DYING_MS = 1000,      /* from the end of its pipe to the end of a worker */
    NAP_MIN_US = 20,      /* between two looks whether it has ended: most do at once */
    NAP_MAX_US = 500,
    ERRORS_MAX = 256 * 1024,     /* of caught output; then it is thrown away, or not looked at */
    FILE_MAX = 64 * 1024 * 1024, /* what a worker may write in one go, between two looks */
    FIRST_FREE_FD = 10,          /* above the numbers that the worker's own descriptors get */
};

/* ------------------------------------------------------------------ start */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The same descriptor under a number that no worker's descriptor has. -1 with errno. */
static int move_fd_up(int fd)
{
    int up = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    int error = errno;
    close(fd);
    errno = error;
    return up;
}

static int make_memfd(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    return fd < 0 ? -1 : move_fd_up(fd);
}

static bool make_pipe(int ret_fds[2])
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return false;
    ret_fds[0] = move_fd_up(fds[0]);
    ret_fds[1] = move_fd_up(fds[1]);
    return ret_fds[0] >= 0 && ret_fds[1] >= 0;
}

/* A soft limit, where the hard one allows it. (glibc's type: clang minds an int.) */
static void set_limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) == 0 &&
        (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= value)) {
        limit.rlim_cur = value;
        setrlimit(resource, &limit);
    }
}

/* In the child. Only what is safe between vfork and exec: it has the host's memory for its own. */
ZAP_NORETURN static void exec_worker(const char *path, pid_t host, int shared, int commands,
                                     int reports, int errors)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != host)
        _exit(127);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(errors, 1);
    dup2(errors, 2);
    dup2(shared, ZAP_FD_SHARED);
    dup2(commands, ZAP_FD_COMMANDS);
    dup2(reports, ZAP_FD_REPORTS);
    if (null > ZAP_FD_REPORTS)
        close(null);
    set_limit(RLIMIT_CORE, 0); /* a thousand crashes would fill the disk */
    set_limit(RLIMIT_FSIZE, FILE_MAX);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    execl(path, path, (char *)NULL);
    dprintf(2, "cannot start %s: %s\n", path, strerror(errno));
    _exit(127);
}

/* Sanitizers in a worker have to die in a way that we see, and to let us see the canaries. */
static void set_sanitizer_defaults(void)
{
    setenv("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=0", 0);
    setenv("UBSAN_OPTIONS", "halt_on_error=1:abort_on_error=1:print_stacktrace=1", 0);
}

static bool set_nonblocking(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static bool prepare(struct zap_worker *worker, int *shared, int commands[2], int reports[2])
{
    *shared = make_memfd("pyzap-shared");
    if (*shared < 0 || ftruncate(*shared, sizeof(struct zap_shared)) < 0)
        return false;
    void *block =
        mmap(NULL, sizeof(struct zap_shared), PROT_READ | PROT_WRITE, MAP_SHARED, *shared, 0);
    if (block == MAP_FAILED)
        return false;
    worker->shared = block;
    worker->errors = make_memfd("pyzap-stderr");
    if (worker->errors < 0 || fcntl(worker->errors, F_SETFL, O_APPEND) < 0)
        return false;
    return make_pipe(commands) && make_pipe(reports) && set_nonblocking(commands[1]) &&
           set_nonblocking(reports[0]);
}

enum zap_status zap_worker_start(const struct zap_worker_config *config,
                                 struct zap_worker *ret_worker)
{
    struct zap_worker *worker = ret_worker;
    memset(worker, 0, sizeof *worker);
    worker->config = *config;
    if (worker->config.deadline_ms == 0)
        worker->config.deadline_ms = ZAP_WORKER_DEADLINE_MS;
    if (worker->config.hello_ms == 0)
        worker->config.hello_ms = ZAP_WORKER_HELLO_MS;
    if (worker->config.memory_kib == 0)
        worker->config.memory_kib = ZAP_WORKER_MEMORY_KIB;
    worker->commands = worker->reports = worker->errors = -1;

    set_sanitizer_defaults();
    int shared = -1, commands[2] = {-1, -1}, reports[2] = {-1, -1};
    bool is_started = prepare(worker, &shared, commands, reports);
    if (is_started) {
        pid_t host = getpid();
        pid_t pid = vfork(); /* fork() would copy tables of all the memory that symbols take */
        if (pid == 0)
            exec_worker(config->path, host, shared, commands[0], reports[1], worker->errors);
        is_started = pid > 0;
        if (is_started) {
            setpgid(pid, pid); /* the child does it too: whoever comes first */
            worker->pid = pid;
        }
    }
    int error = errno;
    worker->commands = commands[1];
    worker->reports = reports[0];
    close_fd(&shared);
    close_fd(&commands[0]);
    close_fd(&reports[1]);
    worker->progress_at_ms = worker->usage.sampled_at_ms = zap_clock_ms();
    if (is_started)
        return ZAP_OK;
    zap_worker_release(worker);
    errno = error;
    return ZAP_E_IO;
}

/* ------------------------------------------------------------------ death */

static void signal_group(const struct zap_worker *worker, int number)
{
    kill(-worker->pid, number);
    kill(worker->pid, number);
}

static off_t errors_size(const struct zap_worker *worker)
{
    struct stat about;
    return fstat(worker->errors, &about) == 0 ? about.st_size : 0;
}

/* What it wrote since its last command, so that the beginning of a report is there as well as its
 * end: until the next call. */
static const char *read_errors(const struct zap_worker *worker)
{
    static char text[ERRORS_MAX + 1];
    off_t size = errors_size(worker);
    off_t at = worker->command_errors_at <= size ? worker->command_errors_at : 0;
    if (size - at > ERRORS_MAX)
        at = size - ERRORS_MAX;
    ssize_t len = pread(worker->errors, text, ERRORS_MAX, at);
    len = len < 0 ? 0 : len;
    for (ssize_t i = 0; i < len; i++)
        text[i] = text[i] ? text[i] : '?';
    text[len] = '\0';
    return text;
}

/* Where the signal came that it died of. */
static void find_stack(const struct zap_worker *worker, int status, struct zap_stack *ret_stack)
{
    const struct zap_crash *crash = &worker->shared->crash;
    memset(ret_stack, 0, sizeof *ret_stack);
    if (WIFSIGNALED(status) && atomic_load(&crash->signal) == (uint32_t)WTERMSIG(status))
        zap_symbols_stack(crash, ret_stack);
}

/* The process is gone, with this status. */
static void bury(struct zap_worker *worker, int status, enum zap_killed killed)
{
    struct zap_stack stack;
    find_stack(worker, status, &stack);
    struct zap_death_facts facts = {
        .status = status,
        .killed = killed,
        .phase = atomic_load(&worker->shared->phase),
        .has_hello = worker->has_hello,
        .detail = worker->detail,
        .tail = read_errors(worker),
        .stack = &stack,
    };
    zap_death_classify(&facts, &worker->death);
    /* What it may have left running goes too. */
    kill(-worker->pid, SIGKILL);
    worker->pid = 0;
    worker->is_busy = false;
    close_fd(&worker->commands);
    close_fd(&worker->reports);
    close_fd(&worker->errors);
}

static void end(struct zap_worker *worker, enum zap_killed killed)
{
    int status = 0;
    signal_group(worker, SIGKILL);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        ;
    /* It may just have died by itself, which says more than that we were about to end it. */
    bool is_ours = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool is_guess = killed == ZAP_KILLED_DEADLINE || killed == ZAP_KILLED_MEMORY;
    bury(worker, status, is_guess && !is_ours ? ZAP_KILLED_NOT : killed);
}

/* Has it ended by itself? Waits up to wait_ms for it. */
static bool reap(struct zap_worker *worker, int64_t wait_ms)
{
    int64_t until = zap_clock_ms() + wait_ms;
    for (useconds_t nap_us = NAP_MIN_US;; nap_us = nap_us < NAP_MAX_US ? nap_us * 2 : nap_us) {
        int status;
        if (waitpid(worker->pid, &status, WNOHANG) == worker->pid) {
            bury(worker, status, ZAP_KILLED_NOT);
            return true;
        }
        if (zap_clock_ms() >= until)
            return false;
        usleep(nap_us);
    }
}

static enum zap_worker_news end_for_garbage(struct zap_worker *worker, const char *what)
{
    snprintf(worker->detail, sizeof worker->detail, "%s", what);
    end(worker, ZAP_KILLED_GARBAGE);
    return ZAP_WORKER_DEATH;
}

/* ------------------------------------------------------------------ commands */

static void note_progress(struct zap_worker *worker, int64_t now_ms)
{
    worker->progress_at_ms = now_ms;
    worker->queued_ns = 0;
}

static void write_all(struct zap_worker *worker, const void *bytes, size_t len)
{
    /* Commands are far smaller than a pipe, so a short write means that the reader is gone or
     * stuck; the next look says which. */
    ssize_t wrote = write(worker->commands, bytes, len);
    (void)wrote;
}

enum zap_status zap_worker_send(struct zap_worker *worker, const struct zap_command *command,
                                const uint8_t *wire)
{
    if (worker->pid == 0)
        return ZAP_E_GONE;
    ZAP_CHECK(worker->has_hello && !worker->is_busy);
    ZAP_CHECK_CMP(command->wire_len, <=, ZAP_WIRE_MAX);
    uint8_t message[sizeof *command + ZAP_WIRE_MAX];
    memcpy(message, command, sizeof *command);
    if (command->wire_len > 0)
        memcpy(message + sizeof *command, wire, command->wire_len);
    worker->is_busy = true;
    worker->command_kind = command->kind;
    worker->from = command->from;
    worker->count = command->count;
    worker->sampled_index = command->from;
    worker->before_kib = worker->resident_kib;
    worker->command_errors_at = errors_size(worker);
    note_progress(worker, zap_clock_ms());
    size_t len = sizeof *command + command->wire_len;
    return write(worker->commands, message, len) == (ssize_t)len ? ZAP_OK : ZAP_E_GONE;
}

void zap_worker_answer(struct zap_worker *worker, char answer)
{
    if (worker->pid == 0)
        return;
    note_progress(worker, zap_clock_ms());
    write_all(worker, &answer, 1);
}

/* ------------------------------------------------------------------ reports */

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static enum zap_worker_news take_hello(struct zap_worker *worker, const struct zap_report *report)
{
    if (worker->has_hello)
        return end_for_garbage(worker, "it said hello twice");
    if (worker->shared->proto != ZAP_PROTO) {
        char what[120];
        snprintf(what, sizeof what,
                 "it speaks version %u of the protocol and this pyzap version %d: build both again",
                 (unsigned)worker->shared->proto, ZAP_PROTO);
        return end_for_garbage(worker, what);
    }
    if (worker->shared->size != sizeof *worker->shared)
        return end_for_garbage(worker,
                               "it and this pyzap are of different sources: build both again");
    worker->build = worker->shared->trace.build;
    if (!is_text(worker->build.name, sizeof worker->build.name) ||
        !is_text(worker->build.banner, sizeof worker->build.banner))
        return end_for_garbage(worker, "its hello has no end of text");
    worker->has_hello = true;
    worker->start_kib = worker->resident_kib = report->resident_kib;
    return ZAP_WORKER_HELLO;
}

static bool is_judgement_sane(const struct zap_judgement *judgement, uint32_t events_count)
{
    bool any_broken = false;
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        if (judgement->verdicts[i] > ZAP_SKIPPED)
            return false;
        if (judgement->verdicts[i] == ZAP_BROKEN) {
            any_broken = true;
            if (judgement->at[i] >= events_count)
                return false;
        }
    }
    return any_broken == judgement->any_broken;
}

/* A whole report is in the buffer, its judgement too where one belongs to it. */
static enum zap_worker_news take_report(struct zap_worker *worker, const struct zap_report *report,
                                        bool has_judgement, struct zap_judgement *ret_judgement)
{
    if (report->kind == ZAP_REPORT_HELLO)
        return take_hello(worker, report);
    worker->resident_kib = report->resident_kib;
    if (has_judgement) {
        memcpy(ret_judgement, worker->buffer + sizeof *report, sizeof *ret_judgement);
        /* A constant of the other process: its text stands in shared->harness. */
        ret_judgement->harness = ret_judgement->is_harness ? "see the worker's reason" : NULL;
        if (!is_judgement_sane(ret_judgement, worker->shared->trace.events_count))
            return end_for_garbage(worker, "its judgement is impossible");
    }
    if (report->kind == ZAP_REPORT_FINDING) {
        bool is_run = worker->command_kind == ZAP_COMMAND_RUN;
        if (is_run &&
            (report->index < worker->from || report->index - worker->from >= worker->count))
            return end_for_garbage(worker, "it found something in a plan that it was not given");
        return ZAP_WORKER_FINDING;
    }
    worker->is_busy = false;
    return ZAP_WORKER_DONE;
}

/* How many bytes the report at the head of the buffer has in all; 0: no worker sends that. */
static size_t report_size(const struct zap_worker *worker, const struct zap_report *report)
{
    size_t whole = sizeof(struct zap_report) + sizeof(struct zap_judgement);
    switch (report->kind) {
    case ZAP_REPORT_HELLO:
        return sizeof *report;
    case ZAP_REPORT_FINDING:
        return worker->is_busy && worker->command_kind != ZAP_COMMAND_PLAN ? whole : 0;
    case ZAP_REPORT_DONE:
        if (!worker->is_busy)
            return 0;
        return worker->command_kind == ZAP_COMMAND_PLAN ? whole : sizeof *report;
    }
    return 0;
}

/* Read what is there, up to one whole report. ret_is_closed: the pipe has no writer any more. */
static enum zap_worker_news read_report(struct zap_worker *worker, struct zap_report *ret_report,
                                        struct zap_judgement *ret_judgement, bool *ret_is_closed)
{
    *ret_is_closed = false;
    for (;;) {
        size_t want = sizeof *ret_report;
        if (worker->buffered >= sizeof *ret_report) {
            memcpy(ret_report, worker->buffer, sizeof *ret_report);
            want = report_size(worker, ret_report);
            if (want == 0) {
                char what[80];
                snprintf(what, sizeof what, "a report of kind %u when none was due",
                         (unsigned)ret_report->kind);
                return end_for_garbage(worker, what);
            }
            if (worker->buffered == want) {
                worker->buffered = 0;
                note_progress(worker, zap_clock_ms());
                return take_report(worker, ret_report, want > sizeof *ret_report, ret_judgement);
            }
        }
        ssize_t got =
            read(worker->reports, worker->buffer + worker->buffered, want - worker->buffered);
        if (got <= 0) {
            *ret_is_closed = got == 0;
            return ZAP_WORKER_NOTHING;
        }
        worker->buffered += (size_t)got;
    }
}

/* ------------------------------------------------------------------ watching */

static struct zap_worker_progress progress_of(const struct zap_worker *worker)
{
    struct zap_shared *shared = worker->shared;
    struct zap_worker_progress progress = {
        .index = atomic_load(&shared->index),
        .plans = atomic_load(&shared->plans),
        .waits = atomic_load(&shared->waits),
        .phase = atomic_load(&shared->phase),
        .events_count = *(volatile uint32_t *)&shared->trace.events_count,
    };
    return progress;
}

static bool is_progress_same(const struct zap_worker_progress *a,
                             const struct zap_worker_progress *b)
{
    return a->index == b->index && a->plans == b->plans && a->waits == b->waits &&
           a->phase == b->phase && a->events_count == b->events_count;
}

/* What it and its children take now; these do what ends a process (py/end.c) or could (py/trial.c).
 */
static void sample(struct zap_worker *worker, int64_t now_ms)
{
    zap_usage_sample(&worker->usage, worker->pid, now_ms);
    worker->queued_ns += worker->usage.queued_ns;
    if (worker->usage.resident_kib > 0)
        worker->resident_kib = worker->usage.resident_kib;
}

/* Over the memory limit? One plan that takes half of it since a look at an earlier plan is guilty
 * itself; a size that crept up over many plans is a leak, which says nothing about the last of
 * them.
 *
 * before_kib  the size at the look before this one
 */
static bool is_over_memory(struct zap_worker *worker, uint64_t index, uint32_t before_kib,
                           enum zap_killed *ret_killed)
{
    if (index != worker->sampled_index) {
        worker->sampled_index = index;
        worker->before_kib = before_kib;
    }
    if (worker->resident_kib <= worker->config.memory_kib)
        return false;
    bool is_creeping = worker->has_hello && worker->is_busy &&
                       worker->command_kind == ZAP_COMMAND_RUN &&
                       worker->before_kib > worker->config.memory_kib / 2;
    *ret_killed = is_creeping ? ZAP_KILLED_LEAK : ZAP_KILLED_MEMORY;
    return true;
}

static void keep_errors_short(const struct zap_worker *worker)
{
    if (errors_size(worker) > ERRORS_MAX && ftruncate(worker->errors, 0) < 0)
        return; /* it stays long, which costs memory and no truth */
}

static enum zap_worker_news watch(struct zap_worker *worker, int64_t now_ms)
{
    bool is_canary = worker->is_busy && worker->command_kind == ZAP_COMMAND_CANARY;
    struct zap_worker_progress progress = progress_of(worker);
    if (now_ms - worker->usage.sampled_at_ms >= (is_canary ? CANARY_SAMPLE_MS : SAMPLE_MS)) {
        if (reap(worker, 0))
            return ZAP_WORKER_DEATH;
        uint32_t before_kib = worker->resident_kib;
        sample(worker, now_ms);
        keep_errors_short(worker);
        enum zap_killed killed;
        if (is_over_memory(worker, progress.index, before_kib, &killed)) {
            snprintf(worker->detail, sizeof worker->detail, "%u MiB",
                     (unsigned)(worker->config.memory_kib / 1024));
            end(worker, killed);
            return ZAP_WORKER_DEATH;
        }
    }
    if (!is_progress_same(&progress, &worker->progress)) {
        worker->progress = progress;
        note_progress(worker, now_ms);
    }
    uint32_t limit_ms = worker->has_hello ? worker->config.deadline_ms : worker->config.hello_ms;
    bool is_due = !worker->has_hello || worker->is_busy;
    int64_t stuck_ms = now_ms - worker->progress_at_ms - worker->queued_ns / 1000000;
    if (is_due && stuck_ms > (int64_t)limit_ms) {
        snprintf(worker->detail, sizeof worker->detail, "%u.%u s", (unsigned)(limit_ms / 1000),
                 (unsigned)(limit_ms % 1000 / 100));
        end(worker, ZAP_KILLED_DEADLINE);
        return ZAP_WORKER_DEATH;
    }
    return ZAP_WORKER_NOTHING;
}

enum zap_worker_news zap_worker_look(struct zap_worker *worker, int64_t now_ms,
                                     struct zap_report *ret_report,
                                     struct zap_judgement *ret_judgement)
{
    ZAP_CHECK(worker->pid != 0);
    bool is_closed;
    enum zap_worker_news news = read_report(worker, ret_report, ret_judgement, &is_closed);
    if (news != ZAP_WORKER_NOTHING)
        return news;
    if (is_closed) {
        if (reap(worker, DYING_MS))
            return ZAP_WORKER_DEATH;
        return end_for_garbage(worker, "it closed its pipe and went on running");
    }
    return watch(worker, now_ms);
}

enum zap_worker_news zap_worker_wait(struct zap_worker *worker, struct zap_report *ret_report,
                                     struct zap_judgement *ret_judgement)
{
    for (;;) {
        enum zap_worker_news news =
            zap_worker_look(worker, zap_clock_ms(), ret_report, ret_judgement);
        if (news != ZAP_WORKER_NOTHING)
            return news;
        struct pollfd fd = {.fd = worker->reports, .events = POLLIN};
        poll(&fd, 1, SAMPLE_MS);
    }
}

/* ------------------------------------------------------------------ end */

void zap_worker_quit(struct zap_worker *worker)
{
    if (worker->pid == 0)
        return;
    ZAP_CHECK(!worker->is_busy);
    struct zap_command command = {.kind = ZAP_COMMAND_QUIT};
    write_all(worker, &command, sizeof command);
    close_fd(&worker->commands);
    int64_t until = zap_clock_ms() + DYING_MS;
    while (zap_clock_ms() < until) {
        int status;
        if (waitpid(worker->pid, &status, WNOHANG) == worker->pid) {
            bool is_clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
            bury(worker, status, is_clean ? ZAP_KILLED_STOP : ZAP_KILLED_NOT);
            return;
        }
        usleep(500);
    }
    snprintf(worker->detail, sizeof worker->detail, "it did not quit within %d s", DYING_MS / 1000);
    end(worker, ZAP_KILLED_GARBAGE);
}

void zap_worker_kill(struct zap_worker *worker)
{
    if (worker->pid != 0)
        end(worker, ZAP_KILLED_STOP);
}

void zap_worker_release(struct zap_worker *worker)
{
    if (!worker->config.path)
        return;
    zap_worker_kill(worker);
    close_fd(&worker->commands);
    close_fd(&worker->reports);
    close_fd(&worker->errors);
    if (worker->shared)
        munmap(worker->shared, sizeof *worker->shared);
    memset(worker, 0, sizeof *worker);
}

static bool is_event_sane(const struct zap_event *event)
{
    return zap_event_row(event->kind) && (event->name == 0 || zap_name_row(event->name)) &&
           (event->module < ZAP_MODULES_MAX || event->module == ZAP_NO_MODULE) &&
           (event->node < ZAP_NODES_MAX || event->node == ZAP_NO_NODE);
}

void zap_worker_copy_trace(const struct zap_worker *worker, struct zap_trace *ret_trace)
{
    const struct zap_trace *trace = &worker->shared->trace;
    uint32_t count = *(const volatile uint32_t *)&trace->events_count;
    if (count > ZAP_EVENTS_MAX)
        count = 0;
    ret_trace->build = worker->build;
    ret_trace->is_cut = trace->is_cut;
    ret_trace->events_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        ret_trace->events[i] = trace->events[i];
        if (!is_event_sane(&ret_trace->events[i])) {
            ret_trace->is_cut = 1;
            break;
        }
        ret_trace->events_count = i + 1;
    }
}
