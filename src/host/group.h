/* A group of programs that ends as one: an engine, its helpers and theirs.
 *
 * Nothing in it outlives this process, however this process ends, nor the release of the group: a
 * keeper sees to that. Signals of the terminal do not reach the group.
 */
#ifndef ZAP_HOST_GROUP_H
#define ZAP_HOST_GROUP_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct zap_group {
    pid_t keeper; /* 0: there is no group */
    int orders;   /* to the keeper: a byte is a signal to pass on, the end means to kill them all */
    int news;     /* from the keeper; to be polled */
};

/* How to start a program; all is borrowed. */
struct zap_group_program {
    const char *path;
    char *const *argv;
    char *const *environment;
    int output; /* of stdout and stderr */
};

/* Start programs. Their input is empty, they leave no core, and signals are as usual for them. One
 * that cannot be started says so in a line on its output and has ended with 127.
 *
 * Returns  ZAP_OK or ZAP_E_IO (errno)
 */
enum zap_status zap_group_start(const struct zap_group_program *programs, size_t count,
                                struct zap_group *ret_group);

/* Has one of them ended that had not when this was called last? Does not wait.
 *
 * ret_status  as waitpid gives it
 */
bool zap_group_look(struct zap_group *group, int *ret_status);

/* Send a signal to all that have not left the group (as AFL++'s targets do). */
void zap_group_signal(const struct zap_group *group, int number);

/* Kill all of them and what they have started, wherever it is. Fine with a zeroed one. */
void zap_group_release(struct zap_group *group);

#endif
