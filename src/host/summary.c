/* Summaries of sessions.
 *
 * The table has one row a build; its columns are as wide as what stands in them, and the gaps
 * between them shrink before it gets as wide as 120 columns. Verdicts of plan x invariant are
 * counted in millions, so they are shortened; the plans are not, because they are what was asked
 * for. JSON has every number in full.
 */
#include "host/summary.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    COLUMNS_COUNT = 14,
    CELL_MAX = 72,
    WIDTH_MAX = 120,
    PROSE_MAX = 96,
    LISTED_MAX = 20, /* findings in the printed summary */
};

void zap_summary_count(uint64_t count, struct zap_str *out)
{
    static const char units[] = "kMGTPE";
    if (count < 10000) {
        zap_str_printf(out, "%" PRIu64, count);
        return;
    }
    double value = (double)count;
    size_t unit = 0;
    for (value /= 1000; value >= 999.5; value /= 1000)
        unit++;
    int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    zap_str_printf(out, "%.*f%c", digits, value, units[unit]);
}

void zap_summary_version(const struct zap_build *build, struct zap_str *out)
{
    if (build->version == 0) {
        zap_str_add(out, "-");
        return;
    }
    zap_str_printf(out, "%u.%u.%u", (unsigned)(build->version >> 16),
                   (unsigned)(build->version >> 8) & 0xff, (unsigned)build->version & 0xff);
    if (build->level != 0xf && build->level != 0)
        zap_str_add(out, build->level == 0xa ? "a" : build->level == 0xb ? "b" : "rc");
}

/* ------------------------------------------------------------------ the table */

static const struct {
    const char *above, *below; /* the heading, in two lines */
} headings[COLUMNS_COUNT] = {
    {"", "build"},     {"", "version"}, {"", "plans"},   {"plans", "/s"},  {"", "checks"},
    {"", "held"},      {"", "void"},    {"", "broken"},  {"", "crashed"},  {"timed", "out"},
    {"", "exhausted"}, {"", "skipped"}, {"", "harness"}, {"", "findings"},
};

struct row {
    char cells[COLUMNS_COUNT][CELL_MAX];
};

static double plans_per_second(const struct zap_run *run, const struct zap_tally *tally)
{
    return run->seconds > 0 ? (double)tally->plans / run->seconds : 0;
}

static void fill_row(const struct zap_run *run, struct row *ret_row)
{
    struct zap_tally tally;
    zap_session_tally(run, &tally);
    struct zap_str cells[COLUMNS_COUNT];
    for (int i = 0; i < COLUMNS_COUNT; i++)
        cells[i] = zap_str_init(ret_row->cells[i], CELL_MAX);
    zap_str_add(&cells[0], run->row->name);
    zap_summary_version(&run->build, &cells[1]);
    zap_str_printf(&cells[2], "%" PRIu64, tally.plans);
    zap_summary_count((uint64_t)plans_per_second(run, &tally), &cells[3]);
    zap_summary_count(tally.checks, &cells[4]);
    static const enum zap_verdict verdicts[] = {ZAP_HELD,    ZAP_VOID,      ZAP_BROKEN,
                                                ZAP_CRASHED, ZAP_TIMED_OUT, ZAP_EXHAUSTED,
                                                ZAP_SKIPPED, ZAP_HARNESS};
    for (int i = 0; i < 8; i++)
        zap_summary_count(tally.verdicts[verdicts[i]], &cells[5 + i]);
    zap_summary_count(tally.findings, &cells[13]);
}

static void print_row(const char *(*cell)(const void *row, int column), const void *row,
                      const int *widths, int gap, FILE *out)
{
    for (int i = 0; i < COLUMNS_COUNT; i++) {
        /* Names to the left, numbers to the right. */
        int width = i < 2 ? -widths[i] : widths[i];
        fprintf(out, "%*s%*s", i ? gap : 0, "", width, cell(row, i));
    }
    fputc('\n', out);
}

static const char *cell_of(const void *row, int column)
{
    return ((const struct row *)row)->cells[column];
}

static const char *above_of(const void *row, int column)
{
    (void)row;
    return headings[column].above;
}

static const char *below_of(const void *row, int column)
{
    (void)row;
    return headings[column].below;
}

/* Of the terminal, if it is one and not wider than what we use anyway. */
static int width_of(FILE *out)
{
    struct winsize size = {0};
    int fd = fileno(out); /* -1: not even a file */
    if (fd >= 0 && isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 &&
        size.ws_col < WIDTH_MAX)
        return size.ws_col + 1;
    return WIDTH_MAX;
}

