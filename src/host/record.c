/* From outcomes on builds to lines for versions.
 *
 * For each kind of build (all, debug, free-threaded, both) there is a function from versions to
 * what is expected. The old one comes from the file's ranges; a build that ran says what the new
 * one is at its version. Between two such versions, both are asked: where the old line is not
 * contradicted anywhere it stays; where both sides agree they are believed; otherwise each side is
 * believed within its own series, and the old line as far as the side before it still agrees with
 * it. The function is evaluated once for each piece between versions at which it could change, and
 * pieces that say the same become one range. What is expected is handled as the text of a line:
 * equal text, equal expectation.
 */
#include "host/record.h"

#include "base/check.h"
#include "host/files.h"
#include "host/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINES_SIZE = 256 * 1024,
    TEXT_SIZE = 64 * 1024,
    DIES_MAX = 24, /* words; more are not for people */
    SEES_MAX = 12,
    WIDTH = 100,
};

/* ------------------------------------------------------------------ one outcome as a line */

static char *copy(const char *text)
{
    char *copied = text ? strdup(text) : NULL;
    ZAP_CHECK(!text || copied);
    return copied;
}

static size_t count_words(const char *text)
{
    size_t count = 0;
    for (; text && *text; text++)
        count += *text != ' ' && (text[1] == ' ' || text[1] == '\0');
    return count;
}

static struct zap_expect_row copy_row(const struct zap_expect_row *row)
{
    struct zap_expect_row copied = *row;
    copied.ranges = NULL;
    copied.ranges_count = 0;
    copied.dies = copy(row->dies);
    copied.lives = copy(row->lives);
    copied.sees = copy(row->sees);
    copied.untraced = copy(row->untraced);
    copied.known = copy(row->known);
    copied.because = copy(row->because);
    return copied;
}

/* Signals say what happened; the function where it did depends on the compiler. */
static void shorten(char *signature)
{
    size_t len = strncmp(signature, "SIG", 3) == 0 ? strcspn(signature, "-") : strlen(signature);
    memset(signature + len, 0, ZAP_SIGNATURE_SIZE - len);
}

static bool is_only_deaths(const struct zap_expect_row *row)
{
    for (size_t i = 0; i < row->verdicts_count; i++) {
        enum zap_verdict verdict = row->verdicts[i].verdict;
        if (verdict != ZAP_CRASHED && verdict != ZAP_TIMED_OUT && verdict != ZAP_EXHAUSTED)
            return false;
    }
    return true;
}

/* What is recorded of a run's end: as much as the old line has; of a new one, what is short. */
static void record_ends(const struct zap_record_case *one, struct zap_expect_row *row)
{
    const struct zap_expect_row *old = one->expects;
    const struct zap_expect_found *found = one->found;
    bool is_new = !old || is_only_deaths(old);
    bool is_ordered = !found->is_unordered;
    bool is_short = count_words(found->dies) + count_words(found->lives) <= DIES_MAX;
    if (is_new ? is_short && is_ordered && (found->dies || found->lives) : old->dies != NULL) {
        row->dies = copy(found->dies ? found->dies : "");
        row->lives = copy(found->lives);
    } else if (is_new ? is_short && (found->dies || found->lives) : old->lives != NULL) {
        row->lives = copy(found->lives ? found->lives : "");
    }
    size_t sees = count_words(found->sees);
    if (is_new ? is_ordered && sees > 0 && sees <= SEES_MAX : old->sees != NULL)
        row->sees = copy(found->sees ? found->sees : "");
    if (!is_new && old->untraced)
        row->untraced = copy(found->untraced ? found->untraced : "");
}

static struct zap_expect_row new_row(const struct zap_record_case *one, const char *reason,
                                     const char *reference)
{
    const struct zap_expect_found *found = one->found;
    struct zap_expect_row row = {.verdicts_count = 1};
    row.verdicts[0].verdict = found->verdict;
    row.verdicts[0].broken = found->broken;
    memcpy(row.verdicts[0].signature, found->signature, sizeof found->signature);
    shorten(row.verdicts[0].signature);
    if (found->has_ends)
        record_ends(one, &row);
    if (zap_verdict_row(found->verdict)->is_finding)
        row.known = copy(one->expects && one->expects->known ? one->expects->known : reference);
    row.because = copy(reason);
    return row;
}

