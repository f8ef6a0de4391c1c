/* Canaries: workers of one build that misbehave on purpose, each in its own way and all at once, to
 * prove that what they do is seen for what it is. Where that fails, a run on that build proves
 * nothing. */
#ifndef ZAP_HOST_CANARY_H
#define ZAP_HOST_CANARY_H

#include "host/worker.h"

#include <poll.h>

struct zap_canaries {
    struct zap_worker workers[ZAP_CANARY_END];
    bool is_over[ZAP_CANARY_END];
    bool has_finding; /* of the one that breaks an invariant */
    bool all_over;
    struct zap_build build; /* as one of them said in its hello; version 0 before that */
    char failure[400];      /* "" or one line about one that was not seen for what it is, ... */
    size_t failed;          /* ... the first of them in the order of the table */
};

/* Start them.
 *
 * config        of ordinary workers of that build; canaries have their own limits
 * ret_canaries  release it
 */
void zap_canaries_start(const struct zap_worker_config *config, struct zap_canaries *ret_canaries);

/* See how they are, without waiting. To be called when a descriptor of theirs has something to read
 * and at least every ZAP_CANARY_TICK_MS. canaries->all_over says when there is nothing more to see.
 */
void zap_canaries_look(struct zap_canaries *canaries, int64_t now_ms);
enum { ZAP_CANARY_TICK_MS = 10 };

/* Add to `fds` what to wait for; returns how many, at most ZAP_CANARY_END. */
size_t zap_canaries_fds(const struct zap_canaries *canaries, struct pollfd *fds);

void zap_canaries_release(struct zap_canaries *canaries);

#endif
