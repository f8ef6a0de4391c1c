/* Counters that the engines read.
 *
 * libFuzzer looks at the section __libfuzzer_extra_counters by itself, and at the edge counters
 * that clang puts into the section __sancov_cntrs of instrumented code; it clears both before each
 * run.
 *
 * AFL++ knows neither: its runtime has one map for edges, and gives out places in it through
 * __sanitizer_cov_trace_pc_guard_init, which clang's other instrumentation would call. So we ask it
 * for as many places as there are counters of both kinds, before its own constructors fix the map's
 * size, and copy what is not 0 there after each run. One instrumented libpython so serves both
 * engines. Where a run ends in a deadly signal the copy is made in its handler: AFL++ tells crashes
 * apart by their coverage, and without it keeps the first only.
 *
 * AFL++ gets which ones moved, not how often (libFuzzer has -use_counters=0 for that): how often
 * tells numbers of objects apart, which are plans and no behaviours (see oracle/feedback.c).
 *
 * The symbols of both are weak: what is not linked in is not there. With an engine that has neither
 * (the replayer) counting is all that happens.
 */
#include "engine.h"

#include "base/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libFuzzer: of LLVM's FuzzerExtraCounters.cpp. */
__attribute__((section("__libfuzzer_extra_counters"),
               used)) static uint8_t transitions[ZAP_FEEDBACK_COUNTERS];

/* The linker: where the section of edge counters begins and ends. */
extern uint8_t __start___sancov_cntrs[] __attribute__((weak));
extern uint8_t __stop___sancov_cntrs[] __attribute__((weak));

/* AFL++: of afl-compiler-rt. The map is in shared memory; its address changes when AFL++ attaches.
 */
extern uint8_t *__afl_area_ptr __attribute__((weak));
extern void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop)
    __attribute__((weak));

static uint32_t first_place; /* in AFL++'s map, of edges and then of transitions; 0: no AFL++ */

uint8_t *zap_engine_transitions(void)
{
    return transitions;
}

size_t zap_engine_edges(void)
{
    return (size_t)(__stop___sancov_cntrs - __start___sancov_cntrs);
}

size_t zap_engine_edges_moved(void)
{
    size_t moved = 0, count = zap_engine_edges();
    for (size_t i = 0; i < count; i++)
        moved += __start___sancov_cntrs[i] != 0;
    return moved;
}

/* As clang's own constructors of modules, and for the same reason: after the first of AFL++'s and
 * before those that look how many places are taken. */
#pragma GCC diagnostic push
#ifndef __clang__ /* which says nothing about it, and does not know how to say less */
#pragma GCC diagnostic ignored "-Wprio-ctor-dtor"
#endif
__attribute__((constructor(2))) static void take_places(void)
{
    if (&__afl_area_ptr == NULL || __sanitizer_cov_trace_pc_guard_init == NULL)
        return;
    size_t count = zap_engine_edges() + sizeof transitions;
    uint32_t *places = calloc(count, sizeof *places);
    ZAP_CHECK(places != NULL);
    __sanitizer_cov_trace_pc_guard_init(places, places + count);
    first_place = places[0];
    ZAP_CHECK_CMP(places[count - 1] - places[0], ==, count - 1);
    free(places);
}
#pragma GCC diagnostic pop

static void move_each(uint8_t *from, size_t count, uint8_t *to)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i] != 0;
        from[i] = 0;
    }
}

/* Move what was counted to the map, eight at a time: nearly all are 0. */
static void move(uint8_t *from, size_t count, uint8_t *to)
{
    size_t i = 0;
    for (uint64_t eight; count - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, from + i, sizeof eight);
        if (eight != 0)
            move_each(from + i, sizeof eight, to + i);
    }
    move_each(from + i, count - i, to + i);
}

void zap_engine_flush(void)
{
    if (first_place == 0)
        return;
    size_t edges = zap_engine_edges();
    if (edges > 0)
        move(__start___sancov_cntrs, edges, __afl_area_ptr + first_place);
    move(transitions, sizeof transitions, __afl_area_ptr + first_place + edges);
}

static void on_deadly_signal(int number)
{
    zap_engine_flush();
    signal(number, SIG_DFL);
    raise(number); /* delivered when this handler is left */
}

void zap_engine_forget_edges(void)
{
    if (zap_engine_edges() > 0)
        memset(__start___sancov_cntrs, 0, zap_engine_edges());
}

static uint8_t *shared_edges; /* as many as there are, in memory that children share */

void zap_engine_share_edges(void)
{
    if (zap_engine_edges() == 0)
        return;
    shared_edges =
        mmap(NULL, zap_engine_edges(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ZAP_CHECK(shared_edges != MAP_FAILED);
}

void zap_engine_keep_edges(void)
{
    if (shared_edges != NULL)
        memcpy(shared_edges, __start___sancov_cntrs, zap_engine_edges());
}

void zap_engine_take_edges(void)
{
    if (shared_edges != NULL)
        memcpy(__start___sancov_cntrs, shared_edges, zap_engine_edges());
}

/* In: the name of a folder of /proc/self/task. */
static bool is_at_work(const char *thread)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%.16s/stat", thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[len > 0 ? len : 0] = '\0';
    const char *state = strrchr(text, ')'); /* the name before it may hold anything */
    return state != NULL && strncmp(state, ") S", 3) != 0;
}

static bool others_are_at_work(void)
{
    char own[16];
    snprintf(own, sizeof own, "%ld", (long)getpid());
    DIR *threads = opendir("/proc/self/task");
    bool any = false;
    for (struct dirent *entry; threads != NULL && (entry = readdir(threads)) != NULL;)
        any = any || (entry->d_name[0] != '.' && strcmp(entry->d_name, own) != 0 &&
                      is_at_work(entry->d_name));
    if (threads != NULL)
        closedir(threads);
    return any;
}

void zap_engine_wait_for_threads(void)
{
    for (int ms = 0; ms < 1000 && others_are_at_work(); ms++)
        usleep(1000);
}

void zap_engine_start(void)
{
    zap_engine_forget_edges();
    memset(transitions, 0, sizeof transitions);
    if (first_place == 0)
        return;                      /* libFuzzer has handlers of its own */
    static uint8_t stack[64 * 1024]; /* an overflown stack has no room for a handler */
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction action = {.sa_handler = on_deadly_signal, .sa_flags = SA_ONSTACK};
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
        sigaction(deadly[i], &action, NULL);
}
