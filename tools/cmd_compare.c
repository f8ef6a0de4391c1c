/* `pyzap compare`: what one build does and another does not, and why. */
#include "cmd.h"

#include "base/check.h"
#include "host/clock.h"
#include "host/compare.h"
#include "host/knowns.h"
#include "host/live.h"
#include "plan/gen.h"
#include "plan/shrink.h"
#include "plan/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH = 120, WIDTH_MIN = 60, LINE_SIZE = 1400, CONTEXT = 3 };

struct arguments {
    struct zap_option_list pythons, paths;
    uint64_t random, seed, from, size, jobs, deadline_ms, memory_mib;
    uint32_t routes;
    const char *history;
};

static void print_more(void)
{
    puts(
        "\n"
        "A PLAN is a text plan, a wire plan (.zap), a folder of such, or - for standard input.\n"
        "\n"
        "Builds that behave alike are one group; between neighbouring builds that do not, the\n"
        "events of both are shown side by side: < and > mark what one of them has alone, then\n"
        "come the features that explain it (src/oracle/feature.def), with their references, and\n"
        "what no feature explains (marked ?). Compared is what all the builds can see; refcounts,\n"
        "sizes and the names that an interpreter itself binds are left out.\n"
        "\n"
        "With --random, changes that the same features explain, and that begin with the same\n"
        "kinds of events, are a class, with its count and its smallest plan. A class that no\n"
        "feature explains is told of on standard error as soon as it is seen.\n"
        "\n"
        "Where one build dies of what is known of it (`# expect ... known ...` in the plans that\n"
        "came with pyzap), the change is KNOWN, with the reference.\n"
        "\n"
        "Ctrl-C ends it, and prints what was found so far.\n"
        "\n"
        "Exit status: 0 all is explained, 1 something is not, 2 usage or bad input, 70 pyzap\n"
        "itself failed, or nothing was compared.");
    zap_options_print_routes();
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    const struct zap_option rows[] = {
        {"python", "BUILD", ZAP_OPTION_LIST, &arguments->pythons, 0, 0,
         "only this build (see `pyzap check --help`); may be given again"},
        {"random", "N", ZAP_OPTION_NUMBER, &arguments->random, 1, UINT32_MAX,
         "compare so many random plans, those of `pyzap gen`, and tell the classes of\n"
         "changes"},
        {"seed", "N", ZAP_OPTION_NUMBER, &arguments->seed, 0, INT64_MAX,
         "of the random plans (default: 1)"},
        {"from", "I", ZAP_OPTION_NUMBER, &arguments->from, 0, INT64_MAX,
         "number of the first random plan (default: 0)"},
        ZAP_OPTIONS_OF_RANDOM_PLANS(arguments),
        {"history", "NAME", ZAP_OPTION_TEXT, &arguments->history, 0, 0,
         "instead: on which builds a feature (SAFE_FINALIZERS) or an invariant (I8,\n"
         "dict-order-death) holds, and since when; an invariant is judged on the\n"
         "PLANs or the random plans"},
        {"jobs", "N", ZAP_OPTION_NUMBER, &arguments->jobs, 1, 1024,
         "builds at work at one time (default: all)"},
        ZAP_OPTIONS_OF_WORKER(arguments),
    };
    const struct zap_options options = {
        .command = "compare",
        .operands = "PLAN...",
        .operands_min = 0,
        .operands_max = SIZE_MAX,
        .text =
            "Run plans on every chosen build, show where behaviour changes from one build to the\n"
            "next, and explain each change by what is known of the versions.",
        .rows = rows,
        .rows_count = sizeof rows / sizeof rows[0],
        .print_more = print_more,
    };
    int status = zap_options_parse(&options, argc, argv, &arguments->paths);
    if (status >= 0)
        return status;
    if (arguments->paths.count > 0 && arguments->random > 0)
        return zap_cmd_fail("compare", ZAP_EXIT_USAGE, "PLAN... and --random: give one of them");
    if (arguments->random == 0 && (arguments->size || arguments->routes || arguments->from))
        return zap_cmd_fail("compare", ZAP_EXIT_USAGE,
                            "--size, --route and --from: only with --random");
    if (arguments->paths.count == 0 && arguments->random == 0 && !arguments->history)
        return zap_cmd_fail("compare", ZAP_EXIT_USAGE,
                            "PLAN... is missing; `pyzap compare --help` says more");
    return -1;
}

