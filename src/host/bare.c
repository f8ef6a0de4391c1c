/* One child process, a pipe, and a clock.
 *
 * The deadline begins with the first line that the script prints, because how long an interpreter
 * takes to start says nothing about a hang. stdout and stderr share the pipe, so that lines of both
 * stay in order; the interpreter is told not to buffer either.
 */
#include "host/bare.h"

#include "host/clock.h"
#include "host/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 20, END_MS = 1 /* for one that has closed its end of the pipe */ };

static void be_child(const struct zap_bare_config *config, int output, pid_t parent)
{
    const struct rlimit no_core = {0, 0};
    int null = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    setrlimit(RLIMIT_CORE, &no_core);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setenv("PYTHONHASHSEED", "0", 1);
    setenv("PYTHONUNBUFFERED", "1", 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    /* An interpreter leaves memory to the system at its end. */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
    if (config->is_verbose) {
        setenv("PYTHONIOENCODING", "utf-8", 1);
        execl(config->python, config->python, "-S", "-vv", config->script, (char *)NULL);
    } else {
        execl(config->python, config->python, config->script, (char *)NULL);
    }
    dprintf(STDERR_FILENO, "cannot start %s: %s\n", config->python, strerror(errno));
    _exit(127);
}

/* Returns false at the end of what it says. */
static bool hear(int fd, struct zap_bare *bare)
{
    char bytes[4096];
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got <= 0)
        return false;
    for (ssize_t i = 0; i < got; i++) {
        if (bare->said_len + 1 < sizeof bare->said)
            bare->said[bare->said_len++] = bytes[i] ? bytes[i] : '?';
        else
            bare->is_cut = true;
    }
    bare->said[bare->said_len] = '\0';
    return true;
}

static void hear_rest(int fd, struct zap_bare *bare)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (poll(&wait, 1, 0) > 0 && hear(fd, bare))
        continue;
}

/* Watch it until it has ended, or has to be ended. */
static void watch(const struct zap_bare_config *config, pid_t pid, int fd, struct zap_bare *bare)
{
    struct zap_usage usage = {.sampled_at_ms = zap_clock_ms()};
    int64_t until_ms = usage.sampled_at_ms + ZAP_BARE_START_MS;
    int64_t queued_ns = 0; /* time that until_ms does not know of */
    bool has_begun = false, is_open = true;
    for (;;) {
        struct pollfd wait = {.fd = is_open ? fd : -1, .events = POLLIN};
        poll(&wait, 1, is_open ? LOOK_MS : END_MS);
        if (wait.revents)
            is_open = hear(fd, bare);
        if (!has_begun && bare->said_len > 0) {
            has_begun = true;
            until_ms = zap_clock_ms() + config->deadline_ms;
            queued_ns = 0;
        }
        if (waitpid(pid, &bare->status, WNOHANG) == pid) {
            bare->end = ZAP_BARE_ENDED;
            return;
        }
        int64_t now_ms = zap_clock_ms();
        if (now_ms - usage.sampled_at_ms >= LOOK_MS) {
            zap_usage_sample(&usage, pid, now_ms);
            queued_ns += usage.queued_ns;
        }
        if (config->interrupted && *config->interrupted)
            bare->end = ZAP_BARE_INTERRUPTED;
        else if (config->memory_kib && usage.resident_kib > config->memory_kib)
            bare->end = ZAP_BARE_EXHAUSTED;
        else if (now_ms - queued_ns / 1000000 >= until_ms)
            bare->end = ZAP_BARE_TIMED_OUT;
        else
            bare->end = ZAP_BARE_ENDED;
        if (bare->end != ZAP_BARE_ENDED)
            break;
        if (config->tick)
            config->tick(config->context);
    }
    kill(-pid, SIGKILL);
    waitpid(pid, &bare->status, 0);
}

void zap_bare_run(const struct zap_bare_config *config, struct zap_bare *ret_bare)
{
    int fds[2];
    ret_bare->status = 0;
    ret_bare->said_len = 0;
    ret_bare->said[0] = '\0';
    ret_bare->is_cut = false;
    ret_bare->end = ZAP_BARE_FAILED;
    if (pipe2(fds, O_CLOEXEC) < 0) {
        snprintf(ret_bare->said, sizeof ret_bare->said, "%s", strerror(errno));
        return;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        be_child(config, fds[1], parent);
    close(fds[1]);
    if (pid < 0) {
        snprintf(ret_bare->said, sizeof ret_bare->said, "%s", strerror(errno));
    } else {
        setpgid(pid, pid);
        fcntl(fds[0], F_SETFL, O_NONBLOCK);
        watch(config, pid, fds[0], ret_bare);
        kill(-pid, SIGKILL); /* what it may have started */
        hear_rest(fds[0], ret_bare);
        if (ret_bare->end == ZAP_BARE_ENDED && WIFEXITED(ret_bare->status) &&
            WEXITSTATUS(ret_bare->status) == 127)
            ret_bare->end = ZAP_BARE_FAILED;
    }
    close(fds[0]);
}
