/* Taking a process's memory back, from within.
 *
 * The mark is a copy of every page that is there (/proc/self/pagemap) in a private writable mapping
 * (/proc/self/maps). Going back makes the list of mappings what it was, copies those pages back,
 * and drops what is where no page was: it then reads as it did, zeros or the file. The copies and
 * all that is known about them are in shared memory of their own, which is not private and so is
 * left alone; the stack is left alone because the way back runs on it. Between the first page that
 * is copied and the last, memory is neither old nor new: nothing of the C library that has state
 * may be called there, and nothing is.
 *
 * All of it is plain memory for the C library too: its heap, its lists of threads and of loaded
 * files, thread-local variables. What the kernel knows beside memory is asked for and put back:
 * the break, dispositions and mask of signals, the signal stack, which descriptors are open. A
 * thread that is about to end is waited for: its stack is among what is unmapped.
 */
#include "py/rewind.h"

#include "base/attr.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MAPPINGS_MAX = 2048,
    RUNS_MAX = 16384,
    FDS_MAX = 256,           /* looked at; more are open nowhere near that */
    TEXT_SIZE = 1024 * 1024, /* of /proc/self/maps */
    SIGNALS = 32,            /* without those for realtime */
    PAGES_AT_ONCE = 512,
    THREAD_YIELDS = 100000,
};

/* Free memory that the heap begins with, all of it touched: a run then maps little. */
enum { HEADROOM = 512 * 1024 };

struct mapping {
    uintptr_t from, to;
    uint64_t inode; /* 0: of no file */
    bool is_private, reads, writes, executes, is_stack;
};

struct mappings {
    unsigned count;
    struct mapping all[MAPPINGS_MAX];
};

/* Pages in a row that all have a copy, or all have none. */
struct run {
    uintptr_t from;
    size_t size;
    const char *copy; /* NULL: there was nothing */
};

static struct mark {
    struct mappings then, now;
    bool has_unmapped;
    unsigned runs_count;
    struct run runs[RUNS_MAX];
    char *copies;
    size_t copies_size;
    void *heap_end;
    struct sigaction actions[SIGNALS];
    sigset_t mask;
    stack_t signal_stack;
    bool is_open[FDS_MAX];
    unsigned fds_end; /* the last open one and 1 */
    char text[TEXT_SIZE];
} * mark;

static size_t page_size;

/* ------------------------------------------------------------------ what is mapped */

static uint64_t number(const char **at, unsigned base)
{
    uint64_t value = 0;
    for (;; ++*at) {
        char c = **at;
        unsigned digit = base;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        if (digit >= base)
            return value;
        value = value * base + digit;
    }
}

/* "55d0-55e0 rw-p 00001000 fe:01 1234   /path\n"; returns the next line. */
static const char *parse_line(const char *at, struct mapping *ret_mapping)
{
    struct mapping mapping = {0};
    mapping.from = (uintptr_t)number(&at, 16);
    at++;
    mapping.to = (uintptr_t)number(&at, 16);
    mapping.reads = at[1] == 'r';
    mapping.writes = at[2] == 'w';
    mapping.executes = at[3] == 'x';
    mapping.is_private = at[4] == 'p';
    at += 6;
    (void)number(&at, 16);
    at++;
    (void)number(&at, 16);
    at++;
    (void)number(&at, 16);
    at++;
    mapping.inode = number(&at, 10);
    while (*at == ' ')
        at++;
    mapping.is_stack = strncmp(at, "[stack", 6) == 0;
    while (*at != '\n' && *at != '\0')
        at++;
    *ret_mapping = mapping;
    return *at == '\0' ? at : at + 1;
}