static bool is_as_expected(const struct zap_expect_row *row, const struct zap_expect_found *found)
{
    enum zap_expect_change change = zap_expect_compare(row, found);
    return change == ZAP_EXPECT_SAME || change == ZAP_EXPECT_KNOWN || change == ZAP_EXPECT_UNRUN;
}

/* Does a build have something new to say? */
static bool is_news(const struct zap_record_case *one)
{
    return one->found && !one->found->is_unrun && !is_as_expected(one->expects, one->found);
}

/* ------------------------------------------------------------------ functions of versions */

/* What is expected at one version: a text, owned; NULL for nothing. */
struct point {
    uint32_t version;
    char *text;
    bool is_news;
};

struct curve {
    const struct zap_expect *old;
    unsigned kind;
    struct point *points; /* by version */
    size_t count;
};

static char *text_of(const struct zap_expect_row *row)
{
    char *page = malloc(TEXT_SIZE);
    ZAP_CHECK(page != NULL);
    struct zap_str text = zap_str_init(page, TEXT_SIZE);
    zap_expect_print(row, &text);
    ZAP_CHECK(!text.cut);
    return page;
}

static bool is_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The old line for just this kind of build, or NULL. */
static const struct zap_expect_row *old_row(const struct curve *curve, uint32_t version)
{
    for (size_t i = 0; i < curve->old->rows_count; i++) {
        const struct zap_expect_row *row = &curve->old->rows[i];
        for (size_t j = 0; j < row->ranges_count; j++) {
            const struct zap_expect_range *range = &row->ranges[j];
            if (range->kind == curve->kind && version >= range->from && version <= range->to)
                return row;
        }
    }
    return NULL;
}

/* Does a build contradict that line? */
static bool is_touched(const struct curve *curve, const struct zap_expect_row *row)
{
    for (size_t i = 0; i < curve->count; i++) {
        if (curve->points[i].is_news && old_row(curve, curve->points[i].version) == row)
            return true;
    }
    return false;
}

static uint32_t series(uint32_t version)
{
    return version >> 8;
}

/* What is expected of a version. Returns a text, owned by the caller, or NULL. */
static char *evaluate(const struct curve *curve, uint32_t version)
{
    const struct point *before = NULL, *after = NULL;
    for (size_t i = 0; i < curve->count; i++) {
        const struct point *point = &curve->points[i];
        if (point->version == version)
            return copy(point->text);
        if (point->version < version)
            before = point;
        else if (!after)
            after = point;
    }
    const struct zap_expect_row *row = old_row(curve, version);
    char *old = row ? text_of(row) : NULL;
    bool stays = row && !is_touched(curve, row);
    const char *result = old;
    if (stays || (!before && !after))
        result = old;
    else if (before && !after) /* the newest stays open, unless its line was not */
        result = row || !old_row(curve, before->version) ? before->text : NULL;
    else if (before && is_text(before->text, after->text))
        result = before->text;
    else if (before && series(before->version) == series(version) &&
             series(after->version) != series(version))
        result = before->text;
    else if (series(after->version) == series(version) &&
             (!before || series(before->version) != series(version)))
        result = after->text;
    else if (before && !is_text(before->text, old))
        result = NULL;
    char *copied = copy(result);
    free(old);
    return copied;
}

/* ------------------------------------------------------------------ ranges */

static int compare_versions(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return one < other ? -1 : one > other;
}

/* Versions at which the function could change, 0 first. Returns how many; owned by the caller. */
static size_t find_breaks(const struct curve *curve, uint32_t **ret_breaks)
{
    size_t count = 1, most = 1 + 4 * curve->count;
    for (size_t i = 0; i < curve->old->rows_count; i++)
        most += 2 * curve->old->rows[i].ranges_count;
    uint32_t *breaks = calloc(most, sizeof *breaks);
    ZAP_CHECK(breaks != NULL);
    for (size_t i = 0; i < curve->count; i++) {
        uint32_t version = curve->points[i].version;
        breaks[count++] = version;
        breaks[count++] = version + 1;
        breaks[count++] = version & ~UINT32_C(0xff);
        breaks[count++] = (version | 0xff) + 1;
    }
    for (size_t i = 0; i < curve->old->rows_count; i++) {
        const struct zap_expect_row *row = &curve->old->rows[i];
        for (size_t j = 0; j < row->ranges_count; j++) {
            breaks[count++] = row->ranges[j].from;
            breaks[count++] = row->ranges[j].to + 1; /* of an open one: 0 again */
        }
    }
    qsort(breaks, count, sizeof *breaks, compare_versions);
    *ret_breaks = breaks;
    return count;
}