/* ------------------------------------------------------------------ side by side */

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return WIDTH;
    return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
}

static void print_wrapped(const char *indent, const char *text)
{
    int at = 0;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (at == 0 || at + 1 + len > 96) {
            printf("%s%s", at == 0 ? "" : "\n", indent);
            at = (int)strlen(indent);
        } else {
            putchar(' ');
            at++;
        }
        printf("%.*s", len, text);
        at += len;
        text += len + (text[len] == ' ');
    }
    putchar('\n');
}

/* One event, cut to so many columns, and filled up to them where another is to stand beside it. */
static void put_cell(const struct zap_trace *view, uint32_t i, int columns, bool is_filled)
{
    /* What views have set to 0 says nothing. */
    static const char *const left_out[] = {" refs=0", " size=0", " at=0"};
    char line[LINE_SIZE];
    struct zap_str text = zap_str_init(line, sizeof line);
    zap_trace_print_event(view, i, &text);
    for (size_t f = 0; f < sizeof left_out / sizeof left_out[0]; f++) {
        char *found = strstr(line, left_out[f]);
        if (found)
            memmove(found, found + strlen(left_out[f]), strlen(found + strlen(left_out[f])) + 1);
    }
    int len = (int)strlen(line);
    if (len > columns)
        printf("%.*s~", columns - 1, line);
    else
        printf("%-*s", is_filled ? columns : 0, line);
}

/* An event of one side or of both; which of the features explains it is its letter. */
static void print_row(const struct zap_difference *d, int64_t a, int64_t b, int columns)
{
    const struct zap_difference_mark *left = a >= 0 ? &d->marks[0][a] : NULL;
    const struct zap_difference_mark *right = b >= 0 ? &d->marks[1][b] : NULL;
    const struct zap_difference_mark *mark = left ? left : right;
    if (left)
        put_cell(d->sides[0], (uint32_t)a, columns, true);
    else
        printf("%*s", columns, "");
    printf(" %c%c", mark->is_different && mark->feature == ZAP_FEATURE_ALL_COUNT ? '?' : ' ',
           left && right ? '|'
           : left        ? '<'
                         : '>');
    if (right) {
        putchar(' ');
        put_cell(d->sides[1], (uint32_t)b, columns, false);
    }
    putchar('\n');
}

static void print_why(const struct zap_difference *d)
{
    for (unsigned f = 0; f < ZAP_FEATURE_ALL_COUNT; f++) {
        if (!zap_profile_has(d->features, (enum zap_feature_code)f))
            continue;
        const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)f);
        uint32_t direct = 0, followed = 0;
        for (int s = 0; s < 2; s++) {
            for (uint32_t i = 0; i < d->sides[s]->events_count; i++) {
                const struct zap_difference_mark *mark = &d->marks[s][i];
                direct += mark->is_different && mark->feature == f && mark->is_direct;
                followed += mark->is_different && mark->feature == f && !mark->is_direct;
            }
        }
        bool newer = zap_profile_has(zap_profile_of(&d->sides[1]->build), (enum zap_feature_code)f);
        printf("  %s, on %s: %u events, and %u that follow\n", row->id, d->sides[newer]->build.name,
               (unsigned)direct, (unsigned)followed);
        print_wrapped("    ", row->text);
        char why[256];
        snprintf(why, sizeof why, "explains %s", zap_difference_why((enum zap_feature_code)f));
        print_wrapped("    ", why);
        print_wrapped("    ", row->reference);
    }
    if (d->unexplained > 0)
        printf("  UNEXPLAINED: %u events that no feature explains, marked ?\n",
               (unsigned)d->unexplained);
}

