/* Runs plans one by one on a worker that is kept between them. */
#include "host/player.h"

#include "host/clock.h"
#include "plan/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { LOOK_MS = 50 };

void zap_player_init(struct zap_player *player, const struct zap_builds_row *row,
                     const struct zap_worker_config *config, uint32_t flags)
{
    memset(player, 0, sizeof *player);
    player->row = row;
    player->config = *config;
    player->config.path = row->worker;
    player->flags = flags;
}

static void take_death(struct zap_player *player, struct zap_outcome *outcome)
{
    const struct zap_death *death = &player->worker.death;
    outcome->verdict = death->verdict;
    snprintf(outcome->reason, sizeof outcome->reason, "%s", death->reason);
    memcpy(outcome->signature, death->signature, sizeof outcome->signature);
    memcpy(outcome->tail, death->tail, sizeof outcome->tail);
    outcome->stack = death->stack;
    outcome->phase = death->phase;
    if (player->worker.has_hello)
        zap_worker_copy_trace(&player->worker, &outcome->trace);
    zap_worker_release(&player->worker);
}

enum zap_feature_code zap_player_known(const struct zap_judgement *judgement)
{
    for (int i = 0; i < ZAP_FEATURE_COUNT; i++)
        if (judgement->shows[i] != 0 && !zap_feature_row((enum zap_feature_code)i)->departs)
            return (enum zap_feature_code)i;
    return ZAP_FEATURE_COUNT;
}

static void take_judgement(const struct zap_player *player, struct zap_outcome *outcome)
{
    const struct zap_judgement *judgement = &outcome->judgement;
    bool any_held = false, any_skipped = false;
    enum zap_feature_code known = zap_player_known(judgement);
    outcome->has_judgement = true;
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        any_held = any_held || judgement->verdicts[i] == ZAP_HELD;
        any_skipped = any_skipped || judgement->verdicts[i] == ZAP_SKIPPED;
        outcome->checks += judgement->checks[i];
    }
    const char *reason = "";
    if (judgement->is_harness) {
        outcome->verdict = ZAP_HARNESS;
        snprintf(outcome->reason, sizeof outcome->reason, "%.*s",
                 (int)sizeof player->worker.shared->harness, player->worker.shared->harness);
        return;
    }
    if (judgement->any_broken) {
        outcome->verdict = ZAP_BROKEN;
    } else if (any_held) {
        outcome->verdict = ZAP_HELD;
    } else if (known != ZAP_FEATURE_COUNT) {
        outcome->verdict = ZAP_SKIPPED;
        snprintf(outcome->reason, sizeof outcome->reason,
                 "known to crash or hang this build: %s (%s)", zap_feature_row(known)->text,
                 zap_feature_row(known)->reference);
        return;
    } else if (any_skipped) {
        outcome->verdict = ZAP_SKIPPED;
        reason = "this build cannot see what the invariants need";
    } else {
        outcome->verdict = ZAP_VOID;
        reason = "no invariant says anything about this run";
    }
    snprintf(outcome->reason, sizeof outcome->reason, "%s", reason);
}

/* Is there no use in trying? Workers skip the same plans; here there is room for the reason. */
static bool is_skipped(const struct zap_build *build, const struct zap_plan *plan,
                       struct zap_outcome *outcome)
{
    if (build->routes >> plan->route & 1)
        return false;
    snprintf(outcome->reason, sizeof outcome->reason, "this build has no route %s",
             zap_route_row(plan->route)->token);
    outcome->verdict = ZAP_SKIPPED;
    return true;
}

/* ------------------------------------------------------------------ one plan */

static void clear(struct zap_outcome *outcome)
{
    memset(outcome, 0, offsetof(struct zap_outcome, trace));
    outcome->trace.events_count = 0;
    outcome->trace.is_cut = 0;
    memset(&outcome->trace.build, 0, sizeof outcome->trace.build);
}

/* The worker has said hello, or is there from the plan before: give it the plan. Returns whether
 * that needs no worker at all. */
static bool send_plan(struct zap_player *player, struct zap_outcome *outcome)
{
    player->is_waiting = false;
    outcome->trace.build = player->worker.build;
    if (is_skipped(&player->worker.build, &player->plan, outcome))
        return true;
    uint8_t wire[ZAP_WIRE_MAX];
    struct zap_command command = {
        .kind = ZAP_COMMAND_PLAN,
        .flags = player->flags,
        .wire_len = (uint32_t)zap_wire_encode(&player->plan, wire),
    };
    zap_worker_send(&player->worker, &command, wire);
    return false;
}

void zap_player_begin(struct zap_player *player, const struct zap_plan *plan)
{
    player->plan = *plan;
    player->is_waiting = true;
    player->start_error = 0;
    if (player->worker.pid == 0 && zap_worker_start(&player->config, &player->worker) != ZAP_OK)
        player->start_error = errno;
}

bool zap_player_look(struct zap_player *player, struct zap_outcome *ret_outcome)
{
    struct zap_worker *worker = &player->worker;
    struct zap_report report;
    clear(ret_outcome);
    if (worker->pid == 0) {
        ret_outcome->verdict = ZAP_HARNESS;
        snprintf(ret_outcome->reason, sizeof ret_outcome->reason, "the worker cannot start: %s",
                 strerror(player->start_error));
        return true;
    }
    if (player->is_waiting && worker->has_hello && send_plan(player, ret_outcome))
        return true;
    enum zap_worker_news news =
        zap_worker_look(worker, zap_clock_ms(), &report, &ret_outcome->judgement);
    if (news == ZAP_WORKER_NOTHING && player->interrupted && *player->interrupted) {
        zap_worker_kill(worker);
        news = ZAP_WORKER_DEATH;
    }
    switch (news) {
    case ZAP_WORKER_HELLO:
        return send_plan(player, ret_outcome);
    case ZAP_WORKER_DEATH:
        take_death(player, ret_outcome);
        return true;
    case ZAP_WORKER_DONE:
        zap_worker_copy_trace(worker, &ret_outcome->trace);
        take_judgement(player, ret_outcome);
        return true;
    case ZAP_WORKER_NOTHING:
    case ZAP_WORKER_FINDING: /* no worker sends that of a single plan */
        break;
    }
    return false;
}

void zap_player_play(struct zap_player *player, const struct zap_plan *plan,
                     struct zap_outcome *ret_outcome)
{
    zap_player_begin(player, plan);
    while (!zap_player_look(player, ret_outcome)) {
        struct pollfd fd = {.fd = player->worker.reports, .events = POLLIN};
        poll(&fd, 1, LOOK_MS);
    }
}

void zap_player_release(struct zap_player *player)
{
    if (player->worker.pid != 0 && !player->worker.is_busy)
        zap_worker_quit(&player->worker);
    zap_worker_release(&player->worker);
}

struct zap_death zap_player_death(const struct zap_outcome *outcome)
{
    struct zap_death death = {.verdict = outcome->verdict, .phase = outcome->phase};
    memcpy(death.signature, outcome->signature, sizeof death.signature);
    snprintf(death.reason, sizeof death.reason, "%.*s", (int)sizeof death.reason - 1,
             outcome->reason);
    memcpy(death.tail, outcome->tail, sizeof death.tail);
    death.stack = outcome->stack;
    return death;
}
