/* Writes a finding's folder.
 *
 * The files are made in a hidden folder beside the final one and renamed into place, so that
 * what a person or a script finds in DIR is whole. Where a folder of that name is there already
 * (the same seed gives the same findings), the files are renamed into it one by one, the plan as
 * generated first, so that it is never missing; and what else somebody put there stays.
 */
#include "host/finding.h"

#include "host/files.h"
#include "host/input.h"
#include "oracle/explain.h"
#include "plan/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PAGE_MAX = 2 * 1024 * 1024, /* of any of the files; a trace of ZAP_EVENTS_MAX events is one */
    ROUTES_END = 32,
};

/* The options that choose the session's plans. */
static void write_options(const struct zap_gen_config *gen, struct zap_str *out)
{
    zap_str_printf(out, " --seed %" PRIu64, gen->seed);
    if (gen->size)
        zap_str_printf(out, " --size %u", gen->size);
    for (unsigned i = 0; i < ROUTES_END; i++) {
        if (zap_route_row(i) && (gen->routes >> i & 1))
            zap_str_printf(out, " --route %s", zap_route_row(i)->token);
    }
}

static void write_head(const struct zap_finding_facts *facts, const char *comment,
                       struct zap_str *out)
{
    zap_str_printf(out, "%s%s on CPython %s: %s\n", comment, zap_verdict_row(facts->verdict)->name,
                   facts->build, facts->death ? facts->death->reason : facts->signature);
    if (facts->artefact) {
        zap_str_printf(out, "%sfound by `pyzap fuzz`, engine %s, target %s: %s\n", comment,
                       facts->artefact->engine, facts->artefact->target, facts->artefact->name);
        return;
    }
    zap_str_printf(out, "%spyzap gen", comment);
    write_options(facts->gen, out);
    zap_str_printf(out, " --from %" PRIu64 "\n", facts->index);
}

/* The plan as it was before anything was made smaller is "as generated", or ... */
static const char *how_found(const struct zap_finding_facts *facts)
{
    return facts->artefact ? "as the engine found it" : "as generated";
}

static void write_plan(const struct zap_finding_facts *facts, struct zap_str *out)
{
    char comment[1024];
    struct zap_str head = zap_str_init(comment, sizeof comment);
    write_head(facts, "# ", &head);
    if (facts->original)
        zap_str_printf(&head, "# shrunk from %u object%s to %u; original.plan is %s\n",
                       facts->original->objects_count,
                       facts->original->objects_count == 1 ? "" : "s", facts->plan->objects_count,
                       how_found(facts));
    zap_input_print(facts->plan, comment, out);
}

static void write_original(const struct zap_finding_facts *facts, struct zap_str *out)
{
    char comment[1024];
    struct zap_str head = zap_str_init(comment, sizeof comment);
    write_head(facts, "# ", &head);
    zap_input_print(facts->original, comment, out);
}

static void write_trace(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_trace_print(facts->trace, out);
}

static void write_script(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_source_script(facts->plan, out);
}

static void write_death(const struct zap_finding_facts *facts, struct zap_str *out)
{
    const struct zap_death *death = facts->death;
    zap_str_printf(out, "%s\n\nIt was at: %s.\n", zap_verdict_row(facts->verdict)->text,
                   zap_death_phase(death->phase));
    uint32_t count = facts->trace->events_count;
    if (count > 0) {
        zap_str_printf(out, "The last of %u events: ", (unsigned)count);
        zap_trace_print_event(facts->trace, count - 1, out);
        zap_str_add(out, "\n");
    } else {
        zap_str_add(out, "No event was recorded.\n");
    }
    if (death->tail[0])
        zap_str_printf(out, "\nThe end of what the process printed:\n\n%s\n", death->tail);
}

/* Is this the smallest plan, and does it do it by itself? */
static void write_size(const struct zap_finding_facts *facts, struct zap_str *out)
{
    const struct zap_plan *plan = facts->plan, *original = facts->original;
    switch (facts->alone) {
    case ZAP_ALONE_UNKNOWN:
        zap_str_printf(out,
                       "The plan is %s; `pyzap shrink --python %s plan.plan` looks for a "
                       "smaller one.\n",
                       how_found(facts), facts->build);
        return;
    case ZAP_ALONE_YES:
        if (original)
            zap_str_printf(out,
                           "The plan was shrunk: it had %u objects, %u links and %u actions, and "
                           "has %u, %u and %u.\noriginal.plan is the plan %s.\n",
                           original->objects_count, original->links_count, original->acts_count,
                           plan->objects_count, plan->links_count, plan->acts_count,
                           how_found(facts));
        else
            zap_str_printf(out, "The plan is %s: no smaller one was found that does this.\n",
                           how_found(facts));
        return;
    case ZAP_ALONE_NO:
        zap_str_printf(out,
                       "The plan is as generated, and did not repeat alone: what happened depends "
                       "on what ran before.\nTo see it again, run\n\n"
                       "  pyzap check --python %s",
                       facts->build);
        write_options(facts->gen, out);
        zap_str_printf(out, " --plans %" PRIu64 "\n", facts->index + 1);
        return;
    }
}

