/* Each build has a lane, with a player of its own, that goes from plan to plan; a ring of plans
 * lets fast builds be ahead of slow ones. What all lanes are done with is handed out in order, so
 * that nothing depends on who was fast. */
#include "host/compare.h"

#include "base/check.h"
#include "plan/shrink.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 50, RING = 64 };

struct slot {
    struct zap_plan plan;
    struct zap_compared compared;
    size_t done;
};

struct lane {
    struct zap_player player;
    uint64_t next;
    bool is_busy;
};

struct work {
    const struct zap_compare_config *config;
    struct lane lanes[ZAP_COMPARE_BUILDS_MAX];
    struct pollfd fds[ZAP_COMPARE_BUILDS_MAX];
    size_t busy;
    uint64_t made, handed_out;
    struct slot ring[RING];
    struct zap_outcome outcome;
};

static bool is_interrupted(const struct work *work)
{
    return work->config->interrupted && *work->config->interrupted;
}

/* ------------------------------------------------------------------ one run */

static struct zap_trace *copy_trace(const struct zap_trace *trace)
{
    size_t size =
        offsetof(struct zap_trace, events) + trace->events_count * sizeof trace->events[0];
    struct zap_trace *copy = malloc(size);
    ZAP_CHECK(copy != NULL);
    memcpy(copy, trace, size);
    return copy;
}

static enum zap_compare_end end_of(const struct zap_outcome *outcome)
{
    switch (outcome->verdict) {
    case ZAP_HARNESS:
        /* A row of instances without end fills any trace: that is no failure, but no whole trace
         * either. */
        return outcome->trace.is_cut ? ZAP_COMPARE_LEFT_OUT : ZAP_COMPARE_FAILED;
    case ZAP_SKIPPED:
        return outcome->trace.events_count > 0 ? ZAP_COMPARE_RAN : ZAP_COMPARE_LEFT_OUT;
    default:
        if (!outcome->has_judgement)
            return outcome->verdict == ZAP_VOID ? ZAP_COMPARE_LEFT_OUT : ZAP_COMPARE_DIED;
        return outcome->trace.is_cut ? ZAP_COMPARE_LEFT_OUT : ZAP_COMPARE_RAN;
    }
}

static void take_run(const struct zap_builds_row *row, const struct zap_outcome *outcome,
                     struct zap_compare_run *run)
{
    memset(run, 0, sizeof *run);
    run->row = row;
    run->end = end_of(outcome);
    run->verdict = outcome->verdict;
    run->build = outcome->trace.build;
    if (run->end == ZAP_COMPARE_RAN) {
        run->judgement = outcome->judgement;
        run->view = copy_trace(&outcome->trace);
        return;
    }
    snprintf(run->why, sizeof run->why, "%.*s", (int)sizeof run->why - 1,
             outcome->reason[0] ? outcome->reason : "its trace is cut");
    memcpy(run->signature, outcome->signature, sizeof run->signature);
}

/* Make views of what ran, for the observers that all have. */
static void make_views(const struct zap_plan *plan, struct zap_compare_run *runs, size_t count)
{
    uint32_t observers = UINT32_MAX;
    for (size_t i = 0; i < count; i++)
        observers &= runs[i].view ? runs[i].view->build.observers : UINT32_MAX;
    for (size_t i = 0; i < count; i++)
        if (runs[i].view)
            zap_difference_view(plan, observers, runs[i].view);
}

static bool is_same(const struct zap_compare_run *a, const struct zap_compare_run *b)
{
    if (a->end != b->end)
        return false;
    return a->end == ZAP_COMPARE_DIED ? strcmp(a->signature, b->signature) == 0
                                      : zap_difference_is_same(a->view, b->view);
}

static bool has_behaviour(const struct zap_compare_run *run)
{
    return run->end == ZAP_COMPARE_RAN || run->end == ZAP_COMPARE_DIED;
}

static void find_groups(struct zap_compared *c)
{
    for (size_t i = 0; i < c->runs_count; i++) {
        struct zap_compare_run *run = &c->runs[i];
        if (!has_behaviour(run))
            continue;
        size_t same = 0;
        while (same < i && !(has_behaviour(&c->runs[same]) && is_same(&c->runs[same], run)))
            same++;
        run->group = same < i ? c->runs[same].group : c->groups_count++;
    }
}

