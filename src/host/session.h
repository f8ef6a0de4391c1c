/* A session of `pyzap check`: the same random plans on many builds, side by side. */
#ifndef ZAP_HOST_SESSION_H
#define ZAP_HOST_SESSION_H

#include "host/builds.h"
#include "host/canary.h"
#include "host/knowns.h"
#include "host/worker.h"

#include <signal.h>

struct zap_session;

enum { ZAP_SESSION_TICK_MS = 200 };

struct zap_run;
struct zap_filed;

/* What to do; zero means the default. All pointers are borrowed for the session's life. */
struct zap_session_config {
    const struct zap_builds_row *const *builds;
    size_t builds_count;
    struct zap_gen_config gen;
    uint32_t flags;   /* ZAP_RUN_* */
    uint64_t plans;   /* on each build; 0: no limit */
    uint64_t time_ms; /* for each build, from its first plan on; 0: no limit */
    size_t jobs;      /* builds side by side; 0: all */
    const char *out;  /* folder for findings, made when there is one; NULL: none are filed */
    const struct zap_builds *all; /* that a finding is tried on; NULL: only the one that shows it */
    const struct zap_knowns *knowns; /* findings that are told of as known; NULL: none are */
    struct zap_worker_config worker; /* without path */
    const volatile sig_atomic_t *interrupted; /* not 0: end soon; NULL: nobody interrupts */
    void (*tick)(void *context, const struct zap_session *session); /* every ZAP_SESSION_TICK_MS */
    /* A finding is met for the first time: where its path is not empty, its folder is there and
     * whole, and stays, or goes to where the flaky ones are. NULL: nobody wants to know. */
    void (*filed)(void *context, const struct zap_run *run, const struct zap_filed *filed);
    void *context;
};

enum zap_run_state {
    ZAP_RUN_WAITING,
    ZAP_RUN_CANARIES,
    ZAP_RUN_STARTING,
    ZAP_RUN_RUNNING,
    ZAP_RUN_OVER,
    ZAP_RUN_SHRINKING, /* over, and what it found is being made smaller and examined */
};

/* What has been counted; over all workers of a build, the one at work included. */
struct zap_tally {
    uint64_t plans, checks;
    uint64_t findings; /* plans with a verdict that is a finding */
    uint64_t
        verdicts[ZAP_VERDICT_COUNT]; /* plan x invariant; of plans: CRASHED and those after it */
    uint64_t held[ZAP_INVARIANT_COUNT], broken[ZAP_INVARIANT_COUNT];
    uint64_t shows[ZAP_FEATURE_COUNT];
};

/* How often one thing was found on one build: what has the same signature. */
struct zap_sight {
    char signature[ZAP_SIGNATURE_SIZE];
    uint64_t count;
    const struct zap_known *known; /* of run->knowns; NULL: it is new */
};

/* What was seen of a finding when it was met. */
struct zap_evidence {
    struct zap_judgement judgement; /* of a BROKEN one */
    struct zap_death death;         /* of all others */
    struct zap_trace trace;
};

/* A finding: the first plan of a build that shows a thing. */
struct zap_filed {
    uint64_t index;
    enum zap_verdict verdict;
    char signature[ZAP_SIGNATURE_SIZE];
    char reason[256];              /* of a death; BROKEN: all invariants that the plan broke */
    uint64_t broken;               /* the same as a set: bit per enum zap_invariant_code */
    char *path;                    /* owned; "" where filing failed, or nothing is filed */
    bool is_old;                   /* the folder of an earlier session shows it already */
    bool is_flaky;                 /* it did not happen again */
    unsigned runs, reproduced;     /* alone; 0 and 0: it was not examined */
    bool was_there;                /* session.c alone: see zap_finding_file_first */
    struct zap_evidence *evidence; /* session.c alone: owned; NULL where nothing is filed */
};

/* One build's part of a session. */
struct zap_run {
    const struct zap_builds_row *row;
    enum zap_run_state state;
    struct zap_build build; /* from a hello; version 0 before there was one */
    int64_t started_at_ms;  /* the first command; 0 before it */
    double seconds;         /* since then; final when OVER */
    uint32_t start_kib,
        end_kib;        /* resident: of the first worker at hello, of the last at its end */
    int64_t growth_kib; /* the most that one worker grew */
    uint32_t restarts;
    char failure[512];       /* "" or why this build's run is pyzap's own failure; one line */
    struct zap_filed *filed; /* owned */
    size_t filed_count;
    struct zap_sight *sights; /* owned */
    size_t sights_count;
    /* What is known of this build, and whether it still happens: learnt when something is found. */
    struct zap_knowns_of knowns;

    /* session.c alone */
    struct zap_tally past; /* of the workers that are gone */
    struct zap_worker worker;
    struct zap_canaries canaries;
    uint64_t next; /* index of the plan to go on from */
    bool is_stopping;
    bool has_learnt;
    int64_t kill_at_ms; /* 0: never */
    uint32_t harness_deaths;
};

struct zap_session {
    struct zap_session_config config;
    struct zap_run *runs; /* owned; one for each build, in order */
    bool was_interrupted;
    char write_failure[512]; /* "" or why findings could not be filed; one line */
};

/* Run a session to its end: canaries on each build first, then plans until the limit, with a new
 * worker wherever one dies; and then what was filed is made smaller and examined, unless somebody
 * interrupts.
 *
 * ret_session  release it
 * Returns      ZAP_OK, whatever was found; ZAP_E_LIMIT where there is no memory for it
 */
enum zap_status zap_session_run(const struct zap_session_config *config,
                                struct zap_session *ret_session);

void zap_session_release(struct zap_session *session);

/* How many of a build's plans showed something new. */
uint64_t zap_session_news(const struct zap_run *run);

/* A build's counts now. */
void zap_session_tally(const struct zap_run *run, struct zap_tally *ret_tally);

/* 0 nothing new found, 1 findings, 70 pyzap's own failure (which outweighs findings). */
int zap_session_exit_status(const struct zap_session *session);
enum { ZAP_EXIT_OK = 0, ZAP_EXIT_FINDINGS = 1, ZAP_EXIT_USAGE = 2, ZAP_EXIT_FAILURE = 70 };

#endif
