/* Stand-alone scripts of plans, run by every interpreter that the build found.
 *
 * Each script must end with status 0 and print the lines that oracle/trace.c describes, begin and
 * end matched; and builds between which nothing that a script can see has changed must print the
 * same. What has changed: PEP 442 (3.4), the collector keeps only what a resurrected object reaches
 * (3.9, bpo-38379), functions keep their builtins (3.10). Free-threaded builds collect in another
 * order, and 3.14 is where the order of clearing changes: those are only held to form, as are plans
 * of which script.h says that they are not deterministic.
 *
 * The interpreters are those of builds.tsv, usable for a worker or not. Without one the test is
 * skipped.
 */
#include "oracle/trace.h"
#include "plan/gen.h"
#include "plan/text.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "script.h"

enum {
    BUILDS_MAX = 64,
    OUTPUT_MAX = 256 * 1024,
#ifdef __SANITIZE_ADDRESS__ /* what writes scripts is watched; the ordinary build compares */
    PLANS = 10,
    PER_ERA = 1,
#else
    PLANS = 40,
    PER_ERA = BUILDS_MAX,
#endif
};

struct build {
    char name[64];
    char python[512];
    unsigned era; /* builds of one era agree; 0: of none */
};

static struct build builds[BUILDS_MAX];
static unsigned builds_count;

/* ---- interpreters ---- */

static unsigned era_of(const char *name, unsigned major, unsigned minor)
{
    size_t version_len = strspn(name, "0123456789.");
    if (name[version_len] == 't' || (major == 3 && minor >= 14)) {
        return 0;
    }
    return major == 2 ? 2 : minor < 4 ? 3 : minor < 9 ? 4 : minor < 10 ? 5 : 6;
}

static unsigned count_era(unsigned era)
{
    unsigned count = 0;
    for (unsigned i = 0; i < builds_count; i++)
        count += builds[i].era == era;
    return count;
}

static void find_builds(void)
{
    FILE *file = fopen(ZAP_LIBEXEC_DIR "/builds.tsv", "r");
    char line[2048];
    while (file && fgets(line, sizeof line, file) && builds_count < BUILDS_MAX) {
        struct build *build = &builds[builds_count];
        unsigned major, minor;
        if (line[0] != '#' &&
            sscanf(line, "%63[^\t]\t%*[^\t]\t%u.%u%*[^\t]\t%*[^\t]\t%511[^\t]", build->name, &major,
                   &minor, build->python) == 4 &&
            (major == 3 || (major == 2 && minor == 7)) && access(build->python, X_OK) == 0) {
            build->era = era_of(build->name, major, minor);
            builds_count += count_era(build->era) < PER_ERA;
        }
    }
    if (file) {
        fclose(file);
    }
}

/* ---- the form of what a script prints ---- */

static bool accept(const char **at, const char *literal)
{
    size_t len = strlen(literal);
    if (strncmp(*at, literal, len) != 0) {
        return false;
    }
    *at += len;
    return true;
}

static bool accept_number(const char **at)
{
    size_t len = strspn(*at, "0123456789");
    *at += len;
    return len > 0;
}

/* A value without blanks; names may hold about anything else. */
static bool accept_value(const char **at)
{
    size_t len = strcspn(*at, " \n");
    *at += len;
    return len > 0;
}

static bool accept_state(const char **at)
{
    if (accept(at, " gone=yes")) {
        return true;
    }
    return accept(at, " bound=") && accept_value(at) && accept(at, " none=") && accept_value(at) &&
           (accept(at, " builtins=same") || accept(at, " builtins=other") ||
            accept(at, " builtins=missing")) &&
           accept(at, " size=") && accept_number(at);
}

static bool accept_info(const char **at, const struct zap_event_row *row)
{
    size_t label_len = strcspn(row->info, ":");
    if (!accept(at, " ") || strncmp(*at, row->info, label_len) != 0) {
        return false;
    }
    *at += label_len;
    const char *token = *at + 1;
    if (!accept(at, "=") || !accept_value(at)) {
        return false;
    }
    size_t len = (size_t)(*at - token);
    return strcmp(row->info + label_len, ":*route") == 0 ? zap_route_find(token, len) != NULL
                                                         : zap_op_find(token, len) != NULL;
}