/* Rows of both views in order, common ones far from any difference left out. */
static void print_change(const struct zap_difference *d, int width)
{
    int columns = (width - 4) / 2;
    uint32_t counts[2] = {d->sides[0]->events_count, d->sides[1]->events_count};
    uint32_t a = 0, b = 0, left_out = 0, since = CONTEXT;
    printf("%-*s    %s\n", columns, d->sides[0]->build.name, d->sides[1]->build.name);
    while (a < counts[0] || b < counts[1]) {
        bool in_left = a < counts[0] && d->marks[0][a].is_different;
        bool in_right = b < counts[1] && d->marks[1][b].is_different;
        if (!in_left && !in_right) {
            bool is_near = since < CONTEXT;
            for (uint32_t i = 1; i <= CONTEXT; i++)
                is_near = is_near || (a + i < counts[0] && d->marks[0][a + i].is_different) ||
                          (b + i < counts[1] && d->marks[1][b + i].is_different);
            if (is_near && left_out > 0)
                printf("    ... %u the same\n", (unsigned)left_out);
            left_out = is_near ? 0 : left_out + 1;
            if (is_near)
                print_row(d, a, b, columns);
            since++;
            a++;
            b++;
            continue;
        }
        since = 0;
        if (in_left)
            print_row(d, a++, -1, columns);
        else
            print_row(d, -1, b++, columns);
    }
    if (left_out > 0)
        printf("    ... %u the same\n", (unsigned)left_out);
    print_why(d);
}

static void print_class(FILE *out, const struct zap_compare_class *class, bool is_known)
{
    if (class->signatures[0][0] || class->signatures[1][0]) {
        fprintf(out, "%s: one dies: %s | %s\n", is_known ? "KNOWN" : "UNEXPLAINED",
                class->signatures[0][0] ? class->signatures[0] : "lives",
                class->signatures[1][0] ? class->signatures[1] : "lives");
        return;
    }
    bool is_first = !class->is_unexplained;
    fprintf(out, "%s", class->is_unexplained ? "UNEXPLAINED" : "");
    for (unsigned f = 0; f < ZAP_FEATURE_ALL_COUNT; f++) {
        if (zap_profile_has(class->features, (enum zap_feature_code)f)) {
            fprintf(out, "%s%s", is_first ? "" : " + ",
                    zap_feature_row((enum zap_feature_code)f)->id);
            is_first = false;
        }
    }
    const struct zap_event_row *left = zap_event_row(class->kinds[0]);
    const struct zap_event_row *right = zap_event_row(class->kinds[1]);
    fprintf(out, ": begins with %s | %s\n", left ? left->token : "-", right ? right->token : "-");
}

/* ------------------------------------------------------------------ plans and classes */

/* A change, and what is known of it. */
struct seen {
    struct zap_compare_class class;
    const struct zap_known *known[2]; /* how the two builds die, where that is known */
    bool is_unexplained;              /* and not known either */
};

struct sight {
    struct seen seen; /* the first of its class */
    uint64_t count, index;
    struct zap_plan plan;
    const struct zap_builds_row *older, *newer;
};

struct work {
    const struct arguments *arguments;
    const struct zap_inputs *inputs;
    struct zap_gen_config gen;
    struct zap_difference *difference;
    int width;
    const struct zap_knowns *knowns;
    struct zap_knowns_of learnt[ZAP_COMPARE_BUILDS_MAX];
    bool is_learnt[ZAP_COMPARE_BUILDS_MAX];
    struct zap_worker_config worker;
    uint64_t compared, changed, ran, failed, left_out;
    bool any_unexplained;
    uint64_t verdicts[ZAP_COMPARE_BUILDS_MAX][ZAP_VERDICT_COUNT]; /* of --history's invariant */
    struct zap_build builds[ZAP_COMPARE_BUILDS_MAX];
    int invariant; /* ZAP_INVARIANT_COUNT: none */
    struct sight *sights;
    size_t sights_count, sights_space, unexplained_count;
    bool is_live; /* standard error is a terminal: one line there says how far it is */
    int64_t live_at_ms;
};

/* ------------------------------------------------------------------ how far it is */

static void show_progress(struct work *work, const char *doing, uint64_t done, uint64_t all)
{
    enum { PERIOD_MS = 250 };
    int64_t now_ms = zap_clock_ms();
    if (!work->is_live || now_ms - work->live_at_ms < PERIOD_MS)
        return;
    work->live_at_ms = now_ms;
    fprintf(stderr, "\r\033[K%s %" PRIu64 " of %" PRIu64 ", %zu classes, %zu unexplained", doing,
            done, all, work->sights_count, work->unexplained_count);
}

static void clear_progress(const struct work *work)
{
    if (work->is_live && work->live_at_ms > 0)
        fputs("\r\033[K", stderr);
}

/* ------------------------------------------------------------------ runs */

static void give_plan(void *context, uint64_t i, struct zap_plan *ret_plan)
{
    const struct work *work = context;
    if (work->inputs->count > 0)
        *ret_plan = work->inputs->items[i].plan;
    else
        zap_gen_plan(&work->gen, work->arguments->from + i, ret_plan);
}

