/* Runs programs in a group, with one pipe for what they all print.
 *
 * Helpers of a program may hold the pipe longer than it lives, so the end of a program is what
 * waitpid says and never the end of the pipe.
 */
#include "host/programs.h"

#include "host/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 50 };

enum zap_status zap_programs_init(void (*take_line)(const char *line, void *context), void *context,
                                  struct zap_programs *ret_programs)
{
    memset(ret_programs, 0, sizeof *ret_programs);
    ret_programs->take_line = take_line;
    ret_programs->context = context;
    ret_programs->output = ret_programs->input = -1;
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return ZAP_E_IO;
    ret_programs->output = fds[0];
    ret_programs->input = fds[1];
    if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
        return ZAP_E_IO;
    return zap_group_start(&ret_programs->group);
}

enum zap_status zap_programs_start(struct zap_programs *programs,
                                   const struct zap_engine_command *command)
{
    pid_t *pids = realloc(programs->pids, (programs->count + 1) * sizeof *pids);
    if (!pids)
        return ZAP_E_IO;
    programs->pids = pids;
    const struct zap_group_program program = {
        .path = command->path,
        .argv = command->argv,
        .environment = command->environment,
        .output = programs->input,
    };
    pid_t pid = zap_group_spawn(&programs->group, &program);
    if (pid < 0)
        return ZAP_E_IO;
    pids[programs->count++] = pid;
    programs->running++;
    return ZAP_OK;
}

/* ------------------------------------------------------------------ listening */

static void end_line(struct zap_programs *programs)
{
    programs->line[programs->len] = '\0';
    if (programs->len > 0)
        programs->take_line(programs->line, programs->context);
    programs->len = 0;
}

/* ESC [ figures letter, or ESC and one or two others, as terminals have them. */
static bool is_in_escape(struct zap_programs *programs, char c)
{
    enum { NONE, BEGUN, FIGURES, ONE_MORE };
    switch (programs->escape) {
    case BEGUN:
        programs->escape = c == '[' ? FIGURES : c == '(' || c == ')' ? ONE_MORE : NONE;
        return true;
    case FIGURES:
        if (c >= '@' && c <= '~')
            programs->escape = NONE;
        return true;
    case ONE_MORE:
        programs->escape = NONE;
        return true;
    }
    if (c == '\033')
        programs->escape = BEGUN;
    return c == '\033';
}

static void take_bytes(struct zap_programs *programs, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        if (is_in_escape(programs, c))
            continue;
        if (c == '\n' || c == '\r') {
            end_line(programs);
        } else if (programs->len + 1 < sizeof programs->line) {
            bool is_plain = (unsigned char)c >= 0x20 || c == '\t';
            programs->line[programs->len++] = is_plain ? c : '?';
        }
    }
}

static void listen(struct zap_programs *programs)
{
    char bytes[4096];
    for (;;) {
        ssize_t got = read(programs->output, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        take_bytes(programs, bytes, (size_t)got);
    }
}

static void reap(struct zap_programs *programs)
{
    for (size_t i = 0; i < programs->count; i++) {
        int status;
        if (programs->pids[i] == 0 || waitpid(programs->pids[i], &status, WNOHANG) == 0)
            continue;
        programs->pids[i] = 0;
        programs->running--;
        if (programs->status == 0)
            programs->status = status;
    }
}

void zap_programs_look(struct zap_programs *programs, int timeout_ms)
{
    struct pollfd fd = {.fd = programs->output, .events = POLLIN};
    poll(&fd, 1, timeout_ms < LOOK_MS ? timeout_ms : LOOK_MS);
    reap(programs); /* before listening: what it printed last is there */
    listen(programs);
}

/* ------------------------------------------------------------------ ending */

void zap_programs_stop(struct zap_programs *programs, int number, int timeout_ms)
{
    int64_t until_ms = zap_clock_ms() + timeout_ms;
    zap_group_signal(&programs->group, number);
    while (programs->running > 0 && zap_clock_ms() < until_ms)
        zap_programs_look(programs, LOOK_MS);
    if (programs->running > 0)
        zap_group_signal(&programs->group, SIGKILL);
    while (programs->running > 0)
        zap_programs_look(programs, LOOK_MS);
    end_line(programs);
}

void zap_programs_release(struct zap_programs *programs)
{
    zap_group_release(&programs->group);
    for (size_t i = 0; i < programs->count; i++) {
        while (programs->pids[i] != 0 && waitpid(programs->pids[i], NULL, 0) < 0 && errno == EINTR)
            ;
    }
    if (programs->output >= 0 && programs->take_line)
        close(programs->output);
    if (programs->input >= 0 && programs->take_line)
        close(programs->input);
    free(programs->pids);
    memset(programs, 0, sizeof *programs);
}