static void print_table(const struct zap_session *session, FILE *out)
{
    int widths[COLUMNS_COUNT];
    for (int i = 0; i < COLUMNS_COUNT; i++) {
        size_t above = strlen(headings[i].above), below = strlen(headings[i].below);
        widths[i] = (int)(above > below ? above : below);
    }
    for (size_t i = 0; i < session->config.builds_count; i++) {
        struct row row;
        fill_row(&session->runs[i], &row);
        for (int j = 0; j < COLUMNS_COUNT; j++) {
            int len = (int)strlen(row.cells[j]);
            widths[j] = len > widths[j] ? len : widths[j];
        }
    }
    int gap = 2, width = 2 * (COLUMNS_COUNT - 1);
    for (int i = 0; i < COLUMNS_COUNT; i++)
        width += widths[i];
    if (width >= width_of(out))
        gap = 1;
    print_row(above_of, NULL, widths, gap, out);
    print_row(below_of, NULL, widths, gap, out);
    for (size_t i = 0; i < session->config.builds_count; i++) {
        struct row row;
        fill_row(&session->runs[i], &row);
        print_row(cell_of, &row, widths, gap, out);
    }
}

/* ------------------------------------------------------------------ below the table */

static void print_failures(const struct zap_session *session, FILE *out)
{
    bool is_first = true;
    for (size_t i = 0; i < session->config.builds_count; i++) {
        const struct zap_run *run = &session->runs[i];
        if (!run->failure[0])
            continue;
        fprintf(out, "%s  %s: %s\n", is_first ? "\npyzap itself failed\n" : "", run->row->name,
                run->failure);
        is_first = false;
    }
    if (session->write_failure[0])
        fprintf(out, "%s  findings could not be filed: %s\n",
                is_first ? "\npyzap itself failed\n" : "", session->write_failure);
}

/* Words in lines that fit, the first of which begins with `head`, the others as far to the right.
 */
static void print_wrapped(const char *head, const char *text, FILE *out)
{
    int indent = (int)strlen(head), at = indent;
    fputs(head, out);
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (at > indent && at + 1 + len > PROSE_MAX) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        }
        at += fprintf(out, "%s%.*s", at > indent ? " " : "", len, text);
        text += len + (text[len] == ' ');
    }
    fputc('\n', out);
}

/* Features that showed: departures from the documentation, or known crashes. */
static void print_features(const struct zap_session *session, bool departs, const char *heading,
                           FILE *out)
{
    bool is_first = true;
    for (int i = 0; i < ZAP_FEATURE_COUNT; i++) {
        const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)i);
        char text[1024];
        struct zap_str counts = zap_str_init(text, sizeof text);
        for (size_t j = 0; row->departs == departs && j < session->config.builds_count; j++) {
            const struct zap_run *run = &session->runs[j];
            if (run->past.shows[i] == 0)
                continue;
            zap_str_printf(&counts, "%s%s:", counts.len ? ", " : "", run->row->name);
            zap_summary_count(run->past.shows[i], &counts);
        }
        if (counts.len == 0)
            continue;
        if (is_first)
            fprintf(out, "\n%s\n", heading);
        is_first = false;
        print_wrapped("  ", row->text, out);
        print_wrapped("    ", row->reference, out);
        print_wrapped("    seen: ", text, out);
    }
}

static void print_finding(const struct zap_run *run, const struct zap_filed *filed, FILE *out)
{
    if (filed->path[0]) {
        fprintf(out, "  %s  %s  %s", filed->path, zap_verdict_row(filed->verdict)->name,
                filed->reason);
        if (filed->is_flaky)
            fprintf(out, "  (flaky: it did not happen again)");
        else if (filed->runs > 0)
            fprintf(out, "  (reproduced %u of %u)", filed->reproduced, filed->runs);
        else if (filed->is_old)
            fprintf(out, "  (filed by an earlier session)");
        else
            fprintf(out, "  (not examined yet)");
        fputc('\n', out);
    } else
        fprintf(out, "  %s index %" PRIu64 " (not filed)  %s  %s\n", run->row->name, filed->index,
                zap_verdict_row(filed->verdict)->name, filed->reason);
}

