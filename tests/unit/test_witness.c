/* Every invariant can fail: for each row of invariant.def there is a trace that breaks it and one,
 * as like it as can be, that holds it.
 *
 * A witness is a file of tests/witness, two runs in one text. Its lines are those of both, but for
 * those that begin with - or +, which are only the first's and only the second's; so what makes the
 * difference is seen at a glance. Above the line --- is the plan (plan/text.c), below it the trace
 * (oracle/trace.c), with lines in between that say what the judge has to make of it:
 *
 *     ^ breaks I1 P1       below an event: these invariants break at it, and no others anywhere
 *     = holds I2 I3        (or void, skipped) at the end; not all have to be listed
 *     = departs FEATURE    the departure from the documentation that is counted, once
 *     = harness WHY        the trace is no good, and why
 *     = by FEATURE         (both) the two runs differ in their build alone, and by this row of it
 *
 * What a second interpreter is held to (I29) no single trace shows: where a run says something of
 * it, it is held against the second run, which is so held against itself.
 *
 * "#" begins a line for people. A row's own witness is ID-NAME.trace, its first run breaks it, its
 * second holds it. Any other file is ID-WORDS.trace, and its two runs are not judged alike on ID.
 */
#include "oracle/judge.h"
#include "plan/text.h"
#include "oracle/trace_text.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- witnesses ---- */

enum { WITNESS_MAX = 64 * 1024, CLAIM_NONE = 0xff };

struct run {
    struct zap_plan plan;
    struct zap_trace trace;
    uint8_t claims[ZAP_INVARIANT_COUNT]; /* enum zap_verdict or CLAIM_NONE */
    uint32_t at[ZAP_INVARIANT_COUNT];    /* BROKEN: the event */
    bool shows[ZAP_FEATURE_COUNT];
    char harness[96];
    struct zap_judgement judgement;
};

struct witness {
    char name[128]; /* of the file */
    struct run runs[2];
    bool by[ZAP_FEATURE_COUNT];
};

static struct witness witness;
static char what[4096];

static int invariant_of(const char *id, size_t len)
{
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        const char *row = zap_invariant_row((enum zap_invariant_code)i)->id;
        if (strlen(row) == len && strncmp(row, id, len) == 0)
            return i;
    }
    return -1;
}

static int feature_of(const char *id)
{
    for (int i = 0; i < ZAP_FEATURE_COUNT; i++)
        if (strcmp(zap_feature_row((enum zap_feature_code)i)->id, id) == 0)
            return i;
    return -1;
}

/* "I1 P1 ...": these are judged so. */
static bool read_invariants(struct run *run, const char *ids, enum zap_verdict verdict,
                            struct zap_str *out)
{
    while (*ids) {
        size_t len = strcspn(ids, " ");
        int i = invariant_of(ids, len);
        if (i < 0 || run->claims[i] != CLAIM_NONE) {
            zap_str_printf(out, "%.*s is no invariant, or was judged before", (int)len, ids);
            return false;
        }
        run->claims[i] = (uint8_t)verdict;
        run->at[i] = run->trace.events_count - 1;
        ids += len + (ids[len] == ' ');
    }
    return true;
}

static bool starts(const char *line, const char *with, const char **ret_rest)
{
    size_t len = strlen(with);
    *ret_rest = line + len;
    return strncmp(line, with, len) == 0;
}

static bool read_claim(struct witness *w, struct run *run, const char *line, struct zap_str *out)
{
    const char *rest;
    int feature;
    if (starts(line, "^ breaks ", &rest) && run->trace.events_count > 0)
        return read_invariants(run, rest, ZAP_BROKEN, out);
    if (starts(line, "= holds ", &rest))
        return read_invariants(run, rest, ZAP_HELD, out);
    if (starts(line, "= void ", &rest))
        return read_invariants(run, rest, ZAP_VOID, out);
    if (starts(line, "= skipped ", &rest))
        return read_invariants(run, rest, ZAP_SKIPPED, out);
    if (starts(line, "= harness ", &rest) && strlen(rest) < sizeof run->harness) {
        strcpy(run->harness, rest);
        return true;
    }
    if (starts(line, "= departs ", &rest) && (feature = feature_of(rest)) >= 0)
        return run->shows[feature] = true;
    if (starts(line, "= by ", &rest) && (feature = feature_of(rest)) >= 0)
        return w->by[feature] = true;
    zap_str_printf(out, "nothing that can be said of a trace: %s", line);
    return false;
}

