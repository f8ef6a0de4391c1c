/* Summaries of replays.
 *
 * What a person reads has one entry for each plan and outcome, with the builds that gave it: on
 * twenty builds the same change is one thing to look at, not twenty. JSON has every point.
 */
#include "host/replay_summary.h"

#include "base/check.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 96, LINE_SIZE = 64 * 1024 };

/* ------------------------------------------------------------------ text */

/* Words in lines that fit, indented from the second line on. */
static void print_wrapped(FILE *out, int indent, int hanging, const char *text)
{
    int at = fprintf(out, "%*s", indent, "");
    bool is_first = true;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (!is_first && at + 1 + len > WIDTH) {
            fputc('\n', out);
            at = fprintf(out, "%*s", indent + hanging, "");
            is_first = true;
        }
        at += fprintf(out, "%s%.*s", is_first ? "" : " ", len, text);
        is_first = false;
        text += len + (text[len] == ' ');
    }
    fputc('\n', out);
}

/* Would the same be said of both? They are of one plan. */
static bool is_same(const struct zap_replay_point *a, const struct zap_replay_point *b, char *page)
{
    struct zap_str one = zap_str_init(page, LINE_SIZE);
    struct zap_str other = zap_str_init(page + LINE_SIZE, LINE_SIZE);
    if (a->change != b->change || a->expects != b->expects)
        return false;
    zap_expect_print_found(&a->found, &one);
    zap_expect_print_found(&b->found, &other);
    if (a->change == ZAP_EXPECT_NONE || a->change == ZAP_EXPECT_KNOWN)
        return true;
    return strcmp(one.data, other.data) == 0 &&
           strcmp(a->reason ? a->reason : "", b->reason ? b->reason : "") == 0;
}

static void print_builds(const struct zap_replay_point *points, size_t from, size_t rows_count,
                         char *page, FILE *out)
{
    char *line = page + 2 * LINE_SIZE;
    struct zap_str text = zap_str_init(line, LINE_SIZE);
    zap_str_printf(&text, "%s on", points[from].input->path);
    const char *comma = "";
    for (size_t i = from; i < rows_count; i++) {
        if (is_same(&points[from], &points[i], page)) {
            zap_str_printf(&text, "%s %s", comma, points[i].row->name);
            comma = ",";
        }
    }
    print_wrapped(out, 2, 4, line);
}

static void print_difference(const struct zap_replay_point *point, char *page, FILE *out)
{
    struct zap_str text = zap_str_init(page, LINE_SIZE);
    if (point->expects) {
        zap_str_printf(&text, "expected (line %u)  ", point->expects->line);
        zap_expect_print(point->expects, &text);
        print_wrapped(out, 4, 4, page);
        text = zap_str_init(page, LINE_SIZE);
    }
    if (point->change != ZAP_EXPECT_KNOWN && point->change != ZAP_EXPECT_NONE) {
        zap_str_add(&text, "found  ");
        zap_expect_print_found(&point->found, &text);
        if (point->reason)
            zap_str_printf(&text, " (%s)", point->reason);
        print_wrapped(out, 4, 4, page);
    }
}

/* Whoever expects something of a plan should know where nothing is; others know already. */
static bool is_worth_telling(const struct zap_replay_point *point)
{
    return point->change != ZAP_EXPECT_NONE || point->input->expect.rows_count > 0;
}

/* All plans with this change, under a heading. */
static void print_changes(const struct zap_replay *replay, size_t rows_count,
                          enum zap_expect_change change, const char *heading, char *page, FILE *out)
{
    if (replay->changes[change] == 0)
        return;
    bool is_begun = false;
    for (size_t first = 0; first < replay->count; first += rows_count) {
        const struct zap_replay_point *points = &replay->points[first];
        for (size_t i = 0; i < rows_count; i++) {
            bool is_told = points[i].change != change || !is_worth_telling(&points[i]);
            for (size_t j = 0; j < i && !is_told; j++)
                is_told = is_same(&points[j], &points[i], page);
            if (is_told)
                continue;
            if (!is_begun)
                fprintf(out, "%s\n", heading);
            is_begun = true;
            print_builds(points, i, rows_count, page, out);
            print_difference(&points[i], page, out);
        }
    }
    if (is_begun)
        fputc('\n', out);
}