static void count_runs(struct work *work, const struct zap_compared *compared)
{
    work->compared++;
    for (size_t i = 0; i < compared->runs_count; i++) {
        const struct zap_compare_run *run = &compared->runs[i];
        work->ran += run->end == ZAP_COMPARE_RAN || run->end == ZAP_COMPARE_DIED;
        work->left_out += run->end == ZAP_COMPARE_LEFT_OUT;
        if (run->end == ZAP_COMPARE_FAILED && work->failed++ == 0)
            zap_cmd_fail("compare", 0, "plan %" PRIu64 " on %s: %s", compared->index,
                         run->row->name, run->why);
        if (run->view) {
            work->builds[i] = run->view->build;
            if (work->invariant < ZAP_INVARIANT_COUNT)
                work->verdicts[i][run->judgement.verdicts[work->invariant]]++;
        }
    }
}

static void print_groups(const struct zap_compared *compared)
{
    for (size_t g = 0; g < compared->groups_count; g++) {
        printf("  group %zu:", g + 1);
        const char *why = "";
        for (size_t i = 0; i < compared->runs_count; i++) {
            const struct zap_compare_run *run = &compared->runs[i];
            if ((run->end == ZAP_COMPARE_RAN || run->end == ZAP_COMPARE_DIED) && run->group == g) {
                printf(" %s", run->row->name);
                why = run->why;
            }
        }
        printf("%s%s\n", why[0] ? ": " : "", why);
    }
    for (size_t i = 0; i < compared->runs_count; i++)
        if (compared->runs[i].end == ZAP_COMPARE_LEFT_OUT)
            printf("  left out: %s: %s\n", compared->runs[i].row->name, compared->runs[i].why);
}

/* What is known of the way a run died, or NULL. A build is asked what is known of it when it first
 * dies. */
static const struct zap_known *find_known(struct work *work, const struct zap_compared *compared,
                                          size_t i)
{
    const struct zap_compare_run *run = &compared->runs[i];
    if (!work->is_learnt[i])
        zap_knowns_learn(work->knowns, run->row, &run->build, &work->worker, &work->learnt[i]);
    work->is_learnt[i] = true;
    return zap_knowns_match(&work->learnt[i], run->verdict, run->signature, compared->plan);
}

/* What is to say of a change, and in work->difference what it is made of; false where a build died,
 * so that there is only the class. */
static bool classify(struct work *work, const struct zap_compared *compared, size_t change,
                     struct seen *ret_seen)
{
    size_t sides[2] = {compared->changes[change].older, compared->changes[change].newer};
    memset(ret_seen, 0, sizeof *ret_seen);
    zap_compare_classify(compared->plan, &compared->runs[sides[0]], &compared->runs[sides[1]],
                         work->difference, &ret_seen->class);
    bool is_death = false, is_known = true;
    for (int s = 0; s < 2; s++) {
        if (compared->runs[sides[s]].end != ZAP_COMPARE_DIED)
            continue;
        is_death = true;
        ret_seen->known[s] = find_known(work, compared, sides[s]);
        is_known = is_known && ret_seen->known[s];
    }
    ret_seen->is_unexplained = ret_seen->class.is_unexplained && !(is_death && is_known);
    work->any_unexplained = work->any_unexplained || ret_seen->is_unexplained;
    return !is_death;
}

static void print_seen(FILE *out, const struct seen *seen)
{
    print_class(out, &seen->class, !seen->is_unexplained);
}

static void print_known(const struct seen *seen)
{
    for (int s = 0; s < 2; s++) {
        if (!seen->known[s])
            continue;
        const char *path = seen->known[s]->input->path, *name = strrchr(path, '/');
        printf("  %s, see %s\n", seen->known[s]->row->known, name ? name + 1 : path);
    }
}

static void show_plan(void *context, const struct zap_compared *compared)
{
    struct work *work = context;
    count_runs(work, compared);
    printf("%s%s: %zu %s\n", compared->index > 0 ? "\n" : "",
           work->inputs->items[compared->index].path, compared->groups_count,
           compared->groups_count == 1 ? "behaviour" : "behaviours");
    print_groups(compared);
    for (size_t i = 0; i < compared->changes_count; i++) {
        struct seen seen;
        putchar('\n');
        if (classify(work, compared, i, &seen)) {
            print_change(work->difference, work->width);
        } else {
            print_seen(stdout, &seen);
            print_known(&seen);
        }
    }
    work->changed += compared->changes_count > 0;
}

