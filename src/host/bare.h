/* Runs a script on a bare interpreter, under a deadline and a limit of memory. */
#ifndef ZAP_HOST_BARE_H
#define ZAP_HOST_BARE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ZAP_BARE_START_MS = 20 * 1000, /* until it says a first line: an interpreter with sanitizers */
    ZAP_BARE_SAID_MAX = 1024 * 1024,
};

/* All is borrowed. */
struct zap_bare_config {
    const char *python;   /* the interpreter */
    const char *script;   /* a file */
    bool is_verbose;      /* with -vv, in UTF-8, and without `site`, of which it would tell most */
    uint32_t deadline_ms; /* from its first line on, as far as a processor was free (usage.h) */
    uint32_t memory_kib;  /* resident */
    const volatile sig_atomic_t *interrupted; /* not 0: end at once; NULL: nobody interrupts */
    void (*tick)(void *context);              /* often; NULL: none */
    void *context;
};

enum zap_bare_end {
    ZAP_BARE_ENDED,     /* by itself: status */
    ZAP_BARE_TIMED_OUT, /* it was still running */
    ZAP_BARE_EXHAUSTED, /* it took too much memory */
    ZAP_BARE_INTERRUPTED,
    ZAP_BARE_FAILED, /* it could not be started: said */
};

struct zap_bare {
    enum zap_bare_end end;
    int status; /* as waitpid gives it */
    /* What it printed, stdout and stderr as they came, from the beginning on; as a string, NUL
     * bytes as '?'. */
    char said[ZAP_BARE_SAID_MAX];
    size_t said_len;
    bool is_cut; /* it printed more */
};

/* Run it, with its output unbuffered and hashes that are the same every time, in a process group of
 * its own, of which nothing is left afterwards. Nothing of it outlives this process.
 *
 * ret_bare  big: keep it on the heap
 */
void zap_bare_run(const struct zap_bare_config *config, struct zap_bare *ret_bare);

#endif
