/* Writes the page: page/page.html with style, data and script put in.
 *
 * The data is one JSON object that the script reads; page.js describes it where it uses it. All
 * texts (plans, scripts, reports, traces) are runs of one table of lines (lines.h), so that 500
 * findings fit into a few megabytes. What comes from files may be no UTF-8, and may hold what ends
 * a script element: the first is written as \xNN, and "<" as an escape, which only ever stands
 * within JSON's strings.
 */
#include "host/page.h"

#include "base/check.h"
#include "host/lines.h"
#include "host/summary.h"
#include "oracle/explain.h"
#include "plan/source.h"
#include "plan/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char page_html[] =
#include "host/page/page.html.h"
    ;
static const char page_css[] =
#include "host/page/page.css.h"
    ;
static const char page_js[] =
#include "host/page/page.js.h"
    ;

enum { TEXT_MAX = 1024 * 1024 }; /* no text about a plan is longer */

/* ------------------------------------------------------------------ JSON */

/* How many bytes the character at `s` has in UTF-8, 0 where it is none. */
static size_t character_len(const unsigned char *s, size_t len)
{
    size_t size = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (size > len)
        return 0;
    json_t *string = json_stringn((const char *)s, size);
    json_decref(string);
    return string ? size : 0;
}

/* Any bytes as a string; those that are no UTF-8 as \xNN. */
static json_t *json_bytes(const char *bytes, size_t len)
{
    json_t *string = json_stringn(bytes, len);
    if (string)
        return string;
    char *copy = malloc(4 * len + 1);
    ZAP_CHECK(copy != NULL);
    size_t copied = 0;
    for (size_t i = 0; i < len;) {
        size_t size = character_len((const unsigned char *)bytes + i, len - i);
        if (size == 0) {
            copied += (size_t)sprintf(copy + copied, "\\x%02x", (unsigned char)bytes[i++]);
            continue;
        }
        memcpy(copy + copied, bytes + i, size);
        copied += size;
        i += size;
    }
    string = json_stringn(copy, copied);
    free(copy);
    ZAP_CHECK(string != NULL);
    return string;
}

static json_t *json_text(const char *text)
{
    return json_bytes(text, strlen(text));
}

/* A member; nothing is left out rather than "". */
static void add_text(json_t *object, const char *key, const char *text)
{
    if (text && text[0])
        json_object_set_new(object, key, json_text(text));
}

/* A text as runs of the table: first, count, first, count, ... */
static json_t *json_runs(struct zap_lines *lines, const char *text, size_t len)
{
    struct zap_lines_run *runs;
    size_t count = zap_lines_add(lines, text, len, &runs);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_integer(runs[i].first));
        json_array_append_new(array, json_integer(runs[i].count));
    }
    free(runs);
    return array;
}

static void add_runs(json_t *object, const char *key, struct zap_lines *lines, const char *text,
                     size_t len)
{
    if (len > 0)
        json_object_set_new(object, key, json_runs(lines, text, len));
}

static void add_file(json_t *object, const char *key, struct zap_lines *lines,
                     const struct zap_shelf_file *file)
{
    if (file->bytes)
        add_runs(object, key, lines, file->bytes, file->len);
}

/* ------------------------------------------------------------------ tables */

static json_t *json_events(void)
{
    json_t *events = json_object();
    for (unsigned i = 0; i < ZAP_EVENT_END; i++) {
        const struct zap_event_row *row = zap_event_row(i);
        if (row)
            json_object_set_new(events, row->token, json_text(row->text));
    }
    return events;
}

static json_t *json_routes(void)
{
    json_t *routes = json_object();
    for (unsigned i = 0; i <= UINT8_MAX; i++) {
        const struct zap_route_row *row = zap_route_row(i);
        if (row)
            json_object_set_new(routes, row->token, json_text(row->text));
    }
    return routes;
}

static json_t *json_verdicts(void)
{
    json_t *verdicts = json_array();
    for (int i = 0; i < ZAP_VERDICT_COUNT; i++) {
        const struct zap_verdict_row *row = zap_verdict_row((enum zap_verdict)i);
        json_array_append_new(verdicts, json_pack("{s:s, s:s, s:b}", "name", row->name, "text",
                                                  row->text, "finding", (int)row->is_finding));
    }
    return verdicts;
}

static json_t *json_invariants(const struct zap_survey *survey)
{
    json_t *invariants = json_array();
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        const struct zap_invariant_row *row = zap_invariant_row((enum zap_invariant_code)i);
        json_t *checks = json_array();
        for (size_t j = 0; j < survey->config.rows_count; j++)
            json_array_append_new(checks, json_integer((json_int_t)survey->checks[j][i]));
        json_array_append_new(invariants,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", row->id, "name",
                                        row->name, "statement", row->statement, "where", row->where,
                                        "promise", row->promise, "checks", checks));
    }
    return invariants;
}