/* One of the two runs. text: NUL-terminated. */
static bool read_run(const char *text, int side, struct witness *w, struct zap_str *out)
{
    static char plan_text[WITNESS_MAX];
    struct run *run = &w->runs[side];
    struct zap_str plan = zap_str_init(plan_text, sizeof plan_text);
    struct zap_text_error error;
    bool is_trace = false, has_build = false;
    unsigned number = 0;
    memset(run, 0, sizeof *run);
    memset(run->claims, CLAIM_NONE, sizeof run->claims);
    for (const char *end; *text; text = end + 1) {
        char line[2048];
        number++;
        end = strchr(text, '\n');
        if (end == NULL || (size_t)(end - text) >= sizeof line) {
            zap_str_printf(out, "%u: no end of this line", number);
            return false;
        }
        memcpy(line, text, (size_t)(end - text));
        line[end - text] = '\0';
        if (strcmp(line, "---") == 0) {
            if (is_trace || zap_text_parse(plan_text, plan.len, &run->plan, &error) != ZAP_OK) {
                zap_str_printf(out, "%u: %s", is_trace ? number : error.line,
                               is_trace ? "a second ---" : error.what);
                return false;
            }
            is_trace = true;
            continue;
        }
        if (line[0] == (side == 0 ? '+' : '-'))
            line[0] = '\0';
        else if (line[0] == '-' || line[0] == '+')
            line[0] = ' ';
        if (!is_trace) {
            zap_str_printf(&plan, "%s\n", line);
            continue;
        }
        const char *at = line + strspn(line, " ");
        if (*at == '\0' || *at == '#')
            continue;
        char why[3000];
        struct zap_str message = zap_str_init(why, sizeof why);
        bool is_right = *at == '^' || *at == '='
                            ? read_claim(w, run, at, &message)
                            : zap_trace_text_add(&run->trace, !has_build, at, &message) == ZAP_OK;
        has_build = true;
        if (!is_right) {
            zap_str_printf(out, "%u: %s", number, why);
            return false;
        }
    }
    if (!has_build)
        zap_str_add(out, "there is no trace");
    return has_build;
}

static const char *verdict_name(uint8_t verdict)
{
    return zap_verdict_row((enum zap_verdict)verdict)->name;
}

/* Does the judge say what the witness says? */
static bool judges_as_said(struct run *run, const struct zap_trace *second, struct zap_str *out)
{
    struct zap_judgement *j = &run->judgement;
    zap_judge(&run->plan, &run->trace, j);
    if (run->claims[ZAP_INVARIANT_I29] != CLAIM_NONE)
        zap_judge_again(&run->trace, second, j);
    bool any_broken = false;
    for (unsigned i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        const char *id = zap_invariant_row((enum zap_invariant_code)i)->id;
        any_broken |= j->verdicts[i] == ZAP_BROKEN;
        if (run->claims[i] == CLAIM_NONE && j->verdicts[i] == ZAP_BROKEN) {
            zap_str_printf(out, "%s is BROKEN at event %u, which nobody said", id, j->at[i]);
            return false;
        }
        if (run->claims[i] == CLAIM_NONE)
            continue;
        if (run->claims[i] != j->verdicts[i]) {
            zap_str_printf(out, "%s is %s, not %s", id, verdict_name(j->verdicts[i]),
                           verdict_name(run->claims[i]));
            return false;
        }
        if (j->verdicts[i] == ZAP_BROKEN && run->at[i] != j->at[i]) {
            zap_str_printf(out, "%s is BROKEN at event %u, not %u", id, j->at[i], run->at[i]);
            return false;
        }
        bool was_checked = j->verdicts[i] == ZAP_BROKEN || j->verdicts[i] == ZAP_HELD;
        if (was_checked != (j->checks[i] != 0)) {
            zap_str_printf(out, "%s is %s by %u checks", id, verdict_name(j->verdicts[i]),
                           j->checks[i]);
            return false;
        }
    }
    for (unsigned f = 0; f < ZAP_FEATURE_COUNT; f++) {
        if (j->shows[f] != run->shows[f]) {
            zap_str_printf(out, "%s departs %u times",
                           zap_feature_row((enum zap_feature_code)f)->id, j->shows[f]);
            return false;
        }
    }
    if (any_broken != j->any_broken || j->is_harness != (j->harness != NULL)) {
        zap_str_add(out, "the judgement contradicts itself");
        return false;
    }
    const char *harness = j->is_harness ? j->harness : "";
    if (strcmp(harness, run->harness) != 0) {
        zap_str_printf(out, "harness: \"%s\", not \"%s\"", harness, run->harness);
        return false;
    }
    return true;
}

