/* A fuzz target, run on one file without its engine's loop: to see that it starts, and what it says
 * of an artefact. */
#ifndef ZAP_HOST_TARGET_H
#define ZAP_HOST_TARGET_H

#include "host/engine.h"

#include <signal.h>

struct zap_target_answer {
    bool is_good;     /* it took the file, and ended well */
    bool is_given_up; /* somebody interrupted */
    bool is_refusal;  /* it did not start, or pyzap's own code in it failed */
    char reason[256]; /* "" or one line: what it said, or how it ended */
};

/* Run the target on a file and wait for its end, which a deadline brings about.
 *
 * interrupted  not 0: give it up; NULL: nobody interrupts
 */
void zap_target_run(const struct zap_engine_setup *setup, const char *file,
                    const volatile sig_atomic_t *interrupted, struct zap_target_answer *ret_answer);

#endif
