/* Why a worker is not there any more, as a verdict and one line. */
#ifndef ZAP_HOST_DEATH_H
#define ZAP_HOST_DEATH_H

#include "host/stack.h"
#include "proto/proto.h"

enum { ZAP_SIGNATURE_SIZE = 80 };

/* Did the host end it, and what for? */
enum zap_killed {
    ZAP_KILLED_NOT,
    ZAP_KILLED_DEADLINE, /* no progress */
    ZAP_KILLED_MEMORY,   /* over its limit within one plan */
    ZAP_KILLED_LEAK,     /* over its limit, but little by little, over many plans */
    ZAP_KILLED_GARBAGE,  /* it said what no worker says */
    ZAP_KILLED_STOP,     /* because the session is over: no verdict */
};

/* What is known of a death. */
struct zap_death_facts {
    int status; /* as waitpid gives it */
    enum zap_killed killed;
    uint32_t phase;     /* enum zap_phase, or damaged */
    bool has_hello;     /* it had said hello */
    const char *detail; /* borrowed, "": deadline, memory, garbage in figures */
    const char *tail;   /* borrowed: what it wrote on stderr, or the end of it; any bytes */
    const struct zap_stack *stack; /* borrowed: where the signal came; NULL: not known */
};

struct zap_death {
    enum zap_verdict verdict; /* CRASHED, TIMED_OUT, EXHAUSTED, HARNESS; VOID for KILLED_STOP */
    uint32_t phase;
    /* Fit for a file name, and the same for the same bug on one build:
     * "SIGSEGV-insertdict-1f2e3d4c", "exit-0", "timeout", "endless-wipe" and "endless-new"
     * (TIMED_OUT by count, not by clock), ... */
    char signature[ZAP_SIGNATURE_SIZE];
    char reason[256]; /* one line: what, where, the line that names the cause, the top of the stack
                       */
    char tail[2048];  /* the end of its stderr, printable */
    struct zap_stack stack; /* of the sanitizer's report, where that is the cause */
};

/* Classify a death.
 *
 * Same  for the same facts
 */
void zap_death_classify(const struct zap_death_facts *facts, struct zap_death *ret_death);

/* What a worker does in a phase, in words: "the route". */
const char *zap_death_phase(uint32_t phase);

#endif