static void print_version(uint32_t version, bool is_whole_series, struct zap_str *out)
{
    zap_str_printf(out, "%u.%u", (unsigned)(version >> 16), (unsigned)(version >> 8 & 0xff));
    if (!is_whole_series)
        zap_str_printf(out, ".%u", (unsigned)(version & 0xff));
}

static void print_range(uint32_t from, uint32_t to, unsigned kind, struct zap_str *out)
{
    bool is_from_series = (from & 0xff) == 0, is_to_series = (to & 0xff) == 0xff;
    if (series(from) == series(to) && (from == to || (is_from_series && is_to_series))) {
        print_version(from, is_to_series, out);
    } else {
        if (from != 0)
            print_version(from, is_from_series && !(from == to), out);
        zap_str_add(out, "..");
        if (to != UINT32_MAX)
            print_version(to, is_to_series, out);
    }
    zap_str_add(out, kind & ZAP_EXPECT_NOGIL ? "t" : "");
    zap_str_add(out, kind & ZAP_EXPECT_DEBUG ? "d" : "");
}

/* ------------------------------------------------------------------ lines */

struct line {
    char versions[256];
    char *text; /* owned */
    unsigned kind;
};

struct lines {
    struct line *items; /* owned */
    size_t count;
};

static void add_range(struct lines *lines, const char *text, unsigned kind, uint32_t from,
                      uint32_t to)
{
    struct line *line = NULL;
    for (size_t i = 0; i < lines->count && !line; i++) {
        if (lines->items[i].kind == kind && strcmp(lines->items[i].text, text) == 0)
            line = &lines->items[i];
    }
    if (!line) {
        struct line *items = realloc(lines->items, (lines->count + 1) * sizeof *items);
        ZAP_CHECK(items != NULL);
        lines->items = items;
        line = &items[lines->count++];
        *line = (struct line){.text = copy(text), .kind = kind};
    }
    size_t len = strlen(line->versions);
    struct zap_str versions = zap_str_init(line->versions + len, sizeof line->versions - len);
    /* init has written nothing but a NUL where one was */
    zap_str_add(&versions, len > 0 ? ", " : "");
    print_range(from, to, kind, &versions);
    ZAP_CHECK(!versions.cut);
}

/* All ranges of one kind, as lines. */
static void add_curve(const struct curve *curve, struct lines *lines)
{
    uint32_t *breaks;
    size_t count = find_breaks(curve, &breaks);
    char *text = NULL;
    uint32_t from = 0;
    for (size_t i = 0; i <= count; i++) {
        if (i > 0 && i < count && breaks[i] == breaks[i - 1])
            continue;
        char *next = i < count ? evaluate(curve, breaks[i]) : NULL;
        if (i < count && is_text(text, next)) {
            free(next);
            continue;
        }
        if (text)
            add_range(lines, text, curve->kind, from, i < count ? breaks[i] - 1 : UINT32_MAX);
        free(text);
        text = next;
        from = i < count ? breaks[i] : 0;
    }
    free(breaks);
}

/* Words in lines of at most WIDTH, all under each other. */
static void print_words(const char *text, size_t column, struct zap_str *out)
{
    size_t at = column;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (at > column && at + 1 + len > WIDTH) {
            zap_str_printf(out, "\n#%*s", (int)column - 1, "");
            at = column;
        }
        zap_str_printf(out, "%s%.*s", at > column ? " " : "", (int)len, text);
        at += len + (at > column);
        text += len + (text[len] == ' ');
    }
    zap_str_add(out, "\n");
}

static void print_lines(const struct lines *lines, struct zap_str *out)
{
    static const char start[] = "# expect ";
    size_t widest = 0;
    for (size_t i = 0; i < lines->count; i++) {
        size_t len = strlen(lines->items[i].versions);
        widest = len > widest ? len : widest;
    }
    for (size_t i = 0; i < lines->count; i++) {
        zap_str_printf(out, "%s%-*s  ", start, (int)widest, lines->items[i].versions);
        print_words(lines->items[i].text, sizeof start - 1 + widest + 2, out);
    }
}