static struct sight *find_sight(struct work *work, const struct seen *seen)
{
    for (size_t i = 0; i < work->sights_count; i++)
        if (work->sights[i].seen.is_unexplained == seen->is_unexplained &&
            zap_compare_is_same_class(&work->sights[i].seen.class, &seen->class))
            return &work->sights[i];
    if (work->sights_count == work->sights_space) {
        work->sights_space = work->sights_space > 0 ? 2 * work->sights_space : 64;
        work->sights = realloc(work->sights, work->sights_space * sizeof *work->sights);
        ZAP_CHECK(work->sights != NULL);
    }
    struct sight *sight = &work->sights[work->sights_count++];
    memset(sight, 0, sizeof *sight);
    sight->seen = *seen;
    return sight;
}

/* Told at once: whoever ends this the hard way has it even so. */
static void tell_unexplained(struct work *work, const struct sight *sight)
{
    work->unexplained_count++;
    clear_progress(work);
    fprintf(stderr, "between %s and %s, plan %" PRIu64 ": ", sight->older->name, sight->newer->name,
            sight->index);
    print_seen(stderr, &sight->seen);
}

static void count_plan(void *context, const struct zap_compared *compared)
{
    struct work *work = context;
    count_runs(work, compared);
    work->changed += compared->changes_count > 0;
    for (size_t i = 0; i < compared->changes_count; i++) {
        struct seen seen;
        classify(work, compared, i, &seen);
        struct sight *sight = find_sight(work, &seen);
        if (sight->count == 0 ||
            zap_shrink_measure(compared->plan) < zap_shrink_measure(&sight->plan)) {
            sight->plan = *compared->plan;
            sight->index = work->arguments->from + compared->index;
            sight->older = compared->runs[compared->changes[i].older].row;
            sight->newer = compared->runs[compared->changes[i].newer].row;
        }
        if (sight->count++ == 0 && seen.is_unexplained)
            tell_unexplained(work, sight);
    }
    show_progress(work, "plan", work->compared, work->arguments->random);
}

static int by_count(const void *a, const void *b)
{
    const struct sight *left = a, *right = b;
    if (left->seen.is_unexplained != right->seen.is_unexplained)
        return left->seen.is_unexplained ? -1 : 1;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

static void print_sights(struct work *work, const struct zap_compare_config *config)
{
    if (work->sights_count > 0)
        qsort(work->sights, work->sights_count, sizeof *work->sights, by_count);
    for (size_t i = 0; i < work->sights_count; i++) {
        struct sight *sight = &work->sights[i];
        show_progress(work, "making plans small:", i + 1, work->sights_count);
        const struct zap_compare_class *class = &sight->seen.class;
        zap_compare_shrink(config, sight->older, sight->newer, class, &sight->plan);
        clear_progress(work);
        char page[ZAP_TEXT_MAX + 64];
        struct zap_str text = zap_str_init(page, sizeof page);
        zap_text_print(&sight->plan, &text);
        putchar('\n');
        print_seen(stdout, &sight->seen);
        printf("  seen in %" PRIu64 " changes; smallest between %s and %s, from plan %" PRIu64 "\n",
               sight->count, sight->older->name, sight->newer->name, sight->index);
        for (unsigned f = 0; f < ZAP_FEATURE_ALL_COUNT; f++) {
            if (!zap_profile_has(class->features, (enum zap_feature_code)f))
                continue;
            const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)f);
            print_wrapped("    ", row->text);
            print_wrapped("      ", row->reference);
        }
        print_known(&sight->seen);
        for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n"))
            printf("    | %s\n", line);
    }
}

/* ------------------------------------------------------------------ --history */

static int find_feature(const char *name)
{
    int f = 0;
    while (f < ZAP_FEATURE_ALL_COUNT &&
           strcmp(zap_feature_row((enum zap_feature_code)f)->id, name) != 0)
        f++;
    return f;
}

static int find_invariant(const char *name)
{
    int i = 0;
    while (i < ZAP_INVARIANT_COUNT &&
           strcmp(zap_invariant_row((enum zap_invariant_code)i)->id, name) != 0 &&
           strcmp(zap_invariant_row((enum zap_invariant_code)i)->name, name) != 0)
        i++;
    return i;
}

