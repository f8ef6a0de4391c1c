/* Known findings: loaded from plans, learnt on a build, matched.
 *
 * The line in the header says what kind of finding it is and for which versions; the signature that
 * is matched is never the line's, which may be short and for many builds, but what the plan gave on
 * this one. So a known crash hides exactly itself.
 */
#include "host/knowns.h"

#include "base/check.h"
#include "host/files.h"
#include "host/shrinker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool expects_finding(const struct zap_expect_row *row)
{
    return row && row->known;
}

/* Keep what expects a finding somewhere, in order. */
static void keep_known(struct zap_inputs *inputs)
{
    size_t kept = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        struct zap_input *input = &inputs->items[i];
        bool is_known = false;
        for (size_t j = 0; j < input->expect.rows_count; j++)
            is_known = is_known || expects_finding(&input->expect.rows[j]);
        if (is_known) {
            inputs->items[kept++] = *input;
        } else {
            free(input->path);
            zap_expect_release(&input->expect);
        }
    }
    inputs->count = kept;
}

enum zap_status zap_knowns_load(const char *folder, const struct zap_builds *builds,
                                struct zap_knowns *ret_knowns, struct zap_str *ret_why)
{
    char beside[PATH_MAX];
    struct stat about;
    struct zap_knowns knowns = {0};
    if (!folder) {
        bool is_there =
            zap_files_join(beside, builds->folder, "regress") && stat(beside, &about) == 0;
        if (!is_there) {
            *ret_knowns = knowns;
            return ZAP_OK;
        }
        folder = beside;
    }
    zap_inputs_add(&knowns.inputs, folder);
    if (knowns.inputs.errors_count > 0) {
        zap_str_add(ret_why, knowns.inputs.errors[0]);
        zap_inputs_release(&knowns.inputs);
        return ZAP_E_SYNTAX;
    }
    keep_known(&knowns.inputs);
    *ret_knowns = knowns;
    return ZAP_OK;
}

void zap_knowns_release(struct zap_knowns *knowns)
{
    zap_inputs_release(&knowns->inputs);
}

/* ------------------------------------------------------------------ one build */

static void learn_one(struct zap_player *player, const struct zap_input *input,
                      const struct zap_expect_row *row, struct zap_outcome *outcome,
                      struct zap_known *ret_known)
{
    struct zap_expect_found found;
    zap_player_play(player, &input->plan, outcome);
    zap_expect_take(&input->plan, &input->labels, outcome, &found);
    *ret_known = (struct zap_known){
        .input = input,
        .row = row,
        .change = zap_expect_compare(row, &found),
        .verdict = outcome->verdict,
    };
    struct zap_shrinker_goal goal;
    if (zap_shrinker_goal_of(outcome, &goal))
        memcpy(ret_known->signature, goal.signature, sizeof ret_known->signature);
    snprintf(ret_known->reason, sizeof ret_known->reason, "%.*s", (int)sizeof ret_known->reason - 1,
             outcome->reason);
    zap_expect_release_found(&found);
}

void zap_knowns_learn(const struct zap_knowns *knowns, const struct zap_builds_row *row,
                      const struct zap_build *build, const struct zap_worker_config *worker,
                      struct zap_knowns_of *ret_of)
{
    struct zap_player player;
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    struct zap_known *items = calloc(knowns->inputs.count + 1, sizeof *items);
    size_t count = 0;
    ZAP_CHECK(outcome != NULL && items != NULL);
    zap_player_init(&player, row, worker, ZAP_RUN_KNOWN);
    for (size_t i = 0; i < knowns->inputs.count; i++) {
        const struct zap_input *input = &knowns->inputs.items[i];
        const struct zap_expect_row *line =
            zap_expect_find(&input->expect, build->version, zap_expect_kind(build));
        if (expects_finding(line))
            learn_one(&player, input, line, outcome, &items[count++]);
    }
    zap_player_release(&player);
    free(outcome);
    *ret_of = (struct zap_knowns_of){.items = items, .count = count};
}

void zap_knowns_forget(struct zap_knowns_of *of)
{
    free(of->items);
    memset(of, 0, sizeof *of);
}

/* ------------------------------------------------------------------ matching */

/* Does a signature tell one cause from others? Those of signals do when a function is in it. */
static bool is_telling(enum zap_verdict verdict, const char *signature)
{
    static const char *const dumb[] = {"", "timeout", "memory"};
    for (size_t i = 0; i < sizeof dumb / sizeof dumb[0]; i++) {
        if (strcmp(signature, dumb[i]) == 0)
            return false;
    }
    bool is_signal = strncmp(signature, "SIG", 3) == 0;
    return verdict != ZAP_BROKEN && (!is_signal || strchr(signature, '-'));
}

const struct zap_known *zap_knowns_match(const struct zap_knowns_of *of, enum zap_verdict verdict,
                                         const char *signature, const struct zap_plan *plan)
{
    for (size_t i = 0; i < of->count; i++) {
        const struct zap_known *known = &of->items[i];
        if (known->change != ZAP_EXPECT_KNOWN || known->verdict != verdict ||
            strcmp(known->signature, signature) != 0)
            continue;
        if (is_telling(verdict, signature) || (plan && zap_plan_equal(&known->input->plan, plan)))
            return known;
    }
    return NULL;
}

const struct zap_known *zap_knowns_match_filed(const struct zap_knowns_of *of,
                                               enum zap_verdict verdict, const char *signature,
                                               const char *folder)
{
    struct zap_inputs inputs = {0};
    char path[PATH_MAX];
    if (!zap_files_join(path, folder, "min.plan"))
        return NULL;
    zap_inputs_add(&inputs, path);
    const struct zap_plan *plan = inputs.count == 1 ? &inputs.items[0].plan : NULL;
    const struct zap_known *known = plan ? zap_knowns_match(of, verdict, signature, plan) : NULL;
    zap_inputs_release(&inputs);
    return known;
}