/* Features that a run has shown, with the number of plans that did on each build. */
static json_t *json_features(const struct zap_survey *survey)
{
    size_t rows_count = survey->config.rows_count;
    json_t *features = json_array();
    for (int i = 0; i < ZAP_FEATURE_COUNT; i++) {
        const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)i);
        json_t *plans = json_array();
        bool is_shown = false;
        for (size_t j = 0; j < rows_count; j++) {
            json_int_t count = 0;
            for (size_t k = 0; k < survey->config.inputs->count; k++)
                count += survey->runs[k * rows_count + j].shows[i] > 0;
            is_shown = is_shown || count > 0;
            json_array_append_new(plans, json_integer(count));
        }
        json_t *feature =
            json_pack("{s:s, s:s, s:s, s:b, s:o}", "id", row->id, "text", row->text, "reference",
                      row->reference, "departs", (int)row->departs, "plans", plans);
        if (is_shown || row->departs)
            json_array_append_new(features, feature);
        else
            json_decref(feature);
    }
    return features;
}

static json_t *json_builds(const struct zap_survey *survey)
{
    json_t *builds = json_array();
    for (size_t j = 0; j < survey->config.rows_count; j++) {
        const struct zap_build *build = &survey->builds[j];
        char version[32];
        struct zap_str text = zap_str_init(version, sizeof version);
        json_t *object = json_object(), *observers = json_array();
        add_text(object, "name", survey->config.rows[j]->name);
        if (build->version != 0) {
            zap_summary_version(build, &text);
            add_text(object, "version", version);
        }
        add_text(object, "banner", build->banner);
        json_object_set_new(object, "debug", json_boolean(build->debug));
        json_object_set_new(object, "nogil", json_boolean(build->nogil));
        for (unsigned i = 0; zap_observer_token(i); i++) {
            if (build->observers >> i & 1)
                json_array_append_new(observers, json_text(zap_observer_token(i)));
        }
        json_object_set_new(object, "observers", observers);
        json_array_append_new(builds, object);
    }
    return builds;
}

/* ------------------------------------------------------------------ plans */

/* What a plan is made of, as far as a timeline names it; labels: NULL where there are none. */
static json_t *json_parts(const struct zap_plan *plan, const struct zap_text_labels *labels)
{
    json_t *modules = json_array(), *objects = json_array();
    for (unsigned i = 0; i < plan->modules_count; i++) {
        const struct zap_module *module = &plan->modules[i];
        json_t *names = json_array(), *object = json_object();
        for (unsigned j = 0; j < module->globals_count; j++)
            json_array_append_new(names, json_text(zap_name_row(module->globals[j].name)->token));
        add_text(object, "label", labels ? labels->modules[i] : "");
        json_object_set_new(object, "names", names);
        json_array_append_new(modules, object);
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        json_t *object = json_object();
        add_text(object, "label", labels ? labels->objects[i] : "");
        add_text(object, "kind", zap_value_row(plan->objects[i].kind)->token);
        json_array_append_new(objects, object);
    }
    return json_pack("{s:s, s:o, s:o}", "route", zap_route_row(plan->route)->token, "modules",
                     modules, "objects", objects);
}

/* The last part of a path, without its ending, unless another plan is called so too. */
static const char *base_of(const char *path, size_t *ret_len)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash && slash[1] ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    *ret_len = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    return base;
}

static json_t *json_name(const struct zap_inputs *inputs, size_t at)
{
    size_t len, other_len;
    const char *base = base_of(inputs->items[at].path, &len);
    for (size_t i = 0; i < inputs->count; i++) {
        const char *other = base_of(inputs->items[i].path, &other_len);
        if (i != at && len == other_len && strncmp(base, other, len) == 0)
            return json_text(inputs->items[at].path);
    }
    return json_bytes(base, len);
}

static json_t *json_run(const struct zap_survey_run *run, struct zap_lines *lines)
{
    json_t *object = json_object();
    json_object_set_new(object, "verdict", json_integer(run->verdict));
    json_object_set_new(object, "trace", json_integer((json_int_t)run->trace));
    add_text(object, "reason", run->reason);
    add_text(object, "known", run->known);
    add_runs(object, "explanation", lines, run->explanation, strlen(run->explanation));
    if (run->has_judgement) {
        char digits[ZAP_INVARIANT_COUNT + 1] = "";
        for (int i = 0; i < ZAP_INVARIANT_COUNT; i++)
            digits[i] = (char)('0' + run->verdicts[i]);
        add_text(object, "invariants", digits);
    }
    return object;
}