static bool is_same_but_for_the_build(const struct witness *w)
{
    const struct run *a = &w->runs[0], *b = &w->runs[1];
    return zap_plan_equal(&a->plan, &b->plan) && zap_trace_diff(&a->trace, &b->trace) == UINT32_MAX;
}

/* The rows that the two runs are said to differ by are rows that the two builds differ by. */
static bool differs_as_said(const struct witness *w, struct zap_str *out)
{
    zap_profile differs =
        zap_profile_of(&w->runs[0].trace.build) ^ zap_profile_of(&w->runs[1].trace.build);
    for (unsigned f = 0; f < ZAP_FEATURE_COUNT; f++) {
        if (w->by[f] && (!zap_profile_has(differs, (enum zap_feature_code)f) ||
                         !is_same_but_for_the_build(w))) {
            zap_str_printf(out, "it is not by %s that the runs differ",
                           zap_feature_row((enum zap_feature_code)f)->id);
            return false;
        }
    }
    return true;
}

static bool read_witness(const char *text, struct witness *w, struct zap_str *out)
{
    memset(w->by, 0, sizeof w->by);
    return read_run(text, 0, w, out) && read_run(text, 1, w, out) &&
           judges_as_said(&w->runs[0], &w->runs[1].trace, out) &&
           judges_as_said(&w->runs[1], &w->runs[1].trace, out) && differs_as_said(w, out);
}

/* ---- the folder ---- */

static int is_witness(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 6 && strcmp(entry->d_name + len - 6, ".trace") == 0;
}

/* Read it into `witness`; what is wrong with it is printed. */
static bool load(const char *name)
{
    static char text[WITNESS_MAX];
    char path[512];
    snprintf(path, sizeof path, "%s/witness/%s", ZAP_TEST_DIR, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    assert_in_range(len, 1, sizeof text - 2);
    text[len] = '\0';
    struct zap_str out = zap_str_init(what, sizeof what);
    snprintf(witness.name, sizeof witness.name, "%s", name);
    bool is_right = read_witness(text, &witness, &out);
    if (!is_right)
        print_error("%s: %s\n", path, what);
    return is_right;
}

/* Every witness in turn; how many there are. */
static int for_each_witness(void (*visit)(void))
{
    struct dirent **entries;
    int count = scandir(ZAP_TEST_DIR "/witness", &entries, is_witness, alphasort);
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        if (load(entries[i]->d_name))
            visit();
        else
            wrong++;
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(wrong, 0);
    return count;
}

/* ---- the tests ---- */

static void every_row_can_break_and_hold(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        const struct zap_invariant_row *row = zap_invariant_row((enum zap_invariant_code)i);
        char name[128];
        snprintf(name, sizeof name, "%s-%s.trace", row->id, row->name);
        if (!load(name) || witness.runs[0].claims[i] != ZAP_BROKEN ||
            witness.runs[1].claims[i] != ZAP_HELD)
            fail_msg("%s does not show that %s breaks in its first run and holds in its second",
                     name, row->id);
    }
}

/* Its name says which row a witness is about. */
static void visit_difference(void)
{
    const struct run *a = &witness.runs[0], *b = &witness.runs[1];
    if (strncmp(witness.name, "harness-", 8) == 0) {
        assert_true(a->judgement.is_harness);
        assert_false(b->judgement.is_harness);
        return;
    }
    int i = invariant_of(witness.name, strcspn(witness.name, "-"));
    if (i < 0)
        fail_msg("%s is not about a row of invariant.def", witness.name);
    if (a->claims[i] == CLAIM_NONE || b->claims[i] == CLAIM_NONE)
        fail_msg("%s does not say how its runs are judged", witness.name);
    if (a->claims[i] == b->claims[i] && memcmp(a->shows, b->shows, sizeof a->shows) == 0)
        fail_msg("%s: both runs are judged alike", witness.name);
}

