/* Drives zap_shrink with a worker of the build in question.
 *
 * What is learnt from a worker counts only as long as nothing has gone wrong in it: after a plan
 * with a finding, the one that was looked for or another, there is a new worker. So no candidate is
 * accepted because of what an earlier one has broken. Candidates that do nothing wrong share a
 * worker, and might yet leave something behind: so the result is run once more in a worker of its
 * own, under the limits that hold outside of shrinking, and if it does not do it there, the plan
 * stays as it was.
 *
 * Bounds are counts where that is possible, because with them the same finding gives the same plan.
 * The clock is for workers that are slow to die.
 */
#include "host/shrinker.h"

#include "base/check.h"
#include "host/clock.h"
#include "plan/shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool zap_shrinker_goal_of(const struct zap_outcome *outcome, struct zap_shrinker_goal *ret_goal)
{
    if (!zap_verdict_row(outcome->verdict)->is_finding)
        return false;
    memset(ret_goal, 0, sizeof *ret_goal);
    ret_goal->verdict = outcome->verdict;
    const char *signature = outcome->signature;
    for (int i = 0; outcome->verdict == ZAP_BROKEN && i < ZAP_INVARIANT_COUNT; i++) {
        if (outcome->judgement.verdicts[i] == ZAP_BROKEN) {
            signature = zap_invariant_row((enum zap_invariant_code)i)->id;
            break;
        }
    }
    snprintf(ret_goal->signature, sizeof ret_goal->signature, "%s", signature);
    snprintf(ret_goal->reason, sizeof ret_goal->reason, "%.*s", (int)sizeof ret_goal->reason - 1,
             outcome->reason);
    return true;
}

static bool is_broken(const struct zap_judgement *judgement, const char *id)
{
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        if (judgement->verdicts[i] == ZAP_BROKEN &&
            strcmp(zap_invariant_row((enum zap_invariant_code)i)->id, id) == 0)
            return true;
    }
    return false;
}

bool zap_shrinker_reaches(const struct zap_outcome *outcome, const struct zap_shrinker_goal *goal)
{
    if (outcome->verdict != goal->verdict)
        return false;
    if (goal->verdict == ZAP_BROKEN)
        return is_broken(&outcome->judgement, goal->signature);
    return strcmp(outcome->signature, goal->signature) == 0;
}

static bool is_slow(const struct zap_shrinker_goal *goal)
{
    bool is_by_clock = strncmp(goal->signature, "endless-", strlen("endless-")) != 0;
    return (goal->verdict == ZAP_TIMED_OUT && is_by_clock) || goal->verdict == ZAP_EXHAUSTED;
}

static bool is_interrupted(const struct zap_shrinker_config *config)
{
    return config->interrupted && *config->interrupted;
}

struct work {
    const struct zap_shrinker_config *config;
    const struct zap_shrinker_goal *goal;
    struct zap_player player;
    struct zap_shrink shrink;
    struct zap_outcome first;     /* of the plan as it was given */
    struct zap_outcome candidate; /* of the last one */
    uint32_t deaths;
    int64_t until_ms;
};

/* Run a plan; the next one gets a new worker where this one found anything. */
static bool play(struct work *work, const struct zap_plan *plan, struct zap_outcome *ret_outcome)
{
    zap_player_play(&work->player, plan, ret_outcome);
    if (zap_verdict_row(ret_outcome->verdict)->is_finding) {
        work->deaths++;
        zap_player_release(&work->player);
    }
    return zap_shrinker_reaches(ret_outcome, work->goal);
}

static void start(struct work *work)
{
    struct zap_worker_config worker = work->config->worker;
    bool is_long = worker.deadline_ms == 0 || worker.deadline_ms > ZAP_SHRINKER_DEADLINE_MS;
    if (work->goal->verdict == ZAP_TIMED_OUT && is_long)
        worker.deadline_ms = ZAP_SHRINKER_DEADLINE_MS;
    zap_player_init(&work->player, work->config->row, &worker, work->config->flags);
    work->player.interrupted = work->config->interrupted;
    work->until_ms = zap_clock_ms() + ZAP_SHRINKER_TIME_MS;
}

static bool is_over(const struct work *work)
{
    uint32_t deaths_max = is_slow(work->goal) ? ZAP_SHRINKER_SLOW_DEATHS : ZAP_SHRINKER_DEATHS;
    return work->shrink.tries >= ZAP_SHRINKER_TRIES || work->deaths >= deaths_max ||
           zap_clock_ms() >= work->until_ms || is_interrupted(work->config);
}

/* Try candidates; returns whether there are none left. */
static bool try_all(struct work *work, struct zap_shrunk *shrunk)
{
    struct zap_plan candidate;
    while (!is_over(work)) {
        if (!zap_shrink_next(&work->shrink, &candidate))
            return true;
        if (play(work, &candidate, &work->candidate)) {
            zap_shrink_accept(&work->shrink);
            shrunk->outcome = work->candidate;
        } else {
            zap_shrink_reject(&work->shrink);
        }
        if (work->config->tick)
            work->config->tick(work->config->context);
    }
    return false;
}

/* Does it do it in a worker of its own, too, with nothing shortened? An interrupt waits for that;
 * is_slow() ones were given up before. */
static bool is_confirmed(struct work *work, struct zap_shrunk *shrunk)
{
    zap_player_release(&work->player);
    zap_player_init(&work->player, work->config->row, &work->config->worker, work->config->flags);
    work->player.interrupted = is_slow(work->goal) ? work->config->interrupted : NULL;
    return play(work, &work->shrink.best, &shrunk->outcome);
}

static void shrink(struct work *work, struct zap_shrunk *shrunk)
{
    start(work);
    if (!play(work, &shrunk->plan, &work->first)) {
        bool is_ours = work->first.verdict == ZAP_HARNESS;
        shrunk->end = is_interrupted(work->config) ? ZAP_SHRINKER_INTERRUPTED
                      : is_ours                    ? ZAP_SHRINKER_FAILED
                                                   : ZAP_SHRINKER_NOT_ALONE;
        shrunk->outcome = work->first;
        return;
    }
    zap_shrink_init(&shrunk->plan, &work->shrink);
    shrunk->outcome = work->first;
    shrunk->is_cut = !try_all(work, shrunk);
    shrunk->tries = work->shrink.tries;
    bool is_smaller = !zap_plan_equal(&shrunk->plan, &work->shrink.best);
    shrunk->end = ZAP_SHRINKER_DONE;
    if (is_interrupted(work->config) && (is_slow(work->goal) || !is_smaller)) {
        shrunk->end = ZAP_SHRINKER_INTERRUPTED;
    } else if (is_smaller) {
        if (is_confirmed(work, shrunk))
            shrunk->plan = work->shrink.best;
        else
            shrunk->outcome = work->first;
    }
}

void zap_shrinker_run(const struct zap_shrinker_config *config, const struct zap_plan *plan,
                      const struct zap_shrinker_goal *goal, struct zap_shrunk *ret_shrunk)
{
    struct work *work = calloc(1, sizeof *work);
    ZAP_CHECK(work != NULL);
    work->config = config;
    work->goal = goal;
    memset(ret_shrunk, 0, sizeof *ret_shrunk);
    ret_shrunk->plan = *plan;
    shrink(work, ret_shrunk);
    zap_player_release(&work->player);
    free(work);
}
