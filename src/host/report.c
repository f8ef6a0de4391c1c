/* Writes report.md.
 *
 * What comes from elsewhere (banners, stderr, plans, scripts) is either in a fence that is longer
 * than any run of backticks in it, or in a cell with everything escaped that Markdown would read.
 * The line that begins with "repro.py shows it on" is for programs too.
 */
#include "host/report.h"

#include "base/check.h"
#include "host/examine.h"
#include "oracle/explain.h"
#include "plan/source.h"
#include "plan/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCRIPT_MAX = 24 * 1024, /* longer ones are not in the report but beside it */
    EXPLAIN_MAX = 1024 * 1024,
};

/* ------------------------------------------------------------------ Markdown */

static void add_fenced(const char *language, const char *text, struct zap_str *out)
{
    size_t longest = 2, run = 0, len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        run = text[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++)
        zap_str_add(out, "`");
    zap_str_printf(out, "%s\n%s%s", language, text, len > 0 && text[len - 1] == '\n' ? "" : "\n");
    for (size_t i = 0; i <= longest; i++)
        zap_str_add(out, "`");
    zap_str_add(out, "\n");
}

/* Text as it is, in one line, where Markdown reads. */
static void add_plain(const char *text, struct zap_str *out)
{
    for (; *text; text++) {
        if (strchr("\\`*_{}[]<>#|~&", *text))
            zap_str_add(out, "\\");
        zap_str_add_bytes(out, *text == '\n' ? " " : text, 1);
    }
}

/* ------------------------------------------------------------------ what it is */

static const struct zap_invariant_row *row_of(const struct zap_finding_facts *facts)
{
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        const struct zap_invariant_row *row = zap_invariant_row((enum zap_invariant_code)i);
        if (strcmp(row->id, facts->signature) == 0)
            return row;
    }
    return NULL;
}

void zap_report_what(const struct zap_finding_facts *facts, struct zap_str *out)
{
    const struct zap_invariant_row *row = facts->verdict == ZAP_BROKEN ? row_of(facts) : NULL;
    if (row) {
        zap_str_printf(out, "it does not hold that %s (%s)", row->statement, row->name);
        return;
    }
    const struct zap_stack *stack = &facts->death->stack;
    zap_str_add(out, facts->death->reason);
    if (stack->count > 0) {
        zap_str_add(out, ", in ");
        zap_stack_top(stack, out);
    }
}

static const char *kind_of_promise(const struct zap_invariant_row *row)
{
    static const struct {
        const char *begin, *words;
    } kinds[] = {
        {"observed only", "no documentation promises it: it is what CPython has been seen to do"},
        {"comment in", "a comment in CPython's source says so; its documentation does not"},
        {"", "documented"},
    };
    size_t i = 0;
    while (strncmp(row->promise, kinds[i].begin, strlen(kinds[i].begin)) != 0)
        i++;
    return kinds[i].words;
}

static void add_expected(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_str_add(out, "\n## What was expected\n\n");
    const struct zap_invariant_row *row = row_of(facts);
    if (facts->verdict == ZAP_BROKEN && row) {
        zap_str_printf(out, "Rule %s, %s: ", row->id, row->name);
        add_plain(row->statement, out);
        zap_str_add(out, ".\n\n- where it holds: ");
        add_plain(row->where, out);
        zap_str_add(out, "\n- who says so: ");
        add_plain(row->promise, out);
        zap_str_printf(out, "\n- what that is worth: %s\n", kind_of_promise(row));
        return;
    }
    switch (facts->verdict) {
    case ZAP_TIMED_OUT:
        zap_str_add(out, "That it ends: every `__del__` of the plan is a bounded list of "
                         "actions, and each runs a bounded number of times.\n");
        break;
    case ZAP_EXHAUSTED:
        zap_str_add(out, "That it needs little memory: every `__del__` of the plan is a bounded "
                         "list of actions, and nothing in it is big.\n");
        break;
    default:
        zap_str_add(out, "That a Python program does not take the interpreter down, whatever its "
                         "finalizers do.\n");
    }
    if (facts->plan->route == ZAP_ROUTE_WIPE)
        zap_str_add(out, "\nThe plan calls `_PyModule_Clear`, which is CPython's own function for "
                         "modules that are still alive at the end of the interpreter; both the "
                         "module and its dict are held meanwhile, as CPython does.\n");
}