void zap_replay_summary_print(const struct zap_replay *replay, size_t rows_count, FILE *out)
{
    const size_t *changes = replay->changes;
    char *page = malloc(3 * LINE_SIZE);
    ZAP_CHECK(page != NULL);
    print_changes(replay, rows_count, ZAP_EXPECT_KNOWN, "Known findings", page, out);
    print_changes(replay, rows_count, ZAP_EXPECT_NONE,
                  "No expectation (record one with --update --reason)", page, out);
    print_changes(replay, rows_count, ZAP_EXPECT_GONE,
                  "Known, but no longer happening (record it with --update --reason)", page, out);
    print_changes(replay, rows_count, ZAP_EXPECT_CHANGED, "Not as expected", page, out);
    print_changes(replay, rows_count, ZAP_EXPECT_NEW, "New findings", page, out);
    print_changes(replay, rows_count, ZAP_EXPECT_FAILED, "pyzap's own failures", page, out);
    free(page);
    fprintf(out,
            "%zu plans on %zu builds in %.1f s, %" PRIu64 " checks: %zu as expected, %zu known, "
            "%zu skipped, %zu without expectation, %zu changed, %zu new, %zu failed\n",
            replay->count / rows_count, rows_count, replay->seconds, replay->checks,
            changes[ZAP_EXPECT_SAME], changes[ZAP_EXPECT_KNOWN], changes[ZAP_EXPECT_UNRUN],
            changes[ZAP_EXPECT_NONE], changes[ZAP_EXPECT_CHANGED] + changes[ZAP_EXPECT_GONE],
            changes[ZAP_EXPECT_NEW], changes[ZAP_EXPECT_FAILED]);
}

/* ------------------------------------------------------------------ JSON */

/* Paths and what workers print may be no UTF-8, which JSON has to be. */
static json_t *json_text(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *copy = strdup(text);
    for (char *at = copy; at && *at; at++)
        *at = (unsigned char)*at < 0x80 ? *at : '?';
    string = copy ? json_string(copy) : NULL;
    free(copy);
    return string;
}

static void add(json_t *object, const char *key, const char *text)
{
    if (text && text[0])
        json_object_set_new(object, key, json_text(text));
}

static void add_expectation(json_t *object, const struct zap_replay_point *point)
{
    char *line = malloc(LINE_SIZE);
    ZAP_CHECK(line != NULL);
    struct zap_str text = zap_str_init(line, LINE_SIZE);
    if (point->expects) {
        zap_expect_print(point->expects, &text);
        json_object_set_new(
            object, "expectation",
            json_pack("{s:i, s:o}", "line", (int)point->expects->line, "text", json_text(line)));
        add(object, "known", point->expects->known);
    } else {
        json_object_set_new(object, "expectation", json_null());
    }
    text = zap_str_init(line, LINE_SIZE);
    zap_expect_print_found(&point->found, &text);
    add(object, "found", line);
    json_object_set_new(object, "change", json_string(zap_expect_word(point->change)));
    free(line);
}

static json_t *json_point(const struct zap_replay_point *point)
{
    const struct zap_expect_found *found = &point->found;
    json_t *object = json_object();
    add(object, "path", point->input->path);
    add(object, "build", point->row->name);
    add(object, "verdict", zap_verdict_row(found->verdict)->name);
    add_expectation(object, point);
    json_object_set_new(object, "checks", json_integer((json_int_t)point->checks));
    add(object, "reason", point->reason);
    add(object, "signature", found->signature);
    if (point->has_judgement) {
        json_t *invariants = json_object();
        for (int i = 0; i < ZAP_INVARIANT_COUNT; i++)
            add(invariants, zap_invariant_row((enum zap_invariant_code)i)->id,
                zap_verdict_row((enum zap_verdict)point->verdicts[i])->name);
        json_object_set_new(object, "invariants", invariants);
    }
    add(object, "explanation", point->explanation);
    add(object, "stack", point->stack);
    add(object, "trace", point->trace);
    return object;
}

enum zap_status zap_replay_summary_json(const struct zap_replay *replay, FILE *out)
{
    json_t *results = json_array();
    for (size_t i = 0; i < replay->count; i++)
        json_array_append_new(results, json_point(&replay->points[i]));
    json_t *root =
        json_pack("{s:I, s:I, s:o}", "checks", (json_int_t)replay->checks, "changes",
                  (json_int_t)(replay->changes[ZAP_EXPECT_CHANGED] +
                               replay->changes[ZAP_EXPECT_GONE] + replay->changes[ZAP_EXPECT_NEW]),
                  "results", results);
    bool is_written = root && json_dumpf(root, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return is_written ? ZAP_OK : ZAP_E_IO;
}
