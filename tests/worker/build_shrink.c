/* A finding of a planted bug, shrunk by `check` on a real interpreter: the smallest plan that still
 * shows it, the same one every time.
 *
 * Run once per build, with its name in ZAP_BUILD. A build without a planted worker is skipped.
 */
#include "host/builds.h"
#include "host/session.h"
#include "host/shrinker.h"
#include "plan/shrink.h"
#include "plan/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLANS = 2000, SEED = 1, SKIP = 77 };

/* A bug that one wipe shows, and how much of a plan its findings need at most. */
static const struct {
    const char *token, *signature;
    unsigned objects_max, acts_max;
} bugs[] = {
    {"deleted", "I3", 2, 0},
    {"reversed", "I2", 2, 0},
};

static bool read_plan(const char *folder, const char *name, struct zap_plan *ret_plan)
{
    char path[PATH_MAX];
    static char text[ZAP_TEXT_MAX];
    struct zap_text_error error;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX)
        return false;
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    return zap_text_parse(text, len, ret_plan, &error) == ZAP_OK;
}

/* Is all in the report that there should be? The bug is the worker's, so the bare interpreter
 * cannot show it, and the report has to say that. */
static bool is_report_complete(const char *folder)
{
    static const char *const parts[] = {
        "# CPython ",           "Reproduced 5 of 5 times", "## What happens",
        "## What was expected", "## Without pyzap",        "repro.py shows it on ",
        "## Versions",          "| **yes** | BROKEN ",     "First bad version: ",
        "## The plan",          "## With pyzap",           "pyzap gen --seed 1 --from ",
    };
    char path[PATH_MAX];
    static char text[256 * 1024];
    FILE *file =
        snprintf(path, sizeof path, "%s/report.md", folder) < PATH_MAX ? fopen(path, "r") : NULL;
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[len] = '\0';
    if (file)
        fclose(file);
    bool good = true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!strstr(text, parts[i])) {
            printf("FAILED  %s: no \"%s\"\n", path, parts[i]);
            good = false;
        }
    }
    const char *shows = strstr(text, "repro.py shows it on ");
    const char *end = shows ? strchr(shows, '\n') : NULL;
    bool is_no = shows && end &&
                 (strstr(shows, ": no: the bare interpreter does not do it\n") == end - 41 ||
                  strstr(shows, ": no: needs the C API: ") < end);
    printf("        %.*s\n", shows && end ? (int)(end - shows) : 0, shows ? shows : "");
    return good && is_no && shows && strstr(shows, ": yes\n") != end - 6;
}

/* Check, with findings in `folder`; returns how many of that signature are there, all of them as
 * small as they should be. -1 where one is not. */
static int check(const struct zap_builds_row *row, size_t bug, const char *folder)
{
    const struct zap_builds_row *rows[] = {row};
    const struct zap_session_config config = {
        .builds = rows, .builds_count = 1, .gen = {.seed = SEED}, .plans = PLANS, .out = folder};
    struct zap_session session;
    setenv("PYZAP_PLANT", bugs[bug].token, 1);
    if (zap_session_run(&config, &session) != ZAP_OK)
        return -1;
    int count = session.write_failure[0] || session.runs[0].failure[0] ? -1 : 0;
    printf("%s: %zu findings filed %s%s\n", bugs[bug].token, session.runs[0].filed_count,
           session.write_failure, session.runs[0].failure);
    for (size_t i = 0; i < session.runs[0].filed_count && count >= 0; i++) {
        const struct zap_filed *filed = &session.runs[0].filed[i];
        struct zap_plan plan, original, generated;
        if (strcmp(filed->signature, bugs[bug].signature) != 0)
            continue;
        zap_gen_plan(&config.gen, filed->index, &generated);
        bool good = read_plan(filed->path, "min.plan", &plan) &&
                    read_plan(filed->path, "found.plan", &original) &&
                    zap_plan_equal(&original, &generated) &&
                    zap_shrink_measure(&plan) < zap_shrink_measure(&original) &&
                    plan.objects_count <= bugs[bug].objects_max &&
                    plan.acts_count <= bugs[bug].acts_max && !filed->is_flaky &&
                    filed->reproduced == 5 && is_report_complete(filed->path);
        printf("%s  %s: %u objects and %u actions, from %u and %u\n", good ? "good  " : "FAILED",
               filed->path, plan.objects_count, plan.acts_count, original.objects_count,
               original.acts_count);
        count = good ? count + 1 : -1;
    }
    zap_session_release(&session);
    return count;
}

int main(void)
{
    const char *build = getenv("ZAP_BUILD");
    char folder[] = "/tmp/pyzap-shrink-XXXXXX", first[64], second[64], command[256];
    struct zap_builds_row row = {.is_usable = true, .python = "-"};
    struct zap_builds builds = {0};
    char reason[512];
    struct zap_str why = zap_str_init(reason, sizeof reason);
    if (build && zap_builds_load(ZAP_LIBEXEC_DIR, &builds, &why) == ZAP_OK &&
        zap_builds_find(&builds, build, &why))
        row = *zap_builds_find(&builds, build, &why);
    zap_builds_release(&builds);
    snprintf(row.name, sizeof row.name, "%s", build ? build : "");
    snprintf(row.worker, sizeof row.worker, "%s/planted/worker-%s", ZAP_LIBEXEC_DIR, row.name);
    if (access(row.worker, X_OK) != 0) {
        printf("SKIP: no planted worker for %s\n", build ? build : "(ZAP_BUILD is not set)");
        return SKIP;
    }
    if (!mkdtemp(folder))
        return 1;
    snprintf(first, sizeof first, "%s/first", folder);
    snprintf(second, sizeof second, "%s/second", folder);
    bool good = true;
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        int count = check(&row, i, first);
        good = good && count == 1 && check(&row, i, second) == count;
    }
    /* The same findings, and the same files: traces too hold nothing of time and place. */
    snprintf(command, sizeof command, "diff -r %s %s", first, second);
    good = system(command) == 0 && good;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    good = system(command) == 0 && good;
    return good ? 0 : 1;
}