static const struct zap_sight *sight_of(const struct zap_run *run, const char *signature)
{
    size_t i = 0;
    while (i < run->sights_count && strcmp(run->sights[i].signature, signature) != 0)
        i++;
    return i < run->sights_count ? &run->sights[i] : NULL;
}

static bool is_known(const struct zap_run *run, const struct zap_filed *filed)
{
    const struct zap_sight *sight = sight_of(run, filed->signature);
    return sight && sight->known;
}

/* What is known and was met, and what is known and no longer there. */
static void print_known(const struct zap_session *session, FILE *out)
{
    bool is_first = true;
    for (size_t i = 0; i < session->config.builds_count; i++) {
        const struct zap_run *run = &session->runs[i];
        for (size_t j = 0; j < run->sights_count; j++) {
            const struct zap_sight *sight = &run->sights[j];
            if (!sight->known)
                continue;
            fprintf(out, "%s  %s %s  %" PRIu64 " plan%s  %s (%s)\n",
                    is_first ? "\nKnown findings\n" : "", run->row->name, sight->signature,
                    sight->count, sight->count == 1 ? "" : "s", sight->known->row->known,
                    sight->known->input->path);
            is_first = false;
        }
    }
    is_first = true;
    for (size_t i = 0; i < session->config.builds_count; i++) {
        const struct zap_run *run = &session->runs[i];
        for (size_t j = 0; j < run->knowns.count; j++) {
            const struct zap_known *known = &run->knowns.items[j];
            if (known->change != ZAP_EXPECT_GONE)
                continue;
            fprintf(out, "%s  %s  %s (%s)\n",
                    is_first ? "\nKnown findings that no longer happen (record it with `pyzap "
                               "replay --update`)\n"
                             : "",
                    run->row->name, known->row->known, known->input->path);
            is_first = false;
        }
    }
}

static void print_findings(const struct zap_session *session, FILE *out)
{
    size_t all = 0, printed = 0;
    uint64_t unfiled = 0;
    for (size_t i = 0; i < session->config.builds_count; i++) {
        const struct zap_run *run = &session->runs[i];
        size_t new_here = 0;
        for (size_t j = 0; j < run->filed_count; j++)
            new_here += !is_known(run, &run->filed[j]);
        all += new_here;
        unfiled += zap_session_news(run) - new_here;
    }
    if (all == 0)
        return;
    fputs("\nFindings\n", out);
    /* The first of each build, then the second: no build hides the others. */
    for (size_t i = 0; printed < all && printed < LISTED_MAX; i++) {
        for (size_t j = 0; j < session->config.builds_count && printed < LISTED_MAX; j++) {
            const struct zap_run *run = &session->runs[j];
            if (i < run->filed_count && !is_known(run, &run->filed[i])) {
                print_finding(run, &run->filed[i], out);
                printed++;
            }
        }
    }
    if (all > printed)
        fprintf(out, "  and %zu more in %s\n", all - printed,
                session->config.out ? session->config.out : "the same session");
    if (unfiled > 0)
        fprintf(out,
                "  and %" PRIu64
                " more of the same kinds, counted but not filed (one of a kind is)\n",
                unfiled);
}

void zap_summary_print(const struct zap_session *session, FILE *out)
{
    print_table(session, out);
    print_failures(session, out);
    print_features(session, true,
                   "Where CPython departs from its documentation (by design: not findings)", out);
    print_features(
        session, false,
        "Plans that were skipped, because they are known to crash the build, or to hang it", out);
    print_known(session, out);
    print_findings(session, out);
}

/* ------------------------------------------------------------------ JSON */

static json_t *json_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *json_filed(const struct zap_filed *filed)
{
    const char *key = filed->verdict == ZAP_BROKEN ? "invariant" : "signal";
    json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "path", filed->path, "verdict",
                               zap_verdict_row(filed->verdict)->name, key, filed->signature,
                               "index", (json_int_t)filed->index);
    json_object_set_new(object, "flaky", json_boolean(filed->is_flaky));
    json_object_set_new(object, "runs", json_count(filed->runs));
    json_object_set_new(object, "reproduced", json_count(filed->reproduced));
    if (filed->verdict != ZAP_BROKEN) {
        json_object_set_new(object, "reason", json_string(filed->reason));
        return object;
    }
    json_t *invariants = json_array();
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        if (filed->broken >> i & 1)
            json_array_append_new(invariants,
                                  json_string(zap_invariant_row((enum zap_invariant_code)i)->id));
    }
    json_object_set_new(object, "invariants", invariants);
    return object;
}

