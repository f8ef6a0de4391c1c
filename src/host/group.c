/* Programs with a keeper.
 *
 * PR_SET_PDEATHSIG alone is not enough to end an engine with us: it reaches a child, and not the
 * shells and jobs that libFuzzer starts in turn, nor AFL++'s targets, which have sessions of their
 * own and may be stopped. So a small process is between us and them: the parent of the programs,
 * and by PR_SET_CHILD_SUBREAPER of everything below them that loses its parent. It does nothing but
 * wait for orders and for deaths. When the pipe with our orders ends, because we are gone or have
 * had enough, it kills the group, and then its children until it has none.
 */
#include "host/group.h"

#include "base/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROGRAMS_MAX = 1024, KILL_MS = 5 };

struct keeper {
    int orders, news, deaths;
    pid_t group; /* of the programs: the first one's */
    pid_t pids[PROGRAMS_MAX];
    size_t count;
};

/* ------------------------------------------------------------------ in a program's process */

/* Only what is safe between fork and exec. */
ZAP_NORETURN static void exec_program(const struct zap_group_program *program, pid_t group,
                                      pid_t keeper)
{
    setpgid(0, group);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper)
        _exit(127);
    dup2(program->output, 1);
    dup2(program->output, 2);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    if (null > 2)
        close(null);
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0; /* a thousand crashes would fill the disk */
        setrlimit(RLIMIT_CORE, &limit);
    }
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(program->path, program->argv, program->environment);
    dprintf(2, "cannot start %s: %s\n", program->path, strerror(errno));
    _exit(127);
}

/* ------------------------------------------------------------------ in the keeper's process */

static void start(struct keeper *keeper, const struct zap_group_program *programs, size_t count)
{
    pid_t self = getpid();
    for (size_t i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid == 0)
            exec_program(&programs[i], keeper->group, self);
        if (pid < 0) {
            int status = 127 << 8; /* as one that has ended so */
            dprintf(programs[i].output, "cannot start %s: %s\n", programs[i].path, strerror(errno));
            if (write(keeper->news, &status, sizeof status) < 0)
                return;
            continue;
        }
        if (keeper->group == 0)
            keeper->group = pid;
        setpgid(pid, keeper->group);
        keeper->pids[keeper->count++] = pid;
    }
}

/* Tell of programs that have ended; others' ends are nobody's news. */
static void reap(struct keeper *keeper)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (size_t i = 0; i < keeper->count; i++) {
            if (keeper->pids[i] == pid && write(keeper->news, &status, sizeof status) < 0)
                return;
        }
    }
}

/* Kill whoever is our child now: a dying parent leaves us its own. */
static void kill_children(void)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    for (char *at = text, *end; *at; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at || (*end != ' ' && *end != '\0'))
            return;
        if (pid > 1 && *end == ' ') /* a number that was cut off is another's */
            kill((pid_t)pid, SIGKILL);
        end += *end == ' ';
    }
}

ZAP_NORETURN static void end(const struct keeper *keeper)
{
    for (;;) {
        if (keeper->group > 0)
            kill(-keeper->group, SIGKILL);
        kill_children();
        pid_t pid;
        do {
            pid = waitpid(-1, NULL, WNOHANG);
        } while (pid > 0);
        if (pid < 0 && errno == ECHILD)
            _exit(0);
        poll(NULL, 0, KILL_MS);
    }
}

ZAP_NORETURN static void keep(struct keeper *keeper, const struct zap_group_program *programs,
                              size_t count)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    keeper->deaths = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
    start(keeper, programs, count);
    /* Whoever reads what we inherited must not have to wait for us. */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    int kept[] = {keeper->orders, keeper->news, keeper->deaths};
    int highest = 0;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        highest = kept[i] > highest ? kept[i] : highest;
    for (int fd = 3; fd < highest; fd++) {
        if (fd != kept[0] && fd != kept[1] && fd != kept[2])
            close(fd);
    }
    close_range((unsigned)highest + 1, ~0U, 0);
    for (;;) {
        struct pollfd fds[] = {{.fd = keeper->orders, .events = POLLIN},
                               {.fd = keeper->deaths, .events = POLLIN}};
        poll(fds, 2, -1);
        struct signalfd_siginfo death;
        while (read(keeper->deaths, &death, sizeof death) > 0)
            ;
        reap(keeper);
        unsigned char number;
        if (fds[0].revents == 0)
            continue;
        if (read(keeper->orders, &number, 1) != 1)
            end(keeper);
        if (keeper->group > 0)
            kill(-keeper->group, number);
    }
}

/* ------------------------------------------------------------------ in ours */

enum zap_status zap_group_start(const struct zap_group_program *programs, size_t count,
                                struct zap_group *ret_group)
{
    static struct keeper keeper;
    int orders[2], news[2];
    errno = E2BIG;
    if (count > PROGRAMS_MAX || pipe2(orders, O_CLOEXEC) < 0)
        return ZAP_E_IO;
    if (pipe2(news, O_CLOEXEC) < 0) {
        close(orders[0]);
        close(orders[1]);
        return ZAP_E_IO;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(orders[1]);
        close(news[0]);
        memset(&keeper, 0, sizeof keeper);
        keeper.orders = orders[0];
        keeper.news = news[1];
        keep(&keeper, programs, count);
    }
    int error = errno;
    close(orders[0]);
    close(news[1]);
    if (pid < 0 || fcntl(news[0], F_SETFL, O_NONBLOCK) < 0) {
        close(orders[1]);
        close(news[0]);
        errno = error;
        return ZAP_E_IO;
    }
    *ret_group = (struct zap_group){.keeper = pid, .orders = orders[1], .news = news[0]};
    return ZAP_OK;
}

bool zap_group_look(struct zap_group *group, int *ret_status)
{
    int status;
    if (read(group->news, &status, sizeof status) != sizeof status)
        return false;
    *ret_status = status;
    return true;
}

void zap_group_signal(const struct zap_group *group, int number)
{
    unsigned char byte = (unsigned char)number;
    while (write(group->orders, &byte, 1) < 0 && errno == EINTR)
        ;
}

void zap_group_release(struct zap_group *group)
{
    if (group->keeper == 0)
        return;
    close(group->orders);
    while (waitpid(group->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    close(group->news);
    memset(group, 0, sizeof *group);
}