static bool is_new_pair(const struct zap_compared *c, size_t a, size_t b)
{
    for (size_t i = 0; i < c->changes_count; i++) {
        size_t older = c->runs[c->changes[i].older].group;
        size_t newer = c->runs[c->changes[i].newer].group;
        if ((older == a && newer == b) || (older == b && newer == a))
            return false;
    }
    return true;
}

static void find_changes(struct zap_compared *c)
{
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < c->runs_count; i++) {
        if (!has_behaviour(&c->runs[i]))
            continue;
        if (last != SIZE_MAX && c->runs[last].group != c->runs[i].group &&
            is_new_pair(c, c->runs[last].group, c->runs[i].group))
            c->changes[c->changes_count++] = (struct zap_compare_change){last, i};
        last = i;
    }
}

static void release_runs(struct zap_compared *c)
{
    for (size_t i = 0; i < c->runs_count; i++)
        free(c->runs[i].view);
}

/* ------------------------------------------------------------------ all plans on all builds */

static struct slot *slot_of(struct work *work, uint64_t index)
{
    return &work->ring[index % RING];
}

static void make_plans(struct work *work)
{
    while (work->made < work->config->plans_count && work->made - work->handed_out < RING &&
           !is_interrupted(work)) {
        struct slot *slot = slot_of(work, work->made);
        work->config->plan(work->config->context, work->made, &slot->plan);
        slot->done = 0;
        slot->compared.index = work->made;
        slot->compared.plan = &slot->plan;
        slot->compared.runs_count = work->config->rows_count;
        slot->compared.groups_count = slot->compared.changes_count = 0;
        work->made++;
    }
}

/* The lane that is furthest behind of those that could do something, or NULL. */
static struct lane *choose(struct work *work)
{
    struct lane *chosen = NULL;
    for (size_t i = 0; i < work->config->rows_count; i++) {
        struct lane *lane = &work->lanes[i];
        if (!lane->is_busy && lane->next < work->made && (!chosen || lane->next < chosen->next))
            chosen = lane;
    }
    return chosen;
}

static void begin_some(struct work *work)
{
    size_t jobs = work->config->jobs > 0 ? work->config->jobs : work->config->rows_count;
    while (work->busy < jobs) {
        struct lane *lane = choose(work);
        if (!lane)
            return;
        lane->is_busy = true;
        work->busy++;
        zap_player_begin(&lane->player, &slot_of(work, lane->next)->plan);
    }
}

static void look(struct work *work)
{
    for (size_t i = 0; i < work->config->rows_count; i++) {
        struct lane *lane = &work->lanes[i];
        if (!lane->is_busy || !zap_player_look(&lane->player, &work->outcome))
            continue;
        struct slot *slot = slot_of(work, lane->next);
        take_run(work->config->rows[i], &work->outcome, &slot->compared.runs[i]);
        slot->done++;
        lane->is_busy = false;
        lane->next++;
        work->busy--;
    }
}

static void wait_for_some(struct work *work)
{
    nfds_t count = 0;
    for (size_t i = 0; i < work->config->rows_count; i++) {
        if (work->lanes[i].is_busy)
            work->fds[count++] =
                (struct pollfd){.fd = work->lanes[i].player.worker.reports, .events = POLLIN};
    }
    poll(work->fds, count, LOOK_MS);
}

static void hand_out(struct work *work)
{
    while (work->handed_out < work->made &&
           slot_of(work, work->handed_out)->done == work->config->rows_count) {
        struct slot *slot = slot_of(work, work->handed_out);
        make_views(&slot->plan, slot->compared.runs, slot->compared.runs_count);
        find_groups(&slot->compared);
        find_changes(&slot->compared);
        if (!is_interrupted(work))
            work->config->take(work->config->context, &slot->compared);
        release_runs(&slot->compared);
        work->handed_out++;
    }
}