static json_t *json_plans(const struct zap_survey *survey, struct zap_lines *lines)
{
    const struct zap_inputs *inputs = survey->config.inputs;
    size_t rows_count = survey->config.rows_count;
    char *page = malloc(TEXT_MAX);
    ZAP_CHECK(page != NULL);
    json_t *plans = json_array();
    for (size_t i = 0; i < inputs->count; i++) {
        const struct zap_input *input = &inputs->items[i];
        json_t *object = json_parts(&input->plan, &input->labels), *runs = json_array();
        json_object_set_new(object, "name", json_name(inputs, i));
        struct zap_str text = zap_str_init(page, TEXT_MAX);
        zap_text_print(&input->plan, &text);
        add_runs(object, "plan", lines, page, text.len);
        text = zap_str_init(page, TEXT_MAX);
        zap_explain_plan(&input->plan, &text);
        add_runs(object, "words", lines, page, text.len);
        text = zap_str_init(page, TEXT_MAX);
        zap_source_script(&input->plan, &text);
        add_runs(object, "script", lines, page, text.len);
        for (size_t j = 0; j < rows_count; j++)
            json_array_append_new(runs, json_run(&survey->runs[i * rows_count + j], lines));
        json_object_set_new(object, "runs", runs);
        json_array_append_new(plans, object);
    }
    free(page);
    return plans;
}

/* ------------------------------------------------------------------ findings */

static json_t *json_findings(const struct zap_shelf *shelf, struct zap_lines *lines)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < shelf->findings_count; i++) {
        const struct zap_shelf_finding *finding = &shelf->findings[i];
        json_t *object = json_parts(&finding->plan, NULL);
        add_text(object, "name", finding->name);
        add_text(object, "verdict", finding->verdict);
        add_text(object, "build", finding->build);
        add_text(object, "reason", finding->reason);
        add_text(object, "signature", finding->signature);
        add_text(object, "affected", finding->affected);
        json_object_set_new(object, "flaky", json_boolean(finding->is_flaky));
        json_object_set_new(object, "examined", json_boolean(finding->is_examined));
        add_file(object, "plan", lines, &finding->min);
        add_file(object, "found", lines, &finding->found);
        add_file(object, "script", lines, &finding->script);
        add_file(object, "report", lines, &finding->report);
        add_file(object, "trace", lines, &finding->trace);
        json_array_append_new(findings, object);
    }
    return findings;
}

static json_t *json_others(const struct zap_shelf *shelf)
{
    json_t *others = json_array();
    for (size_t i = 0; i < shelf->others_count; i++) {
        json_t *object = json_object();
        add_text(object, "name", shelf->others[i].name);
        add_text(object, "why", shelf->others[i].why);
        json_array_append_new(others, object);
    }
    return others;
}

static json_t *json_page(const struct zap_survey *survey, const struct zap_shelf *shelf)
{
    struct zap_lines lines = {0};
    json_t *page = json_object(), *traces = json_array(), *table = json_array();
    add_text(page, "pyzap", ZAP_VERSION);
    json_object_set_new(page, "builds", json_builds(survey));
    json_object_set_new(page, "verdicts", json_verdicts());
    json_object_set_new(page, "invariants", json_invariants(survey));
    json_object_set_new(page, "features", json_features(survey));
    json_object_set_new(page, "events", json_events());
    json_object_set_new(page, "routes", json_routes());
    json_object_set_new(page, "findings", json_findings(shelf, &lines));
    json_object_set_new(page, "others", json_others(shelf));
    json_object_set_new(page, "plans", json_plans(survey, &lines));
    for (size_t i = 0; i < survey->traces_count; i++)
        json_array_append_new(traces,
                              json_runs(&lines, survey->traces[i], strlen(survey->traces[i])));
    json_object_set_new(page, "traces", traces);
    for (size_t i = 0; i < lines.count; i++)
        json_array_append_new(table, json_bytes(lines.rows[i].text, lines.rows[i].len));
    json_object_set_new(page, "lines", table);
    zap_lines_release(&lines);
    return page;
}

/* ------------------------------------------------------------------ the page */

/* "<" of the data as an escape: no end of an element and no comment begins in it. */
static void put_data(const char *json, FILE *out)
{
    for (size_t len; *json; json += len) {
        len = strcspn(json, "<");
        fwrite(json, 1, len, out);
        if (json[len] == '<') {
            fputs("\\u003c", out);
            len++;
        }
    }
}

char *zap_page_write(const struct zap_survey *survey, const struct zap_shelf *shelf,
                     size_t *ret_len)
{
    json_t *data = json_page(survey, shelf);
    char *json = json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(data);
    char *page = NULL;
    FILE *out = open_memstream(&page, ret_len);
    ZAP_CHECK(json != NULL && out != NULL);
    for (const char *at = page_html; *at;) {
        static const char style[] = "@STYLE@", script[] = "@SCRIPT@", put[] = "@DATA@";
        if (strncmp(at, style, strlen(style)) == 0) {
            fputs(page_css, out);
            at += strlen(style);
        } else if (strncmp(at, script, strlen(script)) == 0) {
            fputs(page_js, out);
            at += strlen(script);
        } else if (strncmp(at, put, strlen(put)) == 0) {
            put_data(json, out);
            at += strlen(put);
        } else {
            fputc(*at++, out);
        }
    }
    ZAP_CHECK(fclose(out) == 0);
    free(json);
    return page;
}