static bool read_mappings(struct mappings *ret_mappings)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0 && len < TEXT_SIZE - 1) {
        got = read(fd, mark->text + len, TEXT_SIZE - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        close(fd);
    if (got != 0)
        return false;
    mark->text[len] = '\0';
    ret_mappings->count = 0;
    for (const char *at = mark->text; *at != '\0';) {
        if (ret_mappings->count == MAPPINGS_MAX)
            return false;
        at = parse_line(at, &ret_mappings->all[ret_mappings->count++]);
    }
    return true;
}

static bool is_alike(const struct mapping *a, const struct mapping *b)
{
    return a->inode == b->inode && a->is_private == b->is_private && a->reads == b->reads &&
           a->writes == b->writes && a->executes == b->executes && a->is_stack == b->is_stack;
}

/* Is it memory of this process alone, which can be taken back? */
static bool is_ours(const struct mapping *mapping)
{
    return mapping->is_private && mapping->reads && mapping->writes && !mapping->is_stack;
}

/* Call for every part of one list's mappings that the other does not have like this. Returns false
 * where the call does. */
static bool each_missing(const struct mappings *mappings, const struct mappings *other,
                         bool (*call)(const struct mapping *mapping, uintptr_t from, uintptr_t to))
{
    unsigned o = 0;
    for (unsigned i = 0; i < mappings->count; i++) {
        const struct mapping *mapping = &mappings->all[i];
        for (uintptr_t at = mapping->from; at < mapping->to;) {
            while (o < other->count && other->all[o].to <= at)
                o++;
            const struct mapping *there = o < other->count ? &other->all[o] : NULL;
            uintptr_t to = mapping->to;
            bool is_there = there != NULL && there->from <= at;
            if (is_there && there->to < to)
                to = there->to;
            else if (!is_there && there != NULL && there->from < to)
                to = there->from;
            bool is_missing = !is_there || !is_alike(mapping, there);
            if (is_missing && !mapping->is_stack && !call(mapping, at, to))
                return false;
            at = to;
        }
    }
    return true;
}

/* Where something else was before, it is missing from then on. */
static bool unmap(const struct mapping *mapping, uintptr_t from, uintptr_t to)
{
    (void)mapping;
    mark->has_unmapped = true;
    return munmap((void *)from, to - from) == 0;
}

static bool map_again(const struct mapping *mapping, uintptr_t from, uintptr_t to)
{
    if (!is_ours(mapping) || mapping->inode != 0)
        return false;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    int protection = PROT_READ | PROT_WRITE | (mapping->executes ? PROT_EXEC : 0);
    return mmap((void *)from, to - from, protection, flags, -1, 0) == (void *)from;
}

/* ------------------------------------------------------------------ pages */

static bool add_run(uintptr_t from, size_t size, bool has_copy)
{
    struct run *last = mark->runs_count > 0 ? &mark->runs[mark->runs_count - 1] : NULL;
    if (last != NULL && last->from + last->size == from && (last->copy != NULL) == has_copy) {
        last->size += size;
    } else {
        if (mark->runs_count == RUNS_MAX)
            return false;
        last = &mark->runs[mark->runs_count++];
        /* Where the copy will be is not known yet: that there is one. */
        *last = (struct run){.from = from, .size = size, .copy = has_copy ? "" : NULL};
    }
    mark->copies_size += has_copy ? size : 0;
    return true;
}

static bool add_pages(int pagemap, const struct mapping *mapping)
{
    uint64_t entries[PAGES_AT_ONCE];
    for (uintptr_t at = mapping->from; at < mapping->to;) {
        size_t pages = (mapping->to - at) / page_size;
        if (pages > PAGES_AT_ONCE)
            pages = PAGES_AT_ONCE;
        size_t size = pages * sizeof entries[0];
        if (pread(pagemap, entries, size, (off_t)(at / page_size * sizeof entries[0])) !=
            (ssize_t)size)
            return false;
        for (size_t i = 0; i < pages; i++, at += page_size)
            if (!add_run(at, page_size, entries[i] >> 62 != 0)) /* present, or swapped out */
                return false;
    }
    return true;
}

static bool copy_pages(void)
{
    mark->copies = mmap(NULL, mark->copies_size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (mark->copies == MAP_FAILED) {
        mark->copies = NULL;
        return false;
    }
    char *to = mark->copies;
    for (unsigned i = 0; i < mark->runs_count; i++) {
        struct run *run = &mark->runs[i];
        if (run->copy == NULL)
            continue;
        memcpy(to, (const void *)run->from, run->size);
        run->copy = to;
        to += run->size;
    }
    return true;
}

static bool mark_pages(void)
{
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    bool is_read = pagemap >= 0;
    mark->runs_count = 0;
    mark->copies_size = 0;
    for (unsigned i = 0; i < mark->then.count && is_read; i++)
        if (is_ours(&mark->then.all[i]))
            is_read = add_pages(pagemap, &mark->then.all[i]);
    if (pagemap >= 0)
        close(pagemap);
    return is_read && copy_pages();
}

/* In two passes: a call that is bound when it is first made is not to be bound in the second. */
static bool take_pages_back(void)
{
    for (unsigned i = 0; i < mark->runs_count; i++) {
        const struct run *run = &mark->runs[i];
        if (run->copy == NULL && madvise((void *)run->from, run->size, MADV_DONTNEED) < 0)
            return false;
    }
    for (unsigned i = 0; i < mark->runs_count; i++) {
        const struct run *run = &mark->runs[i];
        if (run->copy != NULL)
            memcpy((void *)run->from, run->copy, run->size);
    }
    return true;
}

/* ------------------------------------------------------------------ what the kernel knows */

static void mark_kernel(void)
{
    mark->heap_end = sbrk(0);
    for (int i = 1; i < SIGNALS; i++)
        sigaction(i, NULL, &mark->actions[i]);
    sigprocmask(SIG_SETMASK, NULL, &mark->mask);
    sigaltstack(NULL, &mark->signal_stack);
    mark->fds_end = 0;
    for (unsigned fd = 0; fd < FDS_MAX; fd++) {
        mark->is_open[fd] = fcntl((int)fd, F_GETFD) >= 0;
        mark->fds_end = mark->is_open[fd] ? fd + 1 : mark->fds_end;
    }
}

static bool has_other_action(int number_of)
{
    struct sigaction now;
    const struct sigaction *then = &mark->actions[number_of];
    return sigaction(number_of, NULL, &now) == 0 &&
           (now.sa_handler != then->sa_handler || now.sa_flags != then->sa_flags);
}

static void close_all(unsigned from, unsigned end)
{
    if (from < end)
        (void)syscall(SYS_close_range, from, end - 1, 0);
}

static bool take_kernel_back(void)
{
    for (int i = 1; i < SIGNALS; i++)
        if (has_other_action(i))
            sigaction(i, &mark->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &mark->mask, NULL);
    sigaltstack(&mark->signal_stack, NULL);
    unsigned from = 0;
    for (unsigned fd = 0; fd < mark->fds_end; fd++) {
        if (!mark->is_open[fd])
            continue;
        if (fcntl((int)fd, F_GETFD) < 0)
            return false;
        close_all(from, fd);
        from = fd + 1;
    }
    close_all(from, UINT_MAX);
    return brk(mark->heap_end) == 0;
}

/* /proc/self/task has a link for each thread, and two of its own. */
static bool is_alone(void)
{
    struct stat task;
    for (unsigned i = 0; i < THREAD_YIELDS; i++) {
        if (stat("/proc/self/task", &task) < 0)
            return false;
        if (task.st_nlink == 3)
            return true;
        sched_yield();
    }
    return false;
}

/* ------------------------------------------------------------------ back and forth */

/* The heap's end goes up and down as little as possible from here on. */
static void settle_heap(void)
{
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, HEADROOM);
    mallopt(M_MMAP_THRESHOLD, HEADROOM);
    void *headroom = malloc(HEADROOM - page_size);
    if (headroom != NULL)
        explicit_bzero(headroom, HEADROOM - page_size);
    free(headroom);
}

/* Of sanitizers that keep books on memory. */
extern ZAP_WEAK void __asan_init(void);
extern ZAP_WEAK void __msan_init(void);
extern ZAP_WEAK void __tsan_init(void);

/* Does nobody else know what memory this process has? */
static bool is_plain(void)
{
    return __asan_init == NULL && __msan_init == NULL && __tsan_init == NULL &&
           strstr(mark->text, "/vgpreload_") == NULL;
}

static bool begin(void)
{
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    settle_heap();
    mark = mmap(NULL, sizeof *mark, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mark == MAP_FAILED)
        mark = NULL;
    return mark != NULL;
}

bool zap_rewind_mark(void)
{
    if (mark == NULL && !begin())
        return false;
    if (mark->copies != NULL)
        munmap(mark->copies, mark->copies_size);
    mark->copies = NULL;
    mark_kernel();
    /* Once more when the copies are mapped too. */
    return is_alone() && read_mappings(&mark->then) && is_plain() && mark_pages() &&
           read_mappings(&mark->then);
}

static bool take_mappings_back(void)
{
    mark->has_unmapped = false;
    return read_mappings(&mark->now) && each_missing(&mark->now, &mark->then, unmap) &&
           (!mark->has_unmapped || read_mappings(&mark->now)) &&
           each_missing(&mark->then, &mark->now, map_again);
}

bool zap_rewind(void)
{
    return is_alone() && take_kernel_back() && take_mappings_back() && take_pages_back();
}
