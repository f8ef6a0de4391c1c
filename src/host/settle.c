/* From a finding as it was met to one that can be sent.
 *
 * Four steps, after each of which the folder is whole and true: it is shrunk and filed again; it is
 * run five times alone; it is run on all builds, and its script without us; and it is filed a last
 * time. An end between them costs the later steps only, and min.plan says that they were not taken.
 *
 * repro.py is the smallest plan's where that shows it. Where shrinking has left nothing in the
 * namespaces that Python code can see die, a plan with C nodes for its plain values often does, and
 * else the plan as it was found may.
 */
#include "host/settle.h"

#include "base/check.h"
#include "host/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
    const struct zap_settle_config *config;
    struct zap_finding_facts facts;
    struct zap_shrinker_goal goal;
    struct zap_settled *settled;
    struct zap_finding_filed filed; /* by an earlier session */
    struct zap_shrunk shrunk;
    struct zap_examination examination;
    struct zap_outcome outcome; /* of another plan for repro.py */
    struct zap_plan repro;
    struct zap_death death;
    struct zap_judgement judgement;
    bool has_to_make_room; /* the folder's own plan does not do it any more */
};

static bool end(struct work *work, enum zap_settle_end how, const char *why)
{
    work->settled->end = how;
    snprintf(work->settled->why, sizeof work->settled->why, "%.390s", why);
    return false;
}

static bool settle_again(struct work *work, bool instead)
{
    struct zap_str why = zap_str_init(work->settled->why, sizeof work->settled->why);
    work->has_to_make_room = false;
    if (zap_finding_settle_again(work->settled->path, instead, &why) == ZAP_OK)
        return true;
    work->settled->end = ZAP_SETTLE_UNWRITTEN;
    return false;
}

static bool file(struct work *work)
{
    if (work->has_to_make_room && !work->facts.is_flaky && !settle_again(work, true))
        return false;
    struct zap_str why = zap_str_init(work->settled->why, sizeof work->settled->why);
    if (zap_finding_file(work->config->dir, &work->facts, work->settled->path, &why) == ZAP_OK)
        return true;
    work->settled->end = ZAP_SETTLE_UNWRITTEN;
    return false;
}

/* What the plan at hand did is the evidence from now on. */
static void take_outcome(struct work *work, const struct zap_outcome *outcome)
{
    bool is_broken = work->facts.verdict == ZAP_BROKEN;
    work->death = zap_player_death(outcome);
    work->judgement = outcome->judgement;
    work->facts.trace = &outcome->trace;
    work->facts.judgement = is_broken ? &work->judgement : NULL;
    work->facts.death = is_broken ? NULL : &work->death;
}

/* ------------------------------------------------------------------ folders of earlier sessions */

static bool is_interrupted(const struct work *work)
{
    const volatile sig_atomic_t *interrupted = work->config->examine.interrupted;
    return interrupted && *interrupted;
}

/* Does the folder's own plan still do it? Then that is the finding. Returns whether there is more
 * to do. */
static bool look_at_earlier(struct work *work, const char *path)
{
    const struct zap_examine_config *examine = &work->config->examine;
    bool is_read = zap_finding_read(path, &work->filed), still_does_it = false;
    if (is_read) {
        struct zap_player player;
        zap_player_init(&player, examine->row, &examine->worker, examine->flags);
        player.interrupted = examine->interrupted;
        zap_player_play(&player, &work->filed.min, &work->outcome);
        zap_player_release(&player);
        if (is_interrupted(work))
            return end(work, ZAP_SETTLE_INTERRUPTED, "");
        if (work->outcome.verdict == ZAP_HARNESS)
            return end(work, ZAP_SETTLE_FAILED, work->outcome.reason);
        still_does_it = zap_shrinker_reaches(&work->outcome, &work->goal);
    }
    if (!still_does_it) {
        work->has_to_make_room = true;
        return true;
    }
    work->settled->is_earlier = true;
    if (!settle_again(work, false))
        return false;
    if (work->filed.is_examined)
        return end(work, ZAP_SETTLED_OLD, "");
    /* Its session had no time for more. */
    work->facts.found = work->facts.plan = &work->filed.found;
    work->facts.earlier = work->filed.header;
    return true;
}