static void add_happened(const struct zap_finding_facts *facts, char *page, struct zap_str *out)
{
    struct zap_str text = zap_str_init(page, EXPLAIN_MAX);
    zap_str_add(out, "\n## What happens\n\n");
    add_plain(zap_route_row(facts->plan->route)->text, out);
    zap_str_add(out, ".\n\n");
    if (facts->judgement)
        zap_judge_explain(facts->plan, facts->trace, facts->judgement, &text);
    if (facts->death) {
        const struct zap_death *death = facts->death;
        zap_str_printf(&text, "%s\n%s\nIt was at: %s.\n", zap_verdict_row(facts->verdict)->text,
                       death->reason, zap_death_phase(death->phase));
        uint32_t count = facts->trace->events_count;
        if (count > 0) {
            zap_str_printf(&text, "The last of %u events: ", (unsigned)count);
            zap_trace_print_event(facts->trace, count - 1, &text);
            zap_str_add(&text, "\n");
        }
    }
    add_fenced("text", page, out);
    if (facts->death && facts->death->tail[0]) {
        zap_str_add(out, "\nThe end of what the process printed:\n\n");
        add_fenced("text", facts->death->tail, out);
    }
    if (facts->death && facts->death->stack.count > 0) {
        text = zap_str_init(page, EXPLAIN_MAX);
        zap_stack_print(&facts->death->stack, &text);
        zap_str_add(out, "\nStack:\n\n");
        add_fenced("text", page, out);
    }
}

static void add_plan(const struct zap_finding_facts *facts, char *page, struct zap_str *out)
{
    struct zap_str text = zap_str_init(page, EXPLAIN_MAX);
    zap_str_add(out, "\n## The plan\n\n");
    if (!facts->examination)
        zap_str_add(out, "As small as it was made so far (`min.plan`):\n\n");
    else if (facts->is_flaky)
        zap_str_add(out, "As it was found (`found.plan`):\n\n");
    else if (zap_plan_equal(facts->plan, facts->found))
        zap_str_add(out, "As it was found; none that is smaller was found to do it "
                         "(`min.plan`, `found.plan`):\n\n");
    else
        zap_str_printf(
            out,
            "The smallest that was found to do it (`min.plan`); the plan as it was found "
            "has %u objects, %u links and %u actions (`found.plan`):\n\n",
            facts->found->objects_count, facts->found->links_count, facts->found->acts_count);
    zap_text_print(facts->plan, &text);
    add_fenced("text", page, out);
    text = zap_str_init(page, EXPLAIN_MAX);
    zap_explain_plan(facts->plan, &text);
    zap_str_add(out, "\nIn words:\n\n");
    add_fenced("text", page, out);
}

/* ------------------------------------------------------------------ the script */

/* Its name: where it is says nothing to who reads the report. */
static const char *command_python(const struct zap_finding_facts *facts)
{
    const char *slash = strrchr(facts->python, '/');
    return slash ? slash + 1 : strcmp(facts->python, "-") == 0 ? "python" : facts->python;
}

static void add_shows(const struct zap_finding_facts *facts, struct zap_str *out)
{
    static const char *const words[] = {
        [ZAP_SHOWS_UNKNOWN] = "not tried: ",
        [ZAP_SHOWS_YES] = "yes",
        [ZAP_SHOWS_NO] = "no: ",
    };
    const struct zap_examination *examination = facts->examination;
    zap_str_printf(out, "repro.py shows it on %s: %s",
                   examination && examination->banner[0] ? examination->banner : facts->build,
                   examination ? words[examination->shows] : "not tried yet");
    if (examination && examination->shows != ZAP_SHOWS_YES)
        zap_str_add(out, examination->why);
    zap_str_add(out, "\n");
}

static void add_script(const struct zap_finding_facts *facts, struct zap_str *out)
{
    const struct zap_examination *examination = facts->examination;
    zap_str_add(out, "\n## Without pyzap\n\n`repro.py` needs only the standard library.\n\n");
    add_shows(facts, out);
    zap_str_add(out, "\n");
    if (facts->repro)
        zap_str_add(out, "Its plan is another one than the smallest, which shows nothing to Python "
                         "code: it is in the script's head.\n\n");
    if (examination && examination->shows == ZAP_SHOWS_YES) {
        zap_str_add(out, "What is seen: ");
        add_plain(examination->why, out);
        zap_str_add(out, "\n\n");
    }
    char line[1024];
    struct zap_str command = zap_str_init(line, sizeof line);
    zap_str_printf(&command, "PYTHONHASHSEED=0 %.900s repro.py\n", command_python(facts));
    add_fenced("sh", line, out);
    if (examination && examination->said[0]) {
        zap_str_add(out, "\nIt printed (the end of it, if it is long):\n\n");
        add_fenced("text", examination->said, out);
    }
    char *script = malloc(ZAP_SOURCE_MAX);
    ZAP_CHECK(script != NULL);
    struct zap_str text = zap_str_init(script, ZAP_SOURCE_MAX);
    zap_finding_script(facts, &text);
    if (text.len <= SCRIPT_MAX) {
        zap_str_add(out, "\n<details><summary>repro.py</summary>\n\n");
        add_fenced("python", script, out);
        zap_str_add(out, "\n</details>\n");
    }
    free(script);
}