static void every_witness_shows_a_difference(void **state)
{
    (void)state;
    int count = for_each_witness(visit_difference);
    assert_true(count >= ZAP_INVARIANT_COUNT);
    print_message("%d witnesses for %d invariants\n", count, ZAP_INVARIANT_COUNT);
}

static bool has_witness[ZAP_FEATURE_COUNT];

static void visit_features(void)
{
    for (unsigned f = 0; f < ZAP_FEATURE_COUNT; f++)
        has_witness[f] |= witness.by[f];
}

/* Rows that judging does not ask for. */
static const uint8_t not_judged_by[] = {
    ZAP_FEATURE_DICT_WATCHER,   /* what a build sees is in its observers; this is why */
    ZAP_FEATURE_SPEC_RECURSION, /* known.c: such a run has no trace that could be judged */
    ZAP_FEATURE_GETATTR_RECURSION, ZAP_FEATURE_ENDLESS_WIPE, ZAP_FEATURE_ENDLESS_NEW,
    ZAP_FEATURE_ENDLESS_NEW_IN_DEBUG, ZAP_FEATURE_LATE_CODEC_ABORTS, ZAP_FEATURE_LATE_CODEC_CRASHES,
    ZAP_FEATURE_SUBINTERP_ATEXIT_HANGS,
    /* Judged alike everywhere: where the row holds, such plans are known to break Z4. */
    ZAP_FEATURE_FREED_KEY, ZAP_FEATURE_UNHELD_WIPE, /* Z5 */
};

static void every_feature_makes_a_difference(void **state)
{
    (void)state;
    for_each_witness(visit_features);
    for (unsigned f = 0; f < ZAP_FEATURE_COUNT; f++) {
        bool is_judged_by = memchr(not_judged_by, (int)f, sizeof not_judged_by) == NULL;
        if (has_witness[f] != is_judged_by)
            fail_msg("%s: %s", zap_feature_row((enum zap_feature_code)f)->id,
                     is_judged_by ? "no witness has two runs that differ by it alone"
                                  : "judging asks for it, so it is no exception");
    }
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s: \"%s\" is not in:\n%s", witness.name, part, text);
}

static void check_explanation(const struct run *run)
{
    static char text[WITNESS_MAX];
    char line[2048];
    struct zap_str str = zap_str_init(text, sizeof text);
    zap_judge_explain(&run->plan, &run->trace, &run->judgement, &str);
    assert_false(str.cut);
    if (run->judgement.is_harness) {
        assert_says(text, "pyzap itself failed");
        assert_says(text, run->judgement.harness);
        assert_null(strstr(text, "broken"));
        return;
    }
    assert_says(text, run->trace.build.name);
    unsigned broken = 0;
    for (unsigned i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        const struct zap_invariant_row *row = zap_invariant_row((enum zap_invariant_code)i);
        snprintf(line, sizeof line, "%s %s is broken.\n", row->id, row->name);
        if (run->judgement.verdicts[i] != ZAP_BROKEN) {
            assert_null(strstr(text, line));
            continue;
        }
        broken++;
        assert_says(text, line);
        assert_says(text, row->statement);
        assert_says(text, row->where);
        assert_says(text, row->promise);
        struct zap_str event = zap_str_init(line, sizeof line);
        zap_str_printf(&event, "\n  >> %5u  ", run->at[i]);
        zap_trace_print_event(&run->trace, run->at[i], &event);
        zap_str_add(&event, "\n");
        assert_says(text, line);
    }
    snprintf(line, sizeof line, "%u are broken", broken);
    assert_says(text, line);
    for (unsigned f = 0; f < ZAP_FEATURE_COUNT; f++) {
        const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)f);
        if (run->judgement.shows[f] != 0) {
            assert_says(text, row->text);
            assert_says(text, row->reference);
        } else {
            assert_null(strstr(text, row->text));
        }
    }
}

static void visit_explanation(void)
{
    check_explanation(&witness.runs[0]);
    check_explanation(&witness.runs[1]);
}

static void every_judgement_is_explained(void **state)
{
    (void)state;
    for_each_witness(visit_explanation);
}

static void visit_text(void)
{
    static char text[WITNESS_MAX];
    for (int side = 0; side < 2; side++) {
        static struct zap_trace again;
        const struct zap_trace *trace = &witness.runs[side].trace;
        struct zap_str str = zap_str_init(text, sizeof text), out = zap_str_init(what, sizeof what);
        zap_trace_print(trace, &str);
        assert_false(str.cut);
        memset(&again, 0, sizeof again);
        bool is_first = true;
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
            assert_int_equal(zap_trace_text_add(&again, is_first, line, &out), ZAP_OK);
            is_first = false;
        }
        assert_memory_equal(&again, trace, sizeof again);
    }
}