/* Of the findings, those that are known; and what is known and does not happen. */
static json_t *json_known(const struct zap_run *run)
{
    json_t *known = json_array();
    for (size_t i = 0; i < run->sights_count; i++) {
        const struct zap_sight *sight = &run->sights[i];
        if (sight->known)
            json_array_append_new(
                known, json_pack("{s:s, s:s, s:s, s:I}", "signature", sight->signature, "reference",
                                 sight->known->row->known, "plan", sight->known->input->path,
                                 "count", (json_int_t)sight->count));
    }
    for (size_t i = 0; i < run->knowns.count; i++) {
        const struct zap_known *one = &run->knowns.items[i];
        if (one->change == ZAP_EXPECT_GONE)
            json_array_append_new(known, json_pack("{s:s, s:s, s:i}", "reference", one->row->known,
                                                   "plan", one->input->path, "count", 0));
    }
    return known;
}

static json_t *json_features(const struct zap_tally *tally, bool departs)
{
    json_t *features = json_object();
    for (int i = 0; i < ZAP_FEATURE_COUNT; i++) {
        const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)i);
        if (row->departs == departs && tally->shows[i] > 0)
            json_object_set_new(features, row->id, json_count(tally->shows[i]));
    }
    return features;
}

static json_t *json_invariants(const struct zap_tally *tally)
{
    json_t *invariants = json_object();
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        json_object_set_new(invariants, zap_invariant_row((enum zap_invariant_code)i)->id,
                            json_pack("{s:I, s:I}", "held", (json_int_t)tally->held[i], "broken",
                                      (json_int_t)tally->broken[i]));
    }
    return invariants;
}

static json_t *json_run(const struct zap_run *run)
{
    struct zap_tally tally;
    zap_session_tally(run, &tally);
    char version[32];
    struct zap_str version_text = zap_str_init(version, sizeof version);
    zap_summary_version(&run->build, &version_text);
    json_t *verdicts = json_object();
    for (int i = 0; i < ZAP_VERDICT_COUNT; i++)
        json_object_set_new(verdicts, zap_verdict_row((enum zap_verdict)i)->name,
                            json_count(tally.verdicts[i]));
    json_t *findings = json_array();
    for (size_t i = 0; i < run->filed_count; i++)
        json_array_append_new(findings, json_filed(&run->filed[i]));
    json_t *object = json_object();
    json_object_set_new(object, "build", json_string(run->row->name));
    json_object_set_new(object, "version", json_string(version));
    json_object_set_new(object, "plans", json_count(tally.plans));
    json_object_set_new(object, "seconds", json_real(run->seconds));
    json_object_set_new(object, "plans_per_second", json_real(plans_per_second(run, &tally)));
    json_object_set_new(object, "checks", json_count(tally.checks));
    json_object_set_new(object, "verdicts", verdicts);
    json_object_set_new(object, "findings", findings);
    json_object_set_new(object, "findings_count", json_count(tally.findings));
    json_object_set_new(object, "known", json_known(run));
    json_object_set_new(object, "invariants", json_invariants(&tally));
    json_object_set_new(object, "departs", json_features(&tally, true));
    json_object_set_new(object, "known_crashes", json_features(&tally, false));
    json_object_set_new(object, "restarts", json_count(run->restarts));
    json_object_set_new(object, "resident_start_kib", json_count(run->start_kib));
    json_object_set_new(object, "resident_end_kib", json_count(run->end_kib));
    json_object_set_new(object, "resident_growth_kib", json_integer(run->growth_kib));
    json_object_set_new(object, "failure",
                        run->failure[0] ? json_string(run->failure) : json_null());
    return object;
}

enum zap_status zap_summary_json(const struct zap_session *session, FILE *out)
{
    json_t *builds = json_array();
    for (size_t i = 0; i < session->config.builds_count; i++)
        json_array_append_new(builds, json_run(&session->runs[i]));
    json_t *object = json_object();
    json_object_set_new(object, "seed", json_count(session->config.gen.seed));
    json_object_set_new(object, "interrupted", json_boolean(session->was_interrupted));
    json_object_set_new(object, "write_failure",
                        session->write_failure[0] ? json_string(session->write_failure)
                                                  : json_null());
    json_object_set_new(object, "builds", builds);
    int result = json_dumpf(object, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(object);
    return result == 0 && fputc('\n', out) != EOF ? ZAP_OK : ZAP_E_IO;
}