/* ------------------------------------------------------------------ builds */

static void add_version(const struct zap_examined_build *one, struct zap_str *out)
{
    zap_str_printf(out, "%s", one->row->name);
}

/* Affected from the first to the last: which of those between are not? */
static void add_range(const struct zap_examination *examination, struct zap_str *out)
{
    const struct zap_examined_build *first = zap_examine_first(examination);
    const struct zap_examined_build *last = zap_examine_last(examination);
    if (!first)
        return;
    zap_str_add(out, "\nFirst bad version: ");
    add_version(first, out);
    zap_str_add(out, ". Last bad version: ");
    add_version(last, out);
    zap_str_add(out, ".");
    const char *separator = " Between them, but not seen to be affected: ";
    bool has_gap = false;
    for (const struct zap_examined_build *one = first; one < last; one++) {
        if (one->effect != ZAP_EFFECT_AFFECTED) {
            zap_str_add(out, separator);
            add_version(one, out);
            separator = ", ";
            has_gap = true;
        }
    }
    zap_str_add(out, has_gap ? ".\n" : "\n");
}

static void add_builds(const struct zap_finding_facts *facts, struct zap_str *out)
{
    static const char *const words[] = {"**yes**", "no", "-"};
    const struct zap_examination *examination = facts->examination;
    zap_str_add(out, "\n## Versions\n\n");
    if (!examination || examination->builds_count == 0) {
        zap_str_add(out, "Seen on ");
        add_plain(facts->trace->build.banner, out);
        zap_str_add(out, examination ? ". Other builds were not tried.\n"
                                     : ". It was not examined yet: other builds were not tried.\n");
        return;
    }
    zap_str_add(out, "| build | affected | what it does | `sys.version` |\n|---|---|---|---|\n");
    for (size_t i = 0; i < examination->builds_count; i++) {
        const struct zap_examined_build *one = &examination->builds[i];
        zap_str_add(out, "| ");
        add_plain(one->row->name, out);
        zap_str_printf(out, " | %s | ", words[one->effect]);
        add_plain(one->result, out);
        zap_str_add(out, " | ");
        add_plain(one->build.banner[0] ? one->build.banner : "-", out);
        zap_str_add(out, " |\n");
    }
    add_range(examination, out);
}

/* ------------------------------------------------------------------ again */

static void add_repeated(const struct zap_finding_facts *facts, struct zap_str *out)
{
    const struct zap_examination *examination = facts->examination;
    if (!examination) {
        zap_str_add(out, "It was not examined yet: somebody interrupted, or the session ended "
                         "before. The next one with the same `--out` that finds it goes on.\n");
    } else if (facts->is_flaky) {
        zap_str_printf(out,
                       "Flaky: it happened once, and of %u times alone, each in a new process, it "
                       "happened in none. What is here is what was seen the one time.\n",
                       examination->runs);
    } else {
        zap_str_printf(out, "Reproduced %u of %u times, alone, each in a new process.\n",
                       examination->reproduced, examination->runs);
    }
}

static void add_again(const struct zap_finding_facts *facts, char *page, struct zap_str *out)
{
    struct zap_str text = zap_str_init(page, EXPLAIN_MAX);
    zap_str_add(out, "\n## With pyzap\n\n");
    if (facts->is_flaky && !facts->artefact) {
        zap_str_add(out, "It depends on what ran before, or on chance. The whole session again:"
                         "\n\n");
        zap_str_printf(&text, "pyzap check --python %s", facts->build);
        zap_finding_options(facts, &text);
        zap_str_printf(&text, " --plans %" PRIu64 "\n", facts->index + 1);
    } else {
        zap_str_printf(&text,
                       "pyzap replay --python %s min.plan\npyzap show --python %s min.plan\n",
                       facts->build, facts->build);
    }
    add_fenced("sh", page, out);
    text = zap_str_init(page, EXPLAIN_MAX);
    zap_finding_origin(facts, "", &text);
    zap_str_add(out, "\nHow it was found:\n\n");
    add_fenced("text", page, out);
}

void zap_report_write(const struct zap_finding_facts *facts, struct zap_str *out)
{
    char *page = malloc(EXPLAIN_MAX);
    ZAP_CHECK(page != NULL);
    struct zap_str what = zap_str_init(page, EXPLAIN_MAX);
    zap_report_what(facts, &what);
    zap_str_printf(out, "# CPython %s: ", facts->build);
    add_plain(page, out);
    zap_str_printf(out, "\n\n%s, signature `%s`. ", zap_verdict_row(facts->verdict)->name,
                   facts->signature);
    add_repeated(facts, out);
    add_happened(facts, page, out);
    add_expected(facts, out);
    add_script(facts, out);
    add_builds(facts, out);
    add_plan(facts, page, out);
    add_again(facts, page, out);
    free(page);
}
