/* `pyzap pythons`: the CPython builds, usable and not, as their workers describe them. */
#include "cmd.h"

#include "base/check.h"
#include "host/summary.h"
#include "host/worker.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTES_END = 32 };

/* What is known of one build: its row, and its hello if it is usable and said one. */
struct python {
    const struct zap_builds_row *row;
    bool is_usable;
    char reason[320]; /* why not */
    struct zap_build build;
};

static void print_more(void)
{
    puts("\n"
         "Builds are looked for when pyzap is configured: python3 and python2 on PATH, every\n"
         "~/.pyenv/versions/*, build/cpython/*, and what PYZAP_PYTHONS names. A worker is built "
         "for\n"
         "each that can be used; the list stands in ../libexec/pyzap/builds.tsv, seen from the\n"
         "program (PYZAP_WORKERS=DIR: in DIR).\n"
         "\n"
         "Exit status: 0, or 70 where no build is usable or a worker does not start.");
}

static int parse(int argc, char **argv, bool *json)
{
    const struct zap_option rows[] = {
        {"json", NULL, ZAP_OPTION_FLAG, json, 0, 0, "print one JSON object"},
    };
    const struct zap_options options = {
        .command = "pythons",
        .operands = "",
        .text = "List the CPython builds that were found: what each is, which routes it can take,\n"
                "what its worker can observe, and why the others cannot be used.",
        .rows = rows,
        .rows_count = 1,
        .print_more = print_more,
    };
    struct zap_option_list operands;
    int status = zap_options_parse(&options, argc, argv, &operands);
    if (status < 0)
        free(operands.items);
    return status;
}

/* Start the worker and hear its hello. */
static void ask(struct python *python)
{
    struct zap_worker_config config = {.path = python->row->worker};
    struct zap_worker worker;
    if (zap_worker_start(&config, &worker) != ZAP_OK) {
        snprintf(python->reason, sizeof python->reason, "its worker cannot start: %s",
                 strerror(errno));
        return;
    }
    struct zap_report report;
    struct zap_judgement judgement;
    if (zap_worker_wait(&worker, &report, &judgement) == ZAP_WORKER_HELLO) {
        python->is_usable = true;
        python->build = worker.build;
        zap_worker_quit(&worker);
    } else {
        snprintf(python->reason, sizeof python->reason, "its worker: %s", worker.death.reason);
    }
    zap_worker_release(&worker);
}

static void list_routes(uint32_t routes, struct zap_str *out)
{
    const char *comma = "";
    for (unsigned i = 0; i < ROUTES_END; i++) {
        const struct zap_route_row *row = zap_route_row(i);
        if (!row || !(routes >> i & 1))
            continue;
        zap_str_printf(out, "%s%s", comma, row->token);
        comma = ", ";
    }
}

static void list_observers(uint32_t bits, struct zap_str *out)
{
    const char *comma = "";
    for (unsigned i = 0; zap_observer_token(i); i++) {
        if (!(bits >> i & 1))
            continue;
        zap_str_printf(out, "%s%s", comma, zap_observer_token(i));
        comma = ", ";
    }
}

static void print_usable(const struct python *python)
{
    const struct zap_build *build = &python->build;
    char buffer[256];
    struct zap_str text = zap_str_init(buffer, sizeof buffer);
    printf("%s  %s%s%s\n", python->row->name, build->is_static ? "static" : "shared",
           build->debug ? ", debug" : "", build->nogil ? ", free-threaded" : "");
    printf("    %s\n    %s\n", build->banner, python->row->python);
    list_routes(build->routes, &text);
    printf("    routes: %s\n", buffer);
    text = zap_str_init(buffer, sizeof buffer);
    list_observers(build->observers, &text);
    printf("    observes: %s\n", buffer[0] ? buffer : "only what its nodes record");
}

