/* A process that takes itself back (src/py/rewind.c), and the child that stands by because of it
 * (src/py/standby.c). Each case is a process of its own: what is tested is the whole of one. */
#include "base/attr.h"
#include "py/rewind.h"
#include "py/standby.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 4096, BIG = 64 * PAGE, ROUNDS = 300 };

/* In the process of a case: end it where this does not hold. */
#define MUST(condition) must((condition), #condition, __LINE__)

static void must(bool holds, const char *what, int line)
{
    if (holds)
        return;
    fprintf(stderr, "line %d: %s does not hold\n", line, what);
    _exit(1);
}

static void in_process(void (*test)(void))
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
            signal(faults[i], SIG_DFL); /* cmocka's */
        test();
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void mark(void)
{
    MUST(zap_rewind_mark());
}

static void *map(size_t size, int fd)
{
    int flags = MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0);
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    MUST(at != MAP_FAILED);
    return at;
}

static int a_file(void)
{
    char page[PAGE];
    int fd = memfd_create("standby", 0);
    MUST(fd >= 0);
    memset(page, 'f', sizeof page);
    MUST(write(fd, page, sizeof page) == PAGE);
    return fd;
}

static bool is_mapped(const void *at)
{
    unsigned char resident;
    return mincore((void *)(uintptr_t)at, PAGE, &resident) == 0;
}

/* ---- what is taken back ---- */

static int initialised = 1, zero;
static _Thread_local int of_thread = 2;

static void variables(void)
{
    mark();
    initialised = zero = of_thread = 77;
    MUST(zap_rewind());
    MUST(initialised == 1 && zero == 0 && of_thread == 2);
}

static void the_heap(void)
{
    /* The compiler knows what becomes of freed memory, and does not know of this. */
    char *volatile kept = malloc(100), *volatile freed = malloc(100),
                   *volatile large = malloc(BIG * 16);
    MUST(kept && freed && large);
    strcpy(kept, "kept");
    strcpy(freed, "freed");
    strcpy(large, "large");
    mark();
    void *end = sbrk(0);
    for (int round = 0; round < ROUNDS; round++) {
        strcpy(kept, "overwritten");
        free(freed);
        free(large);
        for (int i = 0; i < 2000; i++)
            MUST(malloc(1000)); /* so that the heap's end moves */
        MUST(sbrk(0) != end);
        MUST(zap_rewind());
        MUST(sbrk(0) == end);
        MUST(!strcmp(kept, "kept") && !strcmp(freed, "freed") && !strcmp(large, "large"));
    }
    free(kept);
    free(freed);
    free(large);
}

static void mappings(void)
{
    char *gone = map(BIG, -1), *replaced = map(BIG, -1), *cut = map(BIG, -1);
    memset(gone, 'g', BIG);
    memset(replaced, 'r', BIG);
    memset(cut, 'c', BIG);
    mark();
    for (int round = 0; round < ROUNDS; round++) {
        munmap(gone, BIG);
        munmap(replaced, BIG);
        MUST(mmap(replaced, BIG, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
             replaced);
        munmap(cut + PAGE, PAGE);
        char *added = map(BIG * 8, -1);
        memset(added, 'a', BIG * 8);
        MUST(zap_rewind());
        MUST(!is_mapped(added));
        MUST(gone[0] == 'g' && gone[BIG - 1] == 'g');
        MUST(replaced[0] == 'r' && replaced[BIG - 1] == 'r');
        MUST(cut[0] == 'c' && cut[PAGE] == 'c' && cut[BIG - 1] == 'c');
        replaced[0] = 'r'; /* it can be written again */
    }
}

static void pages_that_were_not_there(void)
{
    char *untouched = map(BIG, -1), *of_file = map(PAGE, a_file());
    mark();
    untouched[PAGE] = of_file[1] = 1;
    MUST(zap_rewind());
    MUST(untouched[PAGE] == 0 && of_file[1] == 'f');
}

static void shared_memory_is_left_alone(void)
{
    int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
        round = 0;
    MUST(shared != MAP_FAILED);
    mark();
    shared[0]++;
    round++; /* and so is the frame that took the mark */
    MUST(zap_rewind());
    MUST(shared[0] == 1 && round == 1);
}

static void on_signal(int number)
{
    (void)number;
}

static void signals_and_descriptors(void)
{
    sigset_t mask, now;
    struct sigaction action;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    signal(SIGUSR1, SIG_IGN);
    mark();
    signal(SIGUSR1, on_signal);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    int opened = a_file(), high = fcntl(opened, F_DUPFD, 900);
    MUST(high >= 900);
    MUST(zap_rewind());
    sigaction(SIGUSR1, NULL, &action);
    sigprocmask(SIG_SETMASK, NULL, &now);
    MUST(action.sa_handler == SIG_IGN && !sigismember(&now, SIGUSR2));
    MUST(fcntl(opened, F_GETFD) < 0 && fcntl(high, F_GETFD) < 0);
}

static void *do_nothing(void *unused)
{
    return unused;
}

static void *wait_for_ever(void *unused)
{
    pause();
    return unused;
}

static void start_thread(void *(*routine)(void *))
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, routine, NULL) == 0);
    MUST(pthread_detach(thread) == 0);
}

static void threads_that_end(void)
{
    mark();
    for (int round = 0; round < ROUNDS; round++) {
        start_thread(do_nothing);
        MUST(zap_rewind());
    }
}

static void a_mark_is_replaced(void)
{
    mark();
    for (int round = 0; round < ROUNDS; round++) {
        initialised = round;
        MUST(zap_rewind_mark());
        initialised = zero = -1;
        MUST(zap_rewind());
        MUST(initialised == round && zero == 0);
    }
}