static bool accept_field(const char **at, const struct zap_event_row *row, char field)
{
    switch (field) {
    case 'm':
        return (accept(at, " m") && accept_number(at)) || accept(at, " -");
    case 'o':
        return accept(at, " o") && accept_number(at);
    case 'n': {
        const char *token = *at + strlen(" name=");
        return accept(at, " name=") && accept_value(at) &&
               zap_name_find(token, (size_t)(*at - token)) != NULL;
    }
    case 'b':
        return accept(at, " by=route") || (accept(at, " by=o") && accept_number(at));
    case 's':
        return accept_state(at);
    case 'v':
        return accept(at, " seen=bound") || accept(at, " seen=none") || accept(at, " seen=missing");
    case 'i':
        return row->code == ZAP_EVENT_COLLECT_END || accept_info(at, row);
    case 'x':
        return accept(at, " ") && accept(at, row->flag) &&
               (accept(at, "=yes") || accept(at, "=no"));
    case 'r':
    case 'h':
        return true; /* left out */
    default:
        return false;
    }
}

/* The event of a line, whose fields must be as its row says; at: where the line's end is expected.
 */
static const struct zap_event_row *accept_event(const char **at)
{
    size_t len = strcspn(*at, " \n");
    for (unsigned code = 1; code < ZAP_EVENT_END; code++) {
        const struct zap_event_row *row = zap_event_row(code);
        if (!row || strlen(row->token) != len || strncmp(row->token, *at, len) != 0) {
            continue;
        }
        *at += len;
        for (const char *field = row->fields; *field; field++) {
            if (!accept_field(at, row, *field)) {
                return NULL;
            }
        }
        return accept(at, "\n") ? row : NULL;
    }
    return NULL;
}

/* What is wrong with the lines that a script has printed; NULL where nothing is. */
static const char *flaw_of(const char *output, bool ends)
{
    unsigned open[4096]; /* codes of the events whose end is to come */
    unsigned open_count = 0;
    unsigned last = 0;
    if (strncmp(output, "route kind=", 11) != 0) {
        return "it does not begin with a route";
    }
    while (*output) {
        const struct zap_event_row *row = accept_event(&output);
        if (!row) {
            return output;
        }
        last = row->code;
        if (last == ZAP_EVENT_ROUTE || last == ZAP_EVENT_DEL || last == ZAP_EVENT_COLLECT) {
            assert_true(open_count < sizeof open / sizeof open[0]);
            open[open_count++] = last;
        }
        unsigned begin = last == ZAP_EVENT_ROUTE_END     ? ZAP_EVENT_ROUTE
                         : last == ZAP_EVENT_DEL_END     ? ZAP_EVENT_DEL
                         : last == ZAP_EVENT_COLLECT_END ? ZAP_EVENT_COLLECT
                                                         : 0;
        if (begin != 0 && (open_count == 0 || open[--open_count] != begin)) {
            return "an end without its begin";
        }
        if (open_count == 0 && *output) {
            return "an event after the end of the route";
        }
    }
    /* Where the interpreter ends, nobody is left to say that it has. */
    return (last == ZAP_EVENT_ROUTE_END) != ends ? NULL : "the route has no end, or one too many";
}

/* ---- the tests ---- */

static char folder[] = "/tmp/pyzap-script-XXXXXX";
static char script_path[sizeof folder + 16];

/* When a dict moves to a bigger table, and so what a clearing skips, differs even between 3.10
 * and 3.11 (where the first key that is not a str moves it, too). */
static bool grows(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (plan->acts[i].op == ZAP_OP_GROW) {
            return true;
        }
    }
    return false;
}