/* A witness that was printed whole by `pyzap show` can be put into a file as it is. */
static void every_witness_can_be_printed(void **state)
{
    (void)state;
    for_each_witness(visit_text);
}

/* ---- what no file can show ---- */

#define BUILD "build 3.11.7 version=3.11.7 level=final debug=no nogil=no static=yes sees=sets"

/* A namespace has 64 entries at most: the names of the table, and its own. */
static void too_many_entries_are_our_fault(void **state)
{
    (void)state;
    static struct run run;
    struct zap_str out = zap_str_init(what, sizeof what);
    zap_plan_init(&run.plan);
    assert_int_equal(zap_trace_text_add(&run.trace, true, BUILD, &out), ZAP_OK);
    while (run.trace.events_count <= 64) {
        zap_judge(&run.plan, &run.trace, &run.judgement);
        assert_false(run.judgement.is_harness);
        assert_int_equal(zap_trace_text_add(&run.trace, false,
                                            "entry m0 name=other - refs=0 seen=bound at=0", &out),
                         ZAP_OK);
    }
    zap_judge(&run.plan, &run.trace, &run.judgement);
    assert_true(run.judgement.is_harness);
    assert_string_equal(run.judgement.harness, "more entries than a namespace can have");
}

/* Add a line to a trace that is its own text. */
static void add(struct run *run, const char *format, unsigned number)
{
    char line[256];
    struct zap_str str = zap_str_init(line, sizeof line), out = zap_str_init(what, sizeof what);
    zap_str_add(&str, format);
    char *digit = strchr(line, '#');
    if (digit != NULL) {
        char rest[256];
        strcpy(rest, digit + 1);
        snprintf(digit, sizeof line - (size_t)(digit - line), "%u%s", number, rest);
    }
    if (zap_trace_text_add(&run->trace, run->trace.build.version == 0, line, &out) != ZAP_OK)
        fail_msg("%s: %s", line, what);
}

enum how_it_ends { STAYS_OPEN, IS_FREED, LIVES_ON, IS_COLLECTED };

/* Some nodes are finalized, then the last reference to an object is overwritten, and nothing comes
 * of it. */
static enum zap_verdict immediacy_after(unsigned nodes, enum how_it_ends ends)
{
    static const char *const dels[] = {
        [STAYS_OPEN] = "del o# - refs=1 how=refcount gone=yes",
        [IS_FREED] = "del o# - refs=1 how=refcount gone=yes",
        [LIVES_ON] = "del o# - refs=1 how=refcount gone=yes",
        [IS_COLLECTED] = "del o# - refs=2 how=gc gone=yes",
    };
    static struct run run;
    memset(&run, 0, sizeof run);
    zap_plan_init(&run.plan);
    add(&run, BUILD, 0);
    add(&run, "entry m0 name=a o100 refs=1 seen=bound at=0", 0);
    add(&run, "before m0 refs=1 bound=a none=- builtins=missing size=1", 0);
    for (unsigned i = 101; i <= 100 + nodes; i++) {
        add(&run, dels[ends], i);
        if (ends == IS_FREED) {
            add(&run, "del-end o# - refs=1 how=refcount gone=yes pending=no", i);
            add(&run, "free o#", i);
        } else if (ends == LIVES_ON) {
            add(&run, "del-end o# - refs=2 how=refcount gone=yes pending=no", i);
        } else if (ends == IS_COLLECTED) {
            add(&run, "del-end o# - refs=2 how=gc gone=yes pending=no", i);
        }
    }
    add(&run, "set-none m0 name=a pass=0 by=route o100 refs=1 seen=bound", 0);
    add(&run, "route-end pending=no", 0);
    zap_judge(&run.plan, &run.trace, &run.judgement);
    assert_false(run.judgement.is_harness);
    return (enum zap_verdict)run.judgement.verdicts[ZAP_INVARIANT_I14];
}

/* CPython's trashcan puts deallocations off when they are nested deep, and only then: it does not
 * matter how many there were. */
