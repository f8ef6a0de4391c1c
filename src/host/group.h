/* A group of processes that ends as one: an engine, its helpers and theirs.
 *
 * Nothing in it outlives this process, however this process ends: a keeper, which leads the group,
 * waits for that and then kills it. Signals of the terminal do not reach the group.
 */
#ifndef ZAP_HOST_GROUP_H
#define ZAP_HOST_GROUP_H

#include "base/status.h"

#include <sys/types.h>

struct zap_group {
    pid_t keeper; /* 0: there is no group */
    int life;     /* the keeper waits for this to close */
};

/* How to start a program. */
struct zap_group_program {
    const char *path;
    char *const *argv;
    char *const *environment;
    int output; /* of stdout and stderr; borrowed */
};

/* Start a group, with nobody in it but the keeper.
 *
 * Returns  ZAP_OK or ZAP_E_IO (errno)
 */
enum zap_status zap_group_start(struct zap_group *ret_group);

/* Start a program in it. Its input is empty, it leaves no core, and its signals are as usual.
 *
 * Returns  the process, a child of this one, or -1 with errno; where the program cannot be started
 *          it exits with 127 after one line on its output
 */
pid_t zap_group_spawn(const struct zap_group *group, const struct zap_group_program *program);

/* Send a signal to all that are in it. The keeper minds SIGKILL alone. */
void zap_group_signal(const struct zap_group *group, int number);

/* Kill all that are in it. The caller reaps its children. Fine with a zeroed one. */
void zap_group_release(struct zap_group *group);

#endif