uint64_t zap_compare_run(const struct zap_compare_config *config)
{
    struct work *work = calloc(1, sizeof *work);
    ZAP_CHECK(work != NULL);
    ZAP_CHECK_CMP(config->rows_count, <=, ZAP_COMPARE_BUILDS_MAX);
    work->config = config;
    for (size_t i = 0; i < config->rows_count; i++) {
        zap_player_init(&work->lanes[i].player, config->rows[i], &config->worker, config->flags);
        work->lanes[i].player.interrupted = config->interrupted;
    }
    for (make_plans(work); work->handed_out < work->made; make_plans(work)) {
        begin_some(work);
        wait_for_some(work);
        look(work);
        hand_out(work);
    }
    for (size_t i = 0; i < config->rows_count; i++)
        zap_player_release(&work->lanes[i].player);
    uint64_t count = work->handed_out;
    free(work);
    return count;
}

/* ------------------------------------------------------------------ classes */

void zap_compare_classify(const struct zap_plan *plan, const struct zap_compare_run *older,
                          const struct zap_compare_run *newer,
                          struct zap_difference *ret_difference,
                          struct zap_compare_class *ret_class)
{
    memset(ret_class, 0, sizeof *ret_class);
    if (!older->view || !newer->view) {
        ret_class->is_unexplained = true;
        memcpy(ret_class->signatures[0], older->signature, sizeof older->signature);
        memcpy(ret_class->signatures[1], newer->signature, sizeof newer->signature);
        return;
    }
    zap_difference_find(plan, older->view, newer->view, ret_difference);
    ret_class->features = ret_difference->features;
    ret_class->is_unexplained = ret_difference->unexplained > 0;
    memcpy(ret_class->kinds, ret_difference->first_kinds, sizeof ret_class->kinds);
}

bool zap_compare_is_same_class(const struct zap_compare_class *a, const struct zap_compare_class *b)
{
    return a->features == b->features && a->is_unexplained == b->is_unexplained &&
           memcmp(a->kinds, b->kinds, sizeof a->kinds) == 0 &&
           strcmp(a->signatures[0], b->signatures[0]) == 0 &&
           strcmp(a->signatures[1], b->signatures[1]) == 0;
}

static bool shows(struct zap_player *players, struct zap_outcome *outcome,
                  struct zap_difference *difference, const struct zap_compare_class *goal,
                  const struct zap_plan *plan)
{
    struct zap_compare_run runs[2];
    for (int i = 0; i < 2; i++) {
        zap_player_play(&players[i], plan, outcome);
        take_run(players[i].row, outcome, &runs[i]);
    }
    bool shows_it = false;
    make_views(plan, runs, 2);
    if (has_behaviour(&runs[0]) && has_behaviour(&runs[1]) && !is_same(&runs[0], &runs[1])) {
        struct zap_compare_class class;
        zap_compare_classify(plan, &runs[0], &runs[1], difference, &class);
        shows_it = zap_compare_is_same_class(&class, goal);
    }
    free(runs[0].view);
    free(runs[1].view);
    return shows_it;
}

void zap_compare_shrink(const struct zap_compare_config *config, const struct zap_builds_row *older,
                        const struct zap_builds_row *newer, const struct zap_compare_class *goal,
                        struct zap_plan *plan)
{
    struct zap_player players[2];
    struct zap_shrink *shrink = malloc(sizeof *shrink);
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    struct zap_difference *difference = malloc(sizeof *difference);
    ZAP_CHECK(shrink != NULL && outcome != NULL && difference != NULL);
    zap_player_init(&players[0], older, &config->worker, config->flags);
    zap_player_init(&players[1], newer, &config->worker, config->flags);
    struct zap_plan candidate;
    zap_shrink_init(plan, shrink);
    while (!(config->interrupted && *config->interrupted) && zap_shrink_next(shrink, &candidate)) {
        if (shows(players, outcome, difference, goal, &candidate))
            zap_shrink_accept(shrink);
        else
            zap_shrink_reject(shrink);
    }
    *plan = shrink->best;
    zap_player_release(&players[0]);
    zap_player_release(&players[1]);
    free(difference);
    free(outcome);
    free(shrink);
}
