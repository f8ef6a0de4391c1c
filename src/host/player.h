/* Single plans on one build: for `pyzap replay`, `pyzap show`, and shrinking. */
#ifndef ZAP_HOST_PLAYER_H
#define ZAP_HOST_PLAYER_H

#include "host/builds.h"
#include "host/worker.h"

#include <signal.h>

struct zap_player {
    const struct zap_builds_row *row;
    struct zap_worker_config config;
    uint32_t flags;           /* ZAP_RUN_* */
    struct zap_worker worker; /* started when it is needed, and again after a death */
    /* not 0: a plan at work is given up, with VOID; NULL, as init has it: nobody interrupts */
    const volatile sig_atomic_t *interrupted;
    struct zap_plan plan; /* at work, or waiting for the worker */
    bool is_waiting;
    int start_error; /* errno: no worker could be started for it */
};

/* What became of one plan. */
struct zap_outcome {
    /* VOID: no invariant says anything about this run. HELD: at least one does, and none is broken.
     */
    enum zap_verdict verdict;
    char reason[512];                   /* one line; "" for HELD and BROKEN */
    char signature[ZAP_SIGNATURE_SIZE]; /* of a death, else "" */
    uint32_t phase;                     /* of a death, else 0 */
    char tail[2048];                    /* of a death: the end of what the worker printed */
    struct zap_stack stack;             /* of a death */
    uint64_t checks;
    bool has_judgement;
    struct zap_judgement judgement;
    struct zap_trace trace; /* as far as it got; of no build where no worker started */
};

/* row, config: borrowed for the player's life; config's path is not used. */
void zap_player_init(struct zap_player *player, const struct zap_builds_row *row,
                     const struct zap_worker_config *config, uint32_t flags);

/* Run a plan and wait for the outcome; deadlines see to it that there is one.
 *
 * plan  normal
 */
void zap_player_play(struct zap_player *player, const struct zap_plan *plan,
                     struct zap_outcome *ret_outcome);

/* The same in two steps, for those that have several players: begin with a plan, then look, at once
 * and whenever player->worker.reports has something to read, but every 100 ms at least, until
 * the outcome is there. (The descriptor changes when a worker dies.)
 *
 * ret_outcome  set where the plan is done
 * Returns      is it?
 */
void zap_player_begin(struct zap_player *player, const struct zap_plan *plan);
bool zap_player_look(struct zap_player *player, struct zap_outcome *ret_outcome);

/* End its worker; the next plan, if there is one, gets a new one. */
void zap_player_release(struct zap_player *player);

/* What a worker stopped short of, or ZAP_FEATURE_COUNT: it counts that, and no departure. */
enum zap_feature_code zap_player_known(const struct zap_judgement *judgement);

/* What an outcome says of a death, as one; outcome: of a death. */
struct zap_death zap_player_death(const struct zap_outcome *outcome);

#endif