static void write_why(const struct zap_finding_facts *facts, struct zap_str *out)
{
    write_head(facts, "", out);
    zap_str_printf(out, "%s\n\n", facts->trace->build.banner);
    write_size(facts, out);
    zap_str_add(out, "\n");
    if (facts->judgement)
        zap_judge_explain(facts->plan, facts->trace, facts->judgement, out);
    if (facts->death)
        write_death(facts, out);
    zap_str_add(out, "\nThe plan\n\n");
    zap_explain_plan(facts->plan, out);
    if (facts->alone == ZAP_ALONE_NO)
        return; /* then there is nothing to see in this folder */
    zap_str_printf(out,
                   "\nSee it again, in this folder\n\n"
                   "  pyzap replay --python %s plan.plan\n"
                   "  pyzap show --python %s plan.plan\n"
                   "  %s repro.py\n",
                   facts->build, facts->build,
                   strcmp(facts->python, "-") == 0 ? "python" : facts->python);
}

static void write_artefact(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_str_add_bytes(out, (const char *)facts->artefact->bytes, facts->artefact->len);
}

static const struct {
    const char *name;
    void (*write)(const struct zap_finding_facts *facts, struct zap_str *out);
} files[] = {
    {"original.plan", write_original}, /* first: see move_into_place */
    {"plan.plan", write_plan},         {"trace.txt", write_trace},
    {"repro.py", write_script},        {"why.txt", write_why},
    {"artefact.zap", write_artefact},
};
enum { FILES_COUNT = sizeof files / sizeof files[0] };

static bool has_file(const struct zap_finding_facts *facts, size_t i)
{
    if (files[i].write == write_artefact)
        return facts->artefact != NULL;
    return files[i].write != write_original || facts->original;
}

static enum zap_status fail(struct zap_str *why, const char *what)
{
    zap_str_printf(why, "%s: %s", what, strerror(errno));
    return ZAP_E_IO;
}

static void remove_folder(const char *folder)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < FILES_COUNT; i++) {
        if (zap_files_join(path, folder, files[i].name))
            unlink(path);
    }
    rmdir(folder);
}

static enum zap_status write_files(const char *folder, const struct zap_finding_facts *facts,
                                   struct zap_str *why)
{
    char *page = malloc(PAGE_MAX);
    if (!page)
        return fail(why, folder);
    enum zap_status status = ZAP_OK;
    for (size_t i = 0; i < FILES_COUNT && status == ZAP_OK; i++) {
        char path[PATH_MAX];
        if (!has_file(facts, i))
            continue;
        struct zap_str text = zap_str_init(page, PAGE_MAX);
        files[i].write(facts, &text);
        if (!zap_files_join(path, folder, files[i].name) ||
            !zap_files_write(path, text.data, text.len))
            status = fail(why, path);
    }
    free(page);
    return status;
}

/* Give the folder its final name, or its files their places in the folder that has it. */
static bool move_into_place(const char *from, const char *to, const struct zap_finding_facts *facts)
{
    if (rename(from, to) == 0)
        return true;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return false;
    for (size_t i = 0; i < FILES_COUNT; i++) {
        char old[PATH_MAX], new[PATH_MAX];
        if (!zap_files_join(old, from, files[i].name) || !zap_files_join(new, to, files[i].name))
            return false;
        if (has_file(facts, i) ? rename(old, new) < 0 : unlink(new) < 0 && errno != ENOENT)
            return false;
    }
    return rmdir(from) == 0;
}

enum { NAME_MAX_LEN = 160 };

static void write_name(const struct zap_finding_facts *facts, char ret_name[NAME_MAX_LEN])
{
    struct zap_str name = zap_str_init(ret_name, NAME_MAX_LEN);
    zap_str_printf(&name, "%s-%s-", facts->build, facts->signature);
    if (!facts->artefact)
        zap_str_printf(&name, "%" PRIu64, facts->index);
    else
        zap_str_add(&name, "fuzz");
}

bool zap_finding_path(const char *dir, const struct zap_finding_facts *facts,
                      char ret_path[PATH_MAX])
{
    char name[NAME_MAX_LEN];
    write_name(facts, name);
    return zap_files_join(ret_path, dir, name);
}

enum zap_status zap_finding_file(const char *dir, const struct zap_finding_facts *facts,
                                 char *ret_path, struct zap_str *ret_why)
{
    char name[NAME_MAX_LEN], hidden[NAME_MAX_LEN + 40], path[PATH_MAX], draft[PATH_MAX];
    write_name(facts, name);
    snprintf(hidden, sizeof hidden, ".%s.%ld", name, (long)getpid());
    if (!zap_files_join(path, dir, name) || !zap_files_join(draft, dir, hidden) ||
        !zap_files_make_folders(dir) || (mkdir(draft, 0777) < 0 && errno != EEXIST))
        return fail(ret_why, dir);
    enum zap_status status = write_files(draft, facts, ret_why);
    if (status == ZAP_OK && !move_into_place(draft, path, facts))
        status = fail(ret_why, path);
    if (status != ZAP_OK) {
        remove_folder(draft);
        return status;
    }
    snprintf(ret_path, PATH_MAX, "%s", path);
    return ZAP_OK;
}
