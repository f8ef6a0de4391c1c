/* What an engine has left behind, made into findings.
 *
 * An artefact is a file of bytes that the target died of. Its plan is run alone, on the build's
 * ordinary worker, and judged as any other: what it breaks there decides which kind of finding it
 * shows. Of each kind the smallest artefact is filed, and made smaller; the others are counted.
 *
 * Artefacts are removed when the finding they show is filed and made smaller, and not before, so
 * an end at any moment costs time and nothing else. One that does nothing alone is moved aside.
 */
#ifndef ZAP_HOST_TRIAGE_H
#define ZAP_HOST_TRIAGE_H

#include "host/engine.h"
#include "host/knowns.h"
#include "host/player.h"

#include <signal.h>

enum {
    ZAP_TRIAGE_SLOW_MAX = 3, /* artefacts of one slow kind that are run; the others are believed */
    ZAP_TRIAGE_REPLAYS_MAX = 16, /* artefacts that do nothing alone are run in the target again */
};

/* All pointers are borrowed. */
struct zap_triage_config {
    const struct zap_builds_row *row;
    const struct zap_builds *builds; /* that a finding is tried on; NULL: only that one */
    const struct zap_knowns *knowns; /* findings that are told of as known; NULL: none are */
    struct zap_worker_config worker; /* without path */
    const struct zap_engine_setup *setup;
    const char *target; /* "teardown" */
    const char *out;
    const char *aside;                        /* folder for artefacts that do nothing alone */
    const volatile sig_atomic_t *interrupted; /* not 0: end soon; NULL: nobody interrupts */
    void (*tick)(void *context);              /* often; NULL: none */
    void *context;
};

/* One kind of finding. */
struct zap_triage_kind {
    enum zap_verdict verdict;
    char signature[ZAP_SIGNATURE_SIZE]; /* of a BROKEN plan, its first broken invariant */
    char reason[256];
    uint64_t artefacts;  /* that show it, in this campaign */
    uint64_t plans;      /* of the corpus that do */
    bool is_old;         /* its folder was there, from before this campaign, and shows it */
    bool is_flaky;       /* it did not happen again when it was examined */
    char path[PATH_MAX]; /* of its folder; "" where there is none */
    const struct zap_known *known; /* of triage->learnt; NULL: it is new */

    /* triage.c alone */
    char artefact[PATH_MAX];     /* that it was filed with, until it is settled */
    bool is_corpus;              /* that is a plan of the corpus */
    bool was_there;              /* see zap_finding_file_first */
    struct zap_outcome *outcome; /* owned: what it did then */
};

struct zap_triage {
    struct zap_triage_config config;
    struct zap_triage_kind *kinds; /* owned */
    size_t kinds_count;
    struct zap_knowns_of learnt; /* what is known of the build: asked when something is found */
    bool has_learnt;
    uint64_t artefacts;   /* that were looked at */
    uint64_t plans;       /* of the corpus that were */
    uint64_t left;        /* that were not, because somebody interrupted */
    uint64_t aside;       /* that do nothing alone */
    char aside_says[256]; /* "" or what the target said of one of them when it ran it again */
    char failure[512];    /* "" or why this is pyzap's own failure; one line */
};

void zap_triage_init(struct zap_triage *triage, const struct zap_triage_config *config);

/* Look at all artefacts in the engine's folders. To be called when no engine is at work; may be
 * called again for what was found since.
 *
 * corpus  folder of plans to look at as well, which stay where they are; NULL: none. An engine says
 *         nothing of what it is given to begin with (AFL++ drops what kills the target).
 */
void zap_triage_run(struct zap_triage *triage, const char *corpus);

/* How many of the kinds are new. */
size_t zap_triage_news(const struct zap_triage *triage);

void zap_triage_release(struct zap_triage *triage);

#endif
