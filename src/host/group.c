/* Process groups with a keeper.
 *
 * PR_SET_PDEATHSIG alone is not enough: it reaches a child, and not the shells and jobs that
 * libFuzzer starts in turn, which would go on for minutes. So the leader of the group is a small
 * process that does nothing but read from a pipe whose other end is only here: when this process is
 * gone, the read ends, and the keeper kills the group, itself included.
 */
#include "host/group.h"

#include "base/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child. */
ZAP_NORETURN static void keep(int life)
{
    setpgid(0, 0);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    dup2(life, 0);
    close_range(1, ~0U, 0);
    char byte;
    while (read(0, &byte, 1) < 0 && errno == EINTR)
        ;
    kill(0, SIGKILL);
    _exit(0);
}

enum zap_status zap_group_start(struct zap_group *ret_group)
{
    int life[2];
    if (pipe2(life, O_CLOEXEC) < 0)
        return ZAP_E_IO;
    pid_t keeper = fork();
    if (keeper == 0)
        keep(life[0]);
    int error = errno;
    close(life[0]);
    if (keeper < 0) {
        close(life[1]);
        errno = error;
        return ZAP_E_IO;
    }
    setpgid(keeper, keeper); /* it does so too: whoever comes first */
    ret_group->keeper = keeper;
    ret_group->life = life[1];
    return ZAP_OK;
}

/* In the child. Only what is safe between fork and exec. */
ZAP_NORETURN static void exec_program(const struct zap_group *group, pid_t host,
                                      const struct zap_group_program *program)
{
    setpgid(0, group->keeper);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != host)
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
    static const int usual[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGQUIT, SIGHUP};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        signal(usual[i], SIG_DFL);
    execve(program->path, program->argv, program->environment);
    dprintf(2, "cannot start %s: %s\n", program->path, strerror(errno));
    _exit(127);
}

pid_t zap_group_spawn(const struct zap_group *group, const struct zap_group_program *program)
{
    pid_t host = getpid();
    pid_t pid = fork();
    if (pid == 0)
        exec_program(group, host, program);
    if (pid > 0)
        setpgid(pid, group->keeper);
    return pid;
}

void zap_group_signal(const struct zap_group *group, int number)
{
    kill(-group->keeper, number);
}

void zap_group_release(struct zap_group *group)
{
    if (group->keeper == 0)
        return;
    kill(-group->keeper, SIGKILL);
    close(group->life);
    while (waitpid(group->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    memset(group, 0, sizeof *group);
}