static void release_lines(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->items[i].text);
    free(lines->items);
}

/* ------------------------------------------------------------------ cases */

/* Let one line say what two builds of the same version do. */
static void merge(struct zap_expect_row *row, const struct zap_expect_row *other,
                  const char *reason)
{
    char **lists[] = {&row->dies, &row->lives, &row->sees, &row->untraced};
    char *const others[] = {other->dies, other->lives, other->sees, other->untraced};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (!is_text(*lists[i], others[i])) {
            free(*lists[i]);
            *lists[i] = NULL;
        }
    }
    for (size_t i = 0; i < other->verdicts_count; i++) {
        const struct zap_expect_verdict *verdict = &other->verdicts[i];
        bool is_there = false;
        for (size_t j = 0; j < row->verdicts_count; j++)
            is_there = is_there || memcmp(&row->verdicts[j], verdict, sizeof *verdict) == 0;
        if (!is_there && row->verdicts_count < ZAP_EXPECT_VERDICTS_MAX)
            row->verdicts[row->verdicts_count++] = *verdict;
    }
    if (!row->known)
        row->known = copy(other->known);
    if (!is_text(row->because, other->because)) {
        free(row->because);
        row->because = copy(reason);
    }
}

/* What all cases of one kind say about their versions; others: lines that are enough for a build
 * where they say the same, or NULL. */
static struct curve make_curve(const struct zap_expect *old, unsigned kind,
                               const struct zap_record_case *cases, size_t count,
                               const struct zap_expect *others, const char *reason,
                               const char *reference)
{
    struct curve curve = {.old = old, .kind = kind};
    struct zap_expect_row *rows = calloc(count + 1, sizeof *rows);
    curve.points = calloc(count + 1, sizeof *curve.points);
    ZAP_CHECK(rows != NULL && curve.points != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct zap_record_case *one = &cases[i];
        if (one->kind != kind)
            continue;
        const struct zap_expect_row *other =
            others ? zap_expect_find(others, one->version, kind) : NULL;
        bool is_kept = !is_news(one) && old_row(&curve, one->version) == one->expects;
        bool was_run = one->found && !one->found->is_unrun;
        struct zap_expect_row row = {0};
        if (is_kept && one->expects)
            row = copy_row(one->expects);
        else if (was_run && !(other && is_as_expected(other, one->found)))
            row = new_row(one, reason, reference);
        size_t at = 0;
        while (at < curve.count && curve.points[at].version < one->version)
            at++;
        if (at < curve.count && curve.points[at].version == one->version) {
            if (rows[at].verdicts_count == 0) {
                rows[at] = row;
            } else {
                if (row.verdicts_count > 0)
                    merge(&rows[at], &row, reason);
                zap_expect_release_row(&row);
            }
        } else {
            memmove(&rows[at + 1], &rows[at], (curve.count - at) * sizeof *rows);
            memmove(&curve.points[at + 1], &curve.points[at],
                    (curve.count - at) * sizeof *curve.points);
            curve.count++;
            rows[at] = row;
            curve.points[at] = (struct point){.version = one->version};
        }
        curve.points[at].is_news = curve.points[at].is_news || is_news(one);
    }
    for (size_t i = 0; i < curve.count; i++) {
        if (rows[i].verdicts_count > 0)
            curve.points[i].text = text_of(&rows[i]);
        zap_expect_release_row(&rows[i]);
    }
    free(rows);
    return curve;
}

static void release_curve(struct curve *curve)
{
    for (size_t i = 0; i < curve->count; i++)
        free(curve->points[i].text);
    free(curve->points);
}

/* The lines so far, as a reader would understand them. */
static void understand(const struct lines *lines, char *page, struct zap_expect *ret_expect)
{
    struct zap_text_error error;
    struct zap_str text = zap_str_init(page, LINES_SIZE);
    zap_str_add(&text, "pyzap plan 1\n");
    print_lines(lines, &text);
    ZAP_CHECK(!text.cut);
    ZAP_CHECK(zap_expect_parse(page, text.len, ret_expect, &error) == ZAP_OK);
}

