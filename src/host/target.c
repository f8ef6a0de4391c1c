/* Runs a fuzz target on a file. */
#include "host/target.h"

#include "host/clock.h"
#include "host/programs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { LOOK_MS = 50, EXIT_NOT_STARTED = 127 };

struct listener {
    enum zap_engine_rank rank;
    struct zap_target_answer *answer;
};

static void take_line(const char *line, void *context)
{
    struct listener *listener = context;
    const char *reason = NULL;
    enum zap_engine_rank rank = zap_engine_rank_line(line, &reason);
    if (rank > listener->rank) { /* the first of a rank says most, and 1 is any line */
        listener->rank = rank;
        snprintf(listener->answer->reason, sizeof listener->answer->reason, "%s", reason);
    }
}

/* Words of fuzz/fuzz.c about CPython; whatever else a target says is about itself. */
static bool is_about_python(const char *reason)
{
    static const char *const starts[] = {"BROKEN ", "not so "};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (strncmp(reason, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}

static void describe(int status, const struct listener *listener)
{
    struct zap_target_answer *answer = listener->answer;
    bool has_spoken = listener->rank == ZAP_ENGINE_RANK_TARGET && !is_about_python(answer->reason);
    bool has_started = !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_NOT_STARTED;
    answer->is_good = status == 0;
    answer->is_refusal = !answer->is_good && (has_spoken || !has_started);
    if (status == 0)
        answer->reason[0] = '\0';
    else if (listener->rank < ZAP_ENGINE_RANK_ENGINE && WIFSIGNALED(status))
        snprintf(answer->reason, sizeof answer->reason, "it died of signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (listener->rank < ZAP_ENGINE_RANK_ANY)
        snprintf(answer->reason, sizeof answer->reason, "it ended with status %d",
                 WEXITSTATUS(status));
}

void zap_target_run(const struct zap_engine_setup *setup, const char *file,
                    const volatile sig_atomic_t *interrupted, struct zap_target_answer *ret_answer)
{
    memset(ret_answer, 0, sizeof *ret_answer);
    struct listener listener = {.answer = ret_answer};
    struct zap_engine_command command;
    struct zap_programs programs;
    zap_engine_play(setup, file, &command);
    if (zap_programs_start(&command, 1, take_line, &listener, &programs) != ZAP_OK) {
        ret_answer->is_refusal = true;
        snprintf(ret_answer->reason, sizeof ret_answer->reason, "it cannot be started: %s",
                 strerror(errno));
    } else {
        int64_t until_ms = zap_clock_ms() + (int64_t)setup->deadline_ms + ZAP_ENGINE_SLACK_MS;
        bool is_late = false;
        while (programs.running > 0 && !is_late && !ret_answer->is_given_up) {
            zap_programs_look(&programs, LOOK_MS);
            is_late = zap_clock_ms() >= until_ms;
            ret_answer->is_given_up = interrupted && *interrupted;
        }
        if (programs.running == 0)
            describe(programs.status, &listener);
        else
            snprintf(ret_answer->reason, sizeof ret_answer->reason,
                     is_late ? "it does not end" : "interrupted");
    }
    zap_programs_release(&programs);
    zap_engine_command_release(&command);
}