/* Returns how many pairs of outputs were compared. */
static unsigned check_plan(const char *what, const struct zap_plan *plan)
{
    static char outputs[BUILDS_MAX][OUTPUT_MAX];
    unsigned compared = 0;
    assert_true(script_write(plan, script_path));
    for (unsigned i = 0; i < builds_count; i++) {
        const struct build *build = &builds[i];
        int status = script_run(build->python, script_path, outputs[i], OUTPUT_MAX);
        bool has_route = !script_has_no_route(outputs[i]);
        if (script_has_no_end(status, outputs[i])) {
            outputs[i][0] = '\0'; /* nothing to compare */
            continue;
        }
        /* How interpreters end differs from version to version. */
        bool ends = zap_plan_ends(plan);
        bool is_comparable =
            has_route && !ends && build->era != 0 && script_is_deterministic(plan) && !grows(plan);
        assert_true(has_route || ends || plan->route == ZAP_ROUTE_WIPE ||
                    plan->route == ZAP_ROUTE_WIPE_UNHELD);
        /* 120: what was left in a stream could not be written. */
        if (status != 0 && !(ends && WIFEXITED(status) && WEXITSTATUS(status) == 120)) {
            fail_msg("%s on %s: wait status %d", what, build->name, status);
        }
        const char *flaw = has_route ? flaw_of(outputs[i], ends) : NULL;
        if (flaw) {
            fail_msg("%s on %s: %.200s", what, build->name, flaw);
        }
        for (unsigned k = 0; is_comparable && k < i; k++) {
            bool has_output = outputs[k][0] && !script_has_no_route(outputs[k]);
            if (builds[k].era == build->era && has_output) {
                compared++;
                if (strcmp(outputs[k], outputs[i]) != 0) {
                    fail_msg("%s: %s and %s differ\n%s\n%s", what, builds[k].name, build->name,
                             outputs[k], outputs[i]);
                }
            }
        }
    }
    return compared;
}

static void random_plans_run_everywhere(void **state)
{
    (void)state;
    unsigned compared = 0, eras[8] = {0}, peers = 0;
    for (unsigned i = 0; i < PLANS; i++) {
        char what[32];
        struct zap_plan plan;
        struct zap_gen_config config = {.seed = 1, .routes = i % 15 == 0 ? ZAP_ROUTES_THAT_END : 0};
        zap_gen_plan(&config, i, &plan);
        snprintf(what, sizeof what, "seed 1, plan %u", i);
        compared += check_plan(what, &plan);
    }
    for (unsigned i = 0; i < builds_count; i++) {
        peers += builds[i].era != 0 && eras[builds[i].era]++ > 0;
    }
    print_message("%u plans on %u interpreters, %u pairs compared\n", (unsigned)PLANS, builds_count,
                  compared);
    assert_true(compared > 0 || peers == 0);
}

static void seed_plans_run_everywhere(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob(ZAP_TEST_DIR "/../corpus/seed/*.plan", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        static char text[ZAP_TEXT_FILE_MAX];
        struct zap_plan plan;
        struct zap_text_error error;
        FILE *file = fopen(found.gl_pathv[i], "r");
        assert_non_null(file);
        size_t len = fread(text, 1, sizeof text, file);
        fclose(file);
        if (zap_text_parse(text, len, &plan, &error) != ZAP_OK) {
#ifdef ZAP_HOSTILE
            if (strstr(error.what, "at most")) {
                continue;
            }
#endif
            fail_msg("%s:%u: %s", found.gl_pathv[i], error.line, error.what);
        }
        check_plan(strrchr(found.gl_pathv[i], '/') + 1, &plan);
    }
    globfree(&found);
}

/* The check of form is one that can fail. */
static void flaws_are_seen(void **state)
{
    (void)state;
    static const char good[] = "route kind=drop\n"
                               "del o3 m0 bound=a,_b none=- builtins=same size=7\n"
                               "look o3 m0 name=_b seen=bound\n"
                               "del-end o3 m0 gone=yes pending=no\n"
                               "route-end pending=no\n";
    static const char *const bad[] = {
        "",
        "route kind=drop\n",
        "route kind=dorp\nroute-end pending=no\n",
        "route kind=drop\nroute-end\n",
        "route kind=drop\nroute-end pending=no\ncnode o1 m0 gone=yes\n",
        "route kind=drop\ndel o3 m0 gone=yes\nroute-end pending=no\n",
        "route kind=drop\nlook o3 m0 name=zzz seen=bound\nroute-end pending=no\n",
        "route kind=drop\nlook o3 m0 name=a\nroute-end pending=no\n",
        "route kind=drop\nTraceback\nroute-end pending=no\n",
    };
    assert_null(flaw_of(good, false));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(flaw_of(bad[i], false));
    }
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(script_path, sizeof script_path, "%s/plan.py", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    remove(script_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flaws_are_seen),
        cmocka_unit_test(random_plans_run_everywhere),
        cmocka_unit_test(seed_plans_run_everywhere),
    };
    find_builds();
    if (builds_count == 0) {
        puts("SKIP: no interpreter in builds.tsv");
        return 77;
    }
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
