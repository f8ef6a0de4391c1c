/* A child process that stands by, with everything initialised, does a job that ruins a process, and
 * is taken back (py/rewind.h) for the next. What a fork would give, without its price. */
#ifndef ZAP_PY_STANDBY_H
#define ZAP_PY_STANDBY_H

#include <stdbool.h>
#include <stddef.h>

/* One for the life of a process. Requests are in memory that is shared with the child. */
struct zap_standby {
    /* Before the job, what it would make and could as well find: in the parent before it forks, and
     * in the child. Returns whether anything changed: it is to there that the child is taken back
     * from then on. */
    bool (*prepare)(const void *request);
    /* In the child: the job, which ends an interpreter, say. It may also end the process. */
    void (*work)(const void *request);
    /* In the child that is not taken back, after its last job: end the process. */
    void (*leave)(void);
    /* In the parent, again and again while it waits. */
    void (*wait)(void);
    size_t size; /* of a request */
};

/* Where to write the next request. */
void *zap_standby_request(const struct zap_standby *standby);

/* Would the next job be done by a child that lasts? The first few would not, because a mark costs
 * what some forks do, and none is where a process cannot be taken back. Ask once for each job. */
bool zap_standby_lasts(void);

/* Have the request done.
 *
 * may_last  false: by a child that ends then, as it would without any of this
 * Returns   whether the child has done it. Where not, what it has written to shared memory is to be
 *           taken for nothing
 */
bool zap_standby_do(const struct zap_standby *standby, bool may_last);

#endif