static void print_version(uint32_t version)
{
    printf("%u.%u.%u", (unsigned)(version >> 16), (unsigned)(version >> 8 & 0xff),
           (unsigned)(version & 0xff));
}

static void print_feature_history(const struct work *work, const struct zap_builds_row *const *rows,
                                  size_t count, int feature)
{
    const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)feature);
    printf("%s: from ", row->id);
    print_version(row->since);
    if (row->until >> 16 < 255) {
        printf(" on, until ");
        print_version(row->until);
        puts(" did otherwise");
    } else {
        puts(" on");
    }
    print_wrapped("  ", row->text);
    print_wrapped("  ", row->reference);
    for (size_t i = 0; i < count; i++) {
        const struct zap_build *build = &work->builds[i];
        printf("  %-20s %s\n", rows[i]->name,
               build->version == 0 ? "did not run"
               : zap_profile_has(zap_profile_of(build), (enum zap_feature_code)feature) ? "yes"
                                                                                        : "no");
    }
}

/* Since when an invariant holds, as far as these builds can tell; they are in order of versions. */
static void print_since(const struct work *work, const struct zap_builds_row *const *rows,
                        size_t count)
{
    size_t since = count, broken = count, nowhere = count;
    for (size_t i = 0; i < count; i++) {
        if (work->verdicts[i][ZAP_BROKEN] > 0) {
            broken = i;
            since = nowhere;
        } else if (work->verdicts[i][ZAP_HELD] > 0 && since == nowhere) {
            since = i;
        }
    }
    if (since != nowhere)
        printf("  held from %s on", rows[since]->name);
    else
        printf("  held on none of %s", broken == nowhere ? "these" : "the last");
    if (broken != nowhere)
        printf(", broken up to %s", rows[broken]->name);
    putchar('\n');
}

static void print_invariant_history(const struct work *work,
                                    const struct zap_builds_row *const *rows, size_t count)
{
    const struct zap_invariant_row *row =
        zap_invariant_row((enum zap_invariant_code)work->invariant);
    printf("%s %s, on %" PRIu64 " plans\n", row->id, row->name, work->compared);
    print_wrapped("  ", row->statement);
    printf("  holds: %s\n  promised: %s\n", row->where, row->promise);
    printf("  %-20s %8s %8s %8s %8s\n", "build", "held", "void", "skipped", "broken");
    for (size_t i = 0; i < count; i++)
        printf("  %-20s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n", rows[i]->name,
               work->verdicts[i][ZAP_HELD], work->verdicts[i][ZAP_VOID],
               work->verdicts[i][ZAP_SKIPPED], work->verdicts[i][ZAP_BROKEN]);
    print_since(work, rows, count);
}

static void count_only(void *context, const struct zap_compared *compared)
{
    count_runs(context, compared);
}

/* ------------------------------------------------------------------ the command */