/* ------------------------------------------------------------------ shrinking */

/* Returns false where that is the end of it. */
static bool shrink(struct work *work)
{
    const struct zap_examine_config *examine = &work->config->examine;
    const struct zap_shrinker_config config = {
        .row = examine->row,
        .worker = examine->worker,
        .flags = examine->flags,
        .interrupted = examine->interrupted,
        .tick = examine->tick,
        .context = examine->context,
    };
    struct zap_shrunk *shrunk = &work->shrunk;
    zap_shrinker_run(&config, work->facts.found, &work->goal, shrunk);
    switch (shrunk->end) {
    case ZAP_SHRINKER_DONE:
        break;
    case ZAP_SHRINKER_NOT_ALONE:
        return true; /* five runs will say more than one */
    case ZAP_SHRINKER_FAILED:
        return end(work, ZAP_SETTLE_FAILED, shrunk->outcome.reason);
    case ZAP_SHRINKER_INTERRUPTED:
        return end(work, ZAP_SETTLE_INTERRUPTED, "");
    }
    if (zap_plan_equal(&shrunk->plan, work->facts.found))
        return true;
    work->facts.plan = &shrunk->plan;
    take_outcome(work, &shrunk->outcome);
    return file(work);
}

/* ------------------------------------------------------------------ examining */

static bool is_over(struct work *work, enum zap_examine_end how)
{
    if (how == ZAP_EXAMINED)
        return false;
    end(work, how == ZAP_EXAMINE_FAILED ? ZAP_SETTLE_FAILED : ZAP_SETTLE_INTERRUPTED,
        work->examination.why);
    return true;
}

/* It never happened again: keep it apart, with what was seen the one time. */
static bool set_apart(struct work *work, const struct zap_finding_facts *first, bool was_there)
{
    struct zap_str why = zap_str_init(work->settled->why, sizeof work->settled->why);
    if (was_there && work->has_to_make_room && !settle_again(work, false))
        return false;
    work->facts = *first;
    work->facts.is_flaky = true;
    work->facts.examination = &work->examination;
    if (!file(work))
        return false;
    if (!was_there && zap_finding_set_apart(work->config->dir, &work->facts, &why) != ZAP_OK) {
        work->settled->end = ZAP_SETTLE_UNWRITTEN;
        return false;
    }
    return end(work, ZAP_SETTLED_FLAKY, "");
}

/* Five times alone: as small as it is, or, where that never does it again, as it was found. */
static bool repeat(struct work *work, const struct zap_finding_facts *first, bool was_there)
{
    const struct zap_examine_config *examine = &work->config->examine;
    if (is_over(work,
                zap_examine_repeat(examine, work->facts.plan, &work->goal, &work->examination)))
        return false;
    if (work->examination.reproduced == 0 && work->facts.plan != work->facts.found) {
        work->facts.plan = work->facts.found;
        if (is_over(work,
                    zap_examine_repeat(examine, work->facts.plan, &work->goal, &work->examination)))
            return false;
    }
    work->settled->runs = work->examination.runs;
    work->settled->reproduced = work->examination.reproduced;
    if (work->examination.reproduced == 0)
        return set_apart(work, first, was_there);
    take_outcome(work, &work->examination.last);
    return true;
}

static bool is_plain(const struct zap_object *object)
{
    switch (object->kind) {
    case ZAP_VALUE_INT:
    case ZAP_VALUE_BIGINT:
    case ZAP_VALUE_FLOAT:
    case ZAP_VALUE_STR:
        return true;
    default:
        return false;
    }
}

/* The plan with C nodes, whose death Python code can see, for its plain values. */
static bool make_visible(const struct zap_plan *plan, struct zap_plan *ret_plan)
{
    bool is_other = false;
    *ret_plan = *plan;
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (is_plain(&plan->objects[i])) {
            ret_plan->objects[i].kind = ZAP_VALUE_CNODE;
            is_other = true;
        }
    }
    zap_plan_normalize(ret_plan);
    return is_other;
}

