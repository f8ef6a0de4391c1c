/* A campaign of `pyzap fuzz`: one engine on one build, from the corpus to the findings. */
#ifndef ZAP_HOST_CAMPAIGN_H
#define ZAP_HOST_CAMPAIGN_H

#include "host/corpus.h"
#include "host/programs.h"
#include "host/triage.h"

#include <stdio.h>

struct zap_campaign;

enum { ZAP_CAMPAIGN_TICK_MS = 200 };

/* What to do. All pointers are borrowed for the campaign's life. */
struct zap_campaign_config {
    const struct zap_builds_row *row;
    const struct zap_builds *builds; /* that a finding is tried on; NULL: only that one */
    const struct zap_knowns *knowns; /* findings that are told of as known; NULL: none are */
    enum zap_engine engine;
    const char *target; /* "teardown" */
    const char *folder; /* of the targets */
    const char *out;    /* for findings; the engine works in OUT/fuzz */
    const char *corpus;
    uint64_t jobs, deadline_ms, memory_mib;
    uint64_t time_ms;      /* 0: no limit */
    uint64_t max_findings; /* as zap_engine_findings counts them; 0: no limit */
    const char *const *flags;
    size_t flags_count;
    const volatile sig_atomic_t *interrupted; /* not 0: end soon; NULL: nobody interrupts */
    void (*tick)(void *context, const struct zap_campaign *campaign); /* every ..._TICK_MS */
    void *context;
};

enum zap_campaign_state {
    ZAP_CAMPAIGN_LOOKING_BACK, /* at what an earlier one has left */
    ZAP_CAMPAIGN_STARTING,
    ZAP_CAMPAIGN_FUZZING,
    ZAP_CAMPAIGN_STOPPING,
    ZAP_CAMPAIGN_TRIAGING,
    ZAP_CAMPAIGN_MINIMISING,
};

struct zap_campaign {
    struct zap_campaign_config config;
    enum zap_campaign_state state;
    char executable[PATH_MAX]; /* the target */
    char work[PATH_MAX];       /* OUT/fuzz/ENGINE-TARGET-BUILD */
    char log[PATH_MAX];        /* what the engine printed */
    char aside[PATH_MAX];      /* artefacts that do nothing alone */
    struct zap_engine_progress progress;
    double counted_at; /* as seconds: when executions were last told */
    double seconds;    /* of the engine */
    size_t corpus_before, corpus_after,
        corpus_now; /* plans in the corpus: at first, when the engine
                       had ended, and when it was made smaller */
    struct zap_triage triage;
    bool was_interrupted, has_ended_itself, has_bad_flag, has_found_enough;
    int failure_status; /* 0, or the exit status that says whose fault ... */
    char failure[768];  /* ... this is; one line */
    char note[512];     /* "" or why the corpus was not made smaller; one line */

    /* campaign.c alone */
    struct zap_corpus corpus;
    struct zap_engine_setup setup;
    struct zap_programs programs;
    int lock;
    bool is_taken; /* what the engine has found is in the corpus */
    FILE *log_file;
    long log_len;
    enum zap_engine_rank rank;
    char last_words[256];
    int64_t ticked_at_ms;
};

/* The executable of a target; false where there is none. */
bool zap_campaign_target(const char *folder, enum zap_engine engine, const char *target,
                         const char *build, char ret_path[PATH_MAX]);

/* See that all can be had that it takes, and make what is missing; nothing is started yet.
 *
 * ret_campaign  release it in both cases
 * ret_why       on failure: one line
 * Returns       ZAP_OK, or ZAP_E_IO where there is a mistake that somebody has to correct first
 */
enum zap_status zap_campaign_open(const struct zap_campaign_config *config,
                                  struct zap_campaign *ret_campaign, struct zap_str *ret_why);

/* Run the engine until its time is up, it has found enough, somebody interrupts, or it ends; take
 * what it has found into the corpus, and its artefacts into findings. An interrupt ends the engine
 * and not the rest, which another signal may. */
void zap_campaign_run(struct zap_campaign *campaign);

/* Make the corpus smaller. Nothing is lost when that is cut off. */
void zap_campaign_minimise(struct zap_campaign *campaign);

void zap_campaign_release(struct zap_campaign *campaign);

/* 0 nothing found, 1 findings, 2 wrong flags for the engine, 70 pyzap's own failure. */
int zap_campaign_exit_status(const struct zap_campaign *campaign);

#endif