static int run(const struct arguments *arguments, const struct zap_inputs *inputs,
               const struct zap_knowns *knowns, const struct zap_builds_row *const *rows,
               size_t count, int feature, int invariant)
{
    enum { HISTORY_PLANS = 500 };
    struct work *work = calloc(1, sizeof *work);
    ZAP_CHECK(work != NULL);
    work->arguments = arguments;
    work->inputs = inputs;
    work->invariant = invariant;
    work->width = terminal_width();
    work->is_live = zap_live_is_terminal(stderr);
    work->gen = (struct zap_gen_config){
        .seed = arguments->seed, .size = (uint8_t)arguments->size, .routes = arguments->routes};
    work->difference = malloc(sizeof *work->difference);
    ZAP_CHECK(work->difference != NULL);
    bool is_random = inputs->count == 0;
    struct zap_compare_config config = {
        .rows = rows,
        .rows_count = count,
        .worker = {.deadline_ms = (uint32_t)arguments->deadline_ms,
                   .memory_kib = (uint32_t)(arguments->memory_mib * 1024)},
        /* What a second run does is what an invariant asks for, and no comparison. */
        .flags = invariant < ZAP_INVARIANT_COUNT ? 0 : ZAP_RUN_ONCE,
        .interrupted = &zap_cmd_interrupted,
        .plans_count = !is_random          ? inputs->count
                       : arguments->random ? arguments->random
                                           : HISTORY_PLANS,
        .jobs = (size_t)arguments->jobs,
        .plan = give_plan,
        .take = arguments->history ? count_only
                : is_random        ? count_plan
                                   : show_plan,
        .context = work,
    };
    work->knowns = knowns;
    work->worker = config.worker;
    zap_cmd_catch_interrupts();
    int64_t began_at_ms = zap_clock_ms();
    zap_compare_run(&config);
    double seconds = (double)(zap_clock_ms() - began_at_ms) / 1000;
    clear_progress(work);
    if (zap_cmd_interrupted)
        puts("interrupted; so far:");
    if (feature < ZAP_FEATURE_ALL_COUNT) {
        print_feature_history(work, rows, count, feature);
    } else if (invariant < ZAP_INVARIANT_COUNT) {
        print_invariant_history(work, rows, count);
    } else {
        if (is_random) {
            printf("seed %" PRIu64 ", %" PRIu64 " plans on %zu builds: %" PRIu64
                   " behave differently somewhere, %zu classes\n",
                   arguments->seed, work->compared, count, work->changed, work->sights_count);
            print_sights(work, &config);
        }
        fprintf(stderr,
                "%" PRIu64 " plans in %.1f s, %.0f a second; %" PRIu64 " runs compared, %" PRIu64
                " left out\n",
                work->compared, seconds, seconds > 0 ? (double)work->compared / seconds : 0.0,
                work->ran, work->left_out);
    }
    int status = work->any_unexplained ? ZAP_EXIT_FINDINGS : ZAP_EXIT_OK;
    if (work->failed > 0)
        status = zap_cmd_fail("compare", ZAP_EXIT_FAILURE, "%" PRIu64 " runs failed", work->failed);
    else if (work->ran == 0)
        status = zap_cmd_fail("compare", ZAP_EXIT_FAILURE, "nothing was compared");
    for (size_t i = 0; i < count; i++)
        zap_knowns_forget(&work->learnt[i]);
    free(work->sights);
    free(work->difference);
    free(work);
    return status;
}

int zap_cmd_compare(int argc, char **argv)
{
    struct arguments arguments = {.seed = 1};
    struct zap_builds builds = {0};
    struct zap_inputs inputs = {0};
    struct zap_knowns knowns = {0};
    const struct zap_builds_row **rows = NULL;
    size_t count = 0;
    int feature = ZAP_FEATURE_ALL_COUNT, invariant = ZAP_INVARIANT_COUNT;
    int status = parse(argc, argv, &arguments);
    if (status < 0 && arguments.history) {
        feature = find_feature(arguments.history);
        invariant = find_invariant(arguments.history);
        if (feature == ZAP_FEATURE_ALL_COUNT && invariant == ZAP_INVARIANT_COUNT)
            status = zap_cmd_fail("compare", ZAP_EXIT_USAGE,
                                  "--history: expected a row of src/oracle/feature.def "
                                  "(SAFE_FINALIZERS) or invariant.def (I8, dict-order-death), "
                                  "found \"%s\"",
                                  arguments.history);
    }
    if (status < 0 && arguments.paths.count > 0)
        status = zap_cmd_read_plans("compare", &arguments.paths, &inputs);
    if (status < 0)
        status = zap_cmd_load_builds("compare", &builds);
    if (status < 0)
        status = zap_cmd_choose_builds("compare", &builds, &arguments.pythons, &rows, &count);
    if (status < 0)
        status = zap_cmd_load_knowns("compare", NULL, &builds, &knowns);
    if (status < 0 && count < 2 && !arguments.history)
        status = zap_cmd_fail("compare", ZAP_EXIT_USAGE,
                              "%s is the only build: it takes two to compare", rows[0]->name);
    if (status < 0 && count > ZAP_COMPARE_BUILDS_MAX)
        status = zap_cmd_fail("compare", ZAP_EXIT_USAGE,
                              "%zu builds: at most %d; choose some with --python", count,
                              ZAP_COMPARE_BUILDS_MAX);
    if (status < 0)
        status = run(&arguments, &inputs, &knowns, rows, count, feature, invariant);
    free(rows);
    zap_builds_release(&builds);
    zap_inputs_release(&inputs);
    zap_knowns_release(&knowns);
    free(arguments.pythons.items);
    free(arguments.paths.items);
    return status;
}
