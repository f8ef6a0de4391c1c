/* Runs programs in a group, with one pipe for what they all print.
 *
 * Helpers of a program may hold the pipe longer than it lives, so the end of a program is what the
 * keeper says and never the end of the pipe.
 */
#include "host/programs.h"

#include "host/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum zap_status zap_programs_start(const struct zap_engine_command *commands, size_t count,
                                   void (*take_line)(const char *line, void *context),
                                   void *context, struct zap_programs *ret_programs)
{
    memset(ret_programs, 0, sizeof *ret_programs);
    ret_programs->take_line = take_line;
    ret_programs->context = context;
    ret_programs->output = -1;
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return ZAP_E_IO;
    ret_programs->output = fds[0];
    struct zap_group_program *programs = calloc(count, sizeof *programs);
    bool is_good = programs && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0;
    for (size_t i = 0; i < count && is_good; i++) {
        programs[i] = (struct zap_group_program){
            .path = commands[i].path,
            .argv = commands[i].argv,
            .environment = commands[i].environment,
            .output = fds[1],
        };
    }
    is_good = is_good && zap_group_start(programs, count, &ret_programs->group) == ZAP_OK;
    if (is_good)
        ret_programs->running = count;
    int error = errno;
    close(fds[1]);
    free(programs);
    errno = error;
    return is_good ? ZAP_OK : ZAP_E_IO;
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

void zap_programs_look(struct zap_programs *programs, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = programs->output, .events = POLLIN},
                           {.fd = programs->group.news, .events = POLLIN}};
    poll(fds, 2, timeout_ms);
    /* Ends before output: what a program printed last is there by then. */
    for (int status; zap_group_look(&programs->group, &status);) {
        programs->running--;
        if (programs->status == 0)
            programs->status = status;
    }
    listen(programs);
}

void zap_programs_stop(struct zap_programs *programs, int number, int timeout_ms)
{
    int64_t until_ms = zap_clock_ms() + timeout_ms, left_ms = timeout_ms;
    zap_group_signal(&programs->group, number);
    while (programs->running > 0 && left_ms > 0) {
        zap_programs_look(programs, (int)left_ms);
        left_ms = until_ms - zap_clock_ms();
    }
}

void zap_programs_release(struct zap_programs *programs)
{
    zap_group_release(&programs->group);
    if (programs->take_line && programs->output >= 0) {
        listen(programs);
        end_line(programs);
        close(programs->output);
    }
    memset(programs, 0, sizeof *programs);
}