void zap_record_print(const struct zap_expect *old, const struct zap_record_case *cases,
                      size_t count, const char *reason, const char *reference, struct zap_str *out)
{
    struct lines lines = {0};
    char *page = malloc(LINES_SIZE);
    ZAP_CHECK(page != NULL);
    for (unsigned kind = 0; kind < ZAP_EXPECT_KINDS; kind++) {
        struct zap_expect others = {0};
        understand(&lines, page, &others);
        struct curve curve =
            make_curve(old, kind, cases, count, kind > 0 ? &others : NULL, reason, reference);
        add_curve(&curve, &lines);
        release_curve(&curve);
        zap_expect_release(&others);
    }
    print_lines(&lines, out);
    release_lines(&lines);
    free(page);
}

/* ------------------------------------------------------------------ plans */

struct work {
    const struct zap_record_config *config;
    struct zap_replay runs[2];
    struct zap_record_case *cases; /* of the plan at hand: builds that ran, then the others */
    const char **names;
    size_t cases_count, ran_count;
};

static bool refuse(struct zap_record *record, int status, const char *fmt, ...) ZAP_PRINTF(3, 4);
static bool refuse(struct zap_record *record, int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(record->why, sizeof record->why, fmt, args);
    va_end(args);
    record->status = status;
    return false;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t len = strlen(text), suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

/* Did both runs of a plan do the same, on each build? */
static bool is_steady(const struct work *work, size_t first, struct zap_record *record)
{
    for (size_t i = first; i < first + work->ran_count; i++) {
        const struct zap_replay_point *once = &work->runs[0].points[i];
        const struct zap_replay_point *twice = &work->runs[1].points[i];
        const struct zap_replay_point *bad = once->change == ZAP_EXPECT_FAILED ? once : twice;
        char a[256], b[256];
        struct zap_str found = zap_str_init(a, sizeof a), again = zap_str_init(b, sizeof b);
        if (bad->change == ZAP_EXPECT_FAILED)
            return refuse(record, ZAP_EXIT_FAILURE, "not recorded: pyzap failed on %s: %s",
                          bad->row->name, bad->reason ? bad->reason : "no reason");
        zap_expect_print_found(&once->found, &found);
        zap_expect_print_found(&twice->found, &again);
        if (!zap_expect_is_same(&once->found, &twice->found))
            return refuse(record, ZAP_EXIT_FINDINGS,
                          "not recorded: it does not do the same twice on %s: %s, then %s "
                          "(several outcomes are written by hand, with or and because)",
                          once->row->name, a, b);
    }
    return true;
}

/* May the news of this plan be written? */
static bool is_allowed(const struct work *work, struct zap_record *record)
{
    for (size_t i = 0; i < work->ran_count; i++) {
        const struct zap_record_case *one = &work->cases[i];
        if (!is_news(one))
            continue;
        bool has_reference = (one->expects && one->expects->known) || work->config->reference;
        if (zap_verdict_row(one->found->verdict)->is_finding && !has_reference)
            return refuse(record, ZAP_EXIT_USAGE,
                          "not recorded: %s on %s is a finding: say where it is known, with "
                          "--reference",
                          zap_verdict_row(one->found->verdict)->name, work->names[i]);
        for (size_t j = work->ran_count; j < work->cases_count; j++) {
            if (one->expects && work->cases[j].expects == one->expects)
                return refuse(record, ZAP_EXIT_USAGE,
                              "not recorded: line %u is for %s too, which did not run: leave out "
                              "--python",
                              one->expects->line, work->names[j]);
        }
    }
    return true;
}

static bool write_lines(const char *path, const char *lines, struct zap_record *record)
{
    char *real = realpath(path, NULL);
    char *text = malloc(ZAP_TEXT_FILE_MAX + 1);
    char *page = malloc(ZAP_TEXT_FILE_MAX + LINES_SIZE);
    ZAP_CHECK(text != NULL && page != NULL);
    struct zap_str out = zap_str_init(page, ZAP_TEXT_FILE_MAX + LINES_SIZE);
    ssize_t len = real ? zap_files_read(real, text, ZAP_TEXT_FILE_MAX) : -1;
    bool is_written = len >= 0;
    if (is_written) {
        zap_expect_replace(text, (size_t)len, lines, &out);
        ZAP_CHECK(!out.cut);
        is_written = zap_files_replace(real, page, out.len);
    }
    if (!is_written)
        refuse(record, ZAP_EXIT_FAILURE, "not recorded: %s", strerror(errno));
    free(real);
    free(text);
    free(page);
    return is_written;
}

static void record_plan(struct work *work, size_t number, struct zap_record *record)
{
    const struct zap_input *input = &work->config->replay.inputs->items[number];
    size_t first = number * work->ran_count;
    bool any_news = false;
    for (size_t i = 0; i < work->cases_count; i++) {
        struct zap_record_case *one = &work->cases[i];
        if (i < work->ran_count) {
            const struct zap_replay_point *point = &work->runs[0].points[first + i];
            one->version = point->version;
            one->kind = point->kind;
            one->found = &point->found;
        }
        one->expects = zap_expect_find(&input->expect, one->version, one->kind);
        any_news = any_news || is_news(one);
    }
    if (strcmp(input->path, "-") == 0 || has_suffix(input->path, ".zap")) {
        refuse(record, ZAP_EXIT_USAGE, "not recorded: only text plans in files have a header");
        return;
    }
    if (!is_steady(work, first, record) || !any_news || !is_allowed(work, record))
        return;
    char *lines = malloc(LINES_SIZE);
    ZAP_CHECK(lines != NULL);
    struct zap_str out = zap_str_init(lines, LINES_SIZE);
    zap_record_print(&input->expect, work->cases, work->cases_count, work->config->reason,
                     work->config->reference, &out);
    ZAP_CHECK(!out.cut);
    record->is_written = write_lines(input->path, lines, record);
    free(lines);
}

/* A build that does not run is asked what it is. */
static bool ask(const struct zap_record_config *config, const struct zap_builds_row *row,
                struct zap_record_case *ret_case)
{
    struct zap_worker worker;
    struct zap_worker_config about = config->replay.worker;
    struct zap_report report;
    struct zap_judgement judgement;
    about.path = row->worker;
    if (zap_worker_start(&about, &worker) != ZAP_OK)
        return false;
    bool has_hello = zap_worker_wait(&worker, &report, &judgement) == ZAP_WORKER_HELLO;
    if (has_hello) {
        *ret_case = (struct zap_record_case){.version = worker.build.version,
                                             .kind = zap_expect_kind(&worker.build)};
        zap_worker_quit(&worker);
    }
    zap_worker_release(&worker);
    return has_hello;
}

static void ask_others(struct work *work)
{
    const struct zap_record_config *config = work->config;
    for (size_t i = 0; i < config->builds->count; i++) {
        const struct zap_builds_row *row = &config->builds->rows[i];
        bool runs = !row->is_usable;
        for (size_t j = 0; j < work->ran_count; j++)
            runs = runs || config->replay.rows[j] == row;
        if (!runs && ask(config, row, &work->cases[work->cases_count]))
            work->names[work->cases_count++] = row->name;
    }
}

struct zap_record *zap_record_run(const struct zap_record_config *config)
{
    struct work work = {.config = config, .ran_count = config->replay.rows_count};
    struct zap_replay_config replay = config->replay;
    size_t count = config->replay.inputs->count, most = work.ran_count + config->builds->count;
    struct zap_record *records = calloc(count + 1, sizeof *records);
    work.cases = calloc(most + 1, sizeof *work.cases);
    work.names = calloc(most + 1, sizeof *work.names);
    ZAP_CHECK(records != NULL && work.cases != NULL && work.names != NULL);
    replay.flags |= ZAP_RUN_KNOWN;
    replay.take = NULL;
    for (int i = 0; i < 2; i++)
        zap_replay_run(&replay, &work.runs[i]);
    for (work.cases_count = 0; work.cases_count < work.ran_count; work.cases_count++)
        work.names[work.cases_count] = config->replay.rows[work.cases_count]->name;
    ask_others(&work);
    for (size_t i = 0; i < count; i++)
        record_plan(&work, i, &records[i]);
    for (int i = 0; i < 2; i++)
        zap_replay_release(&work.runs[i]);
    free(work.cases);
    free(work.names);
    return records;
}