static void immediacy_ends_where_deallocations_are_nested(void **state)
{
    (void)state;
    assert_int_equal(immediacy_after(0, STAYS_OPEN), ZAP_BROKEN);
    assert_int_equal(immediacy_after(11, STAYS_OPEN), ZAP_BROKEN);
    assert_int_equal(immediacy_after(12, STAYS_OPEN), ZAP_VOID);
    assert_int_equal(immediacy_after(100, IS_FREED), ZAP_BROKEN);
    assert_int_equal(immediacy_after(100, LIVES_ON), ZAP_BROKEN);
    assert_int_equal(immediacy_after(100, IS_COLLECTED), ZAP_BROKEN);
}

/* ---- and that none of this is blind ---- */

#define PLAN "pyzap plan 1\nroute drop\nmodule m0\n---\n"

static void assert_refused(const char *text, const char *why)
{
    struct zap_str out = zap_str_init(what, sizeof what);
    if (read_witness(text, &witness, &out))
        fail_msg("taken, though %s:\n%s", why, text);
    if (strstr(what, why) == NULL)
        fail_msg("refused because %s, not because %s", what, why);
}

static void a_wrong_witness_is_refused(void **state)
{
    (void)state;
    struct zap_str out = zap_str_init(what, sizeof what);
    if (!read_witness(PLAN BUILD "\n- route-end pending=yes\n- ^ breaks I15\n"
                                 "+ route-end pending=no\n+ = holds I15\n",
                      &witness, &out))
        fail_msg("refused: %s", what);
    assert_refused(PLAN BUILD "\nroute-end pending=yes\n",
                   "I15 is BROKEN at event 0, which nobody");
    assert_refused(PLAN BUILD "\nroute-end pending=no\n^ breaks I15\n", "I15 is HELD, not BROKEN");
    assert_refused(PLAN BUILD "\nroute-end pending=yes\nfinally o0\n^ breaks I15\n",
                   "I15 is BROKEN at event 0, not 1");
    assert_refused(PLAN BUILD "\nroute-end pending=no\n= void I15\n", "I15 is HELD, not VOID");
    assert_refused(PLAN BUILD "\n= holds I15\n", "I15 is VOID, not HELD");
    assert_refused(PLAN BUILD "\n= skipped I15\n", "I15 is VOID, not SKIPPED");
    assert_refused(PLAN BUILD "\n= holds I15 I15\n",
                   "6: I15 is no invariant, or was judged before");
    assert_refused(PLAN BUILD "\n= holds I0\n", "6: I0 is no invariant");
    assert_refused(PLAN BUILD "\n^ breaks I15\n", "6: nothing that can be said");
    assert_refused(PLAN BUILD "\n= hold I15\n", "6: nothing that can be said");
    assert_refused(PLAN BUILD "\n= departs DROP_IGNORES_UNDERSCORE\n", "departs 0 times");
    assert_refused(PLAN BUILD "\n= departs NONE\n", "6: nothing that can be said");
    assert_refused(PLAN BUILD "\n= harness out of ink\n", "harness: \"\", not \"out of ink\"");
    assert_refused(PLAN BUILD "\ncut after 0 events: more happened\n", "harness: \"more events");
    assert_refused(PLAN BUILD "\n= by ZAP_ON_DEALLOC\n", "it is not by ZAP_ON_DEALLOC");
    assert_refused(PLAN BUILD "\n+ route-end pending=yes\n", "BROKEN at event 0, which nobody");
    assert_refused(PLAN BUILD "\n- route-end pending=yes\n", "BROKEN at event 0, which nobody");
    assert_refused(PLAN BUILD "\nnever-heard-of\n", "6: word 1: expected an event");
    assert_refused(PLAN BUILD, "5: no end of this line");
    assert_refused(PLAN BUILD "\n---\n", "6: a second ---");
    assert_refused(PLAN, "there is no trace");
    assert_refused("pyzap plan 1\nroute dorp\n---\n", "2: expected a route");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_can_break_and_hold),
        cmocka_unit_test(every_witness_shows_a_difference),
        cmocka_unit_test(every_feature_makes_a_difference),
        cmocka_unit_test(every_judgement_is_explained),
        cmocka_unit_test(every_witness_can_be_printed),
        cmocka_unit_test(too_many_entries_are_our_fault),
        cmocka_unit_test(immediacy_ends_where_deallocations_are_nested),
        cmocka_unit_test(a_wrong_witness_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