/* Try the script of a plan: it is filed as repro.py first, because that is what gets run. */
static bool try_script(struct work *work, const struct zap_plan *plan,
                       const struct zap_outcome *outcome)
{
    char path[PATH_MAX];
    work->facts.repro = plan == work->facts.plan ? NULL : plan;
    if (!file(work))
        return false;
    if (!zap_files_join(path, work->settled->path, "repro.py"))
        return end(work, ZAP_SETTLE_UNWRITTEN, strerror(errno));
    return !is_over(work, zap_examine_script(&work->config->examine, plan, &work->goal, outcome,
                                             path, &work->examination));
}

/* Does another plan do it too? */
static bool does_it(struct work *work, const struct zap_plan *plan)
{
    const struct zap_examine_config *examine = &work->config->examine;
    struct zap_player player;
    zap_player_init(&player, examine->row, &examine->worker, examine->flags);
    player.interrupted = examine->interrupted;
    zap_player_play(&player, plan, &work->outcome);
    zap_player_release(&player);
    return zap_shrinker_reaches(&work->outcome, &work->goal);
}

/* The same with another plan, if that does it too. What is said of a script that could have shown
 * it and did not says more than that another one could not. */
static bool try_another(struct work *work, const struct zap_plan *plan)
{
    struct zap_examination *examination = &work->examination;
    char why[sizeof examination->why], said[sizeof examination->said];
    if (!does_it(work, plan))
        return true;
    memcpy(why, examination->why, sizeof why);
    memcpy(said, examination->said, sizeof said);
    if (!try_script(work, plan, &work->outcome))
        return false;
    if (examination->shows == ZAP_SHOWS_NO && examination->needs_api) {
        memcpy(examination->why, why, sizeof why);
        memcpy(examination->said, said, sizeof said);
    }
    return true;
}

static bool find_script(struct work *work)
{
    struct zap_examination *examination = &work->examination;
    if (!try_script(work, work->facts.plan, &examination->last))
        return false;
    bool is_tried = examination->shows != ZAP_SHOWS_NO || work->facts.verdict != ZAP_BROKEN ||
                    !examination->needs_api;
    if (!is_tried && make_visible(work->facts.plan, &work->repro) &&
        !try_another(work, &work->repro))
        return false;
    is_tried = is_tried || examination->shows == ZAP_SHOWS_YES || !examination->needs_api;
    if (!is_tried && work->facts.plan != work->facts.found && !try_another(work, work->facts.found))
        return false;
    if (examination->shows == ZAP_SHOWS_NO)
        work->facts.repro = NULL;
    return true;
}

static bool examine(struct work *work, const struct zap_finding_facts *first, bool was_there)
{
    if (!repeat(work, first, was_there) || !find_script(work) ||
        is_over(work, zap_examine_builds(&work->config->examine, work->facts.plan, &work->goal,
                                         &work->examination)))
        return false;
    work->facts.examination = &work->examination;
    return file(work);
}

void zap_settle(const struct zap_settle_config *config, const struct zap_finding_facts *facts,
                const char *path, bool was_there, struct zap_settled *ret_settled)
{
    struct work *work = calloc(1, sizeof *work);
    ZAP_CHECK(work != NULL);
    memset(ret_settled, 0, sizeof *ret_settled);
    snprintf(ret_settled->path, sizeof ret_settled->path, "%s", path);
    work->config = config;
    work->facts = *facts;
    work->settled = ret_settled;
    work->goal.verdict = facts->verdict;
    snprintf(work->goal.signature, sizeof work->goal.signature, "%s", facts->signature);
    if (facts->death)
        memcpy(work->goal.reason, facts->death->reason, sizeof work->goal.reason);
    if ((!was_there || look_at_earlier(work, path)) && shrink(work) &&
        examine(work, facts, was_there))
        ret_settled->end = ZAP_SETTLED;
    zap_examine_release(&work->examination);
    free(work);
}