static void print_text(const struct zap_builds *builds, const struct python *pythons)
{
    size_t usable = 0;
    for (size_t i = 0; i < builds->count; i++) {
        usable += pythons[i].is_usable;
        if (pythons[i].is_usable)
            print_usable(&pythons[i]);
    }
    for (size_t i = 0; i < builds->count; i++) {
        if (!pythons[i].is_usable)
            printf("%s  unusable: %s\n    %s\n", builds->rows[i].name, pythons[i].reason,
                   builds->rows[i].python);
    }
    printf(
        "\n%zu of %zu usable. For more: tools/get-cpython (Debian's, from 2.7 to the newest), any\n"
        "pyenv version (`pyenv install 3.12`), or a CPython build tree named in PYZAP_PYTHONS; "
        "then\n"
        "build pyzap again.\n",
        usable, builds->count);
}

static json_t *json_usable(const struct python *python)
{
    const struct zap_build *build = &python->build;
    char version[32];
    struct zap_str text = zap_str_init(version, sizeof version);
    zap_summary_version(build, &text);
    json_t *routes = json_array(), *sees = json_array();
    for (unsigned i = 0; i < ROUTES_END; i++) {
        if (zap_route_row(i) && (build->routes >> i & 1))
            json_array_append_new(routes, json_string(zap_route_row(i)->token));
    }
    for (unsigned i = 0; zap_observer_token(i); i++) {
        if (build->observers >> i & 1)
            json_array_append_new(sees, json_string(zap_observer_token(i)));
    }
    return json_pack("{s:s, s:s, s:b, s:b, s:b, s:o, s:o}", "version", version, "banner",
                     build->banner, "static", build->is_static, "debug", build->debug,
                     "free_threaded", build->nogil, "routes", routes, "observers", sees);
}

static int print_json(const struct zap_builds *builds, const struct python *pythons)
{
    json_t *list = json_array();
    for (size_t i = 0; i < builds->count; i++) {
        json_t *item = pythons[i].is_usable ? json_usable(&pythons[i])
                                            : json_pack("{s:s}", "reason", pythons[i].reason);
        json_object_set_new(item, "build", json_string(builds->rows[i].name));
        json_object_set_new(item, "usable", json_boolean(pythons[i].is_usable));
        json_object_set_new(item, "python", json_string(builds->rows[i].python));
        json_array_append_new(list, item);
    }
    json_t *object = json_pack("{s:o}", "builds", list);
    int result = json_dumpf(object, stdout, JSON_INDENT(2));
    json_decref(object);
    putchar('\n');
    return result == 0 ? ZAP_EXIT_OK : ZAP_EXIT_FAILURE;
}

static int show(const struct zap_builds *builds, bool json)
{
    struct python *pythons = calloc(builds->count ? builds->count : 1, sizeof *pythons);
    ZAP_CHECK(pythons != NULL);
    size_t usable = 0;
    bool any_dumb = false;
    for (size_t i = 0; i < builds->count; i++) {
        pythons[i].row = &builds->rows[i];
        if (builds->rows[i].is_usable) {
            ask(&pythons[i]);
            any_dumb = any_dumb || !pythons[i].is_usable;
        } else {
            snprintf(pythons[i].reason, sizeof pythons[i].reason, "%s", builds->rows[i].reason);
        }
        usable += pythons[i].is_usable;
    }
    int status = usable > 0 && !any_dumb ? ZAP_EXIT_OK : ZAP_EXIT_FAILURE;
    if (!json)
        print_text(builds, pythons);
    else if (print_json(builds, pythons) != ZAP_EXIT_OK)
        status = ZAP_EXIT_FAILURE;
    free(pythons);
    return status;
}

int zap_cmd_pythons(int argc, char **argv)
{
    bool json = false;
    struct zap_builds builds = {0};
    int status = parse(argc, argv, &json);
    if (status < 0)
        status = zap_cmd_load_builds("pythons", &builds);
    if (status < 0)
        status = show(&builds, json);
    zap_builds_release(&builds);
    return status;
}