/* ---- what is not ---- */

static void not_with_a_thread(void)
{
    mark();
    start_thread(wait_for_ever);
    MUST(!zap_rewind());
}

static void not_without_a_descriptor(void)
{
    int fd = a_file();
    mark();
    close(fd);
    MUST(!zap_rewind());
}

static void not_without_a_file(void)
{
    char *of_file = map(PAGE, a_file());
    mark();
    munmap(of_file, PAGE);
    MUST(!zap_rewind());
}

/* ---- on standby ---- */

enum job { COUNT, CRASH, EXIT, HANG, LEARN };

struct request {
    enum job job;
    int private, learned, begun; /* what the child finds */
    int waits, leaves;
};

static int private_count, learned, begun;

static bool prepare(const void *data)
{
    const struct request *request = data;
    bool learns = request->job == LEARN && learned == 0;
    learned += learns;
    return learns;
}

static void work(const void *data)
{
    struct request *request = (struct request *)(uintptr_t)data;
    switch (request->job) {
    case CRASH:
        raise(SIGSEGV);
        break;
    case EXIT:
        _exit(0);
    case HANG:
        wait_for_ever(NULL);
        break;
    default:
        request->private = ++private_count;
        request->learned = learned;
        request->begun = begun;
    }
}

static struct request *request;

static void leave(void)
{
    request->leaves++;
}

static void count_wait(void)
{
    request->waits++;
}

static void begin(const void *data)
{
    (void)data;
    begun++;
}

static struct zap_standby standby = {.begin = begin,
                                     .prepare = prepare,
                                     .work = work,
                                     .leave = leave,
                                     .wait = count_wait,
                                     .size = sizeof *request};

static bool have_done(enum job job, bool may_last)
{
    request = zap_standby_request(&standby);
    request->job = job;
    request->private = request->learned = -1;
    return zap_standby_do(&standby, may_last);
}

/* Ask as often as it takes until there is one. */
static void engage(void)
{
    while (!zap_standby_lasts(&standby))
        MUST(have_done(COUNT, false));
}

static void every_job_finds_the_same(void)
{
    engage();
    for (int round = 0; round < ROUNDS; round++) {
        MUST(zap_standby_lasts(&standby));
        MUST(have_done(COUNT, true) && request->private == 1 && request->begun == 1);
    }
    MUST(private_count == 0 && begun == 0);
}

static void what_is_learned_stays(void)
{
    engage();
    MUST(have_done(COUNT, true) && request->learned == 0);
    for (int round = 0; round < 3; round++) {
        MUST(have_done(LEARN, true) && request->learned == 1 && request->private == 1);
        MUST(have_done(COUNT, true) && request->learned == 1 && request->private == 1);
    }
}

static void once_is_once(void)
{
    for (int round = 1; round <= 10; round++) {
        MUST(have_done(COUNT, false) && request->private == 1 && request->leaves == round);
        MUST(request->begun == 0);
        MUST(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    }
}

#if defined ZAP_SANITIZE
/* The sanitizer's books are not ours to take back. */
static void once_where_it_cannot_be(void)
{
    MUST(!zap_rewind_mark());
    engage();
    MUST(have_done(COUNT, true) && request->private == 1 && request->leaves > 0);
    MUST(!zap_standby_lasts(&standby));
}
#endif

static void expect_failure(enum job job)
{
    engage();
    MUST(!have_done(job, true));
    MUST(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD); /* it is gone, and no zombie */
    engage();
    MUST(have_done(COUNT, true) && request->private == 1);
}

static void one_that_dies(void)
{
    expect_failure(CRASH);
    expect_failure(EXIT);
}

static void one_that_hangs(void)
{
    time_t from = time(NULL);
    expect_failure(HANG);
    MUST(request->waits > 10);
    MUST(time(NULL) - from < 60);
}

#define CASE(name)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        in_process(name);                                                                          \
    }
CASE(variables)
CASE(the_heap)
CASE(mappings)
CASE(pages_that_were_not_there)
CASE(shared_memory_is_left_alone)
CASE(signals_and_descriptors)
CASE(threads_that_end)
CASE(a_mark_is_replaced)
CASE(not_with_a_thread)
CASE(not_without_a_descriptor)
CASE(not_without_a_file)
CASE(every_job_finds_the_same)
CASE(what_is_learned_stays)
CASE(once_is_once)
#if defined ZAP_SANITIZE
CASE(once_where_it_cannot_be)
#endif
CASE(one_that_dies)
CASE(one_that_hangs)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_the_heap),
        cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_pages_that_were_not_there),
        cmocka_unit_test(test_shared_memory_is_left_alone),
        cmocka_unit_test(test_signals_and_descriptors),
        cmocka_unit_test(test_threads_that_end),
        cmocka_unit_test(test_a_mark_is_replaced),
        cmocka_unit_test(test_not_with_a_thread),
        cmocka_unit_test(test_not_without_a_descriptor),
        cmocka_unit_test(test_not_without_a_file),
        cmocka_unit_test(test_every_job_finds_the_same),
        cmocka_unit_test(test_what_is_learned_stays),
        cmocka_unit_test(test_once_is_once),
#if defined ZAP_SANITIZE
        cmocka_unit_test(test_once_where_it_cannot_be),
#endif
        cmocka_unit_test(test_one_that_dies),
        cmocka_unit_test(test_one_that_hangs),
    };
#if defined ZAP_SANITIZE
    cmocka_set_test_filter("test_once_*"); /* the others are about what cannot be then */
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
