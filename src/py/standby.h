/* A child process that stands by, with everything initialised, does a job that ruins a process, and
 * is taken back (py/rewind.h) for the next. What a fork would give, without its price. */
#ifndef ZAP_PY_STANDBY_H
#define ZAP_PY_STANDBY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Zeroed, but for what the owner sets. Requests are in memory that is shared with the child. */
struct zap_standby {
    /* In a child that is going to be taken back, once: where each job begins. Or NULL. */
    void (*begin)(const void *request);
    /* Before each job, what it would make and could as well find: in the parent before it forks,
     * and in the child. Returns whether anything changed: it is to there that the child is taken
     * back from then on. */
    bool (*prepare)(const void *request);
    /* In the child: the job, which ends an interpreter, say. It may also end the process. */
    void (*work)(const void *request);
    /* In the child that is not taken back, after its last job: end the process. */
    void (*leave)(void);
    /* In the parent, again and again while it waits. */
    void (*wait)(void);
    size_t size; /* of a request */

    /* standby.c's own: */
    pid_t child; /* 0: none */
    int socket;
    void *request;  /* shared with it */
    unsigned asked; /* for one that lasts, since the last one was lost */
    bool cannot;    /* be taken back, here */
};

/* Where to write the next request. */
void *zap_standby_request(struct zap_standby *standby);

/* Would the next job be done by a child that lasts? The first few would not, because a mark costs
 * what some forks do, and none is where a process cannot be taken back. Ask once for each job. */
bool zap_standby_lasts(struct zap_standby *standby);

/* Have the request done.
 *
 * may_last  false: by a child that ends then, as it would without any of this
 * Returns   whether the child has done it. Where not, what it has written to shared memory is to be
 *           taken for nothing
 */
bool zap_standby_do(struct zap_standby *standby, bool may_last);

#endif
