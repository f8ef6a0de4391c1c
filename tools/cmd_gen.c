/* `pyzap gen`: the random plans of a session, as files or on standard output. */
#include "cmd.h"

#include "plan/gen.h"
#include "plan/text.h"
#include "plan/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct arguments {
    uint64_t seed, count, from, size;
    uint32_t routes;
    const char *out;
    bool wire;
};

static int parse(int argc, char **argv, struct arguments *arguments)
{
    const struct zap_option rows[] = {
        {"seed", "N", ZAP_OPTION_NUMBER, &arguments->seed, 0, INT64_MAX,
         "of the session (default: 1, as `pyzap check`)"},
        {"count", "N", ZAP_OPTION_NUMBER, &arguments->count, 1, UINT32_MAX,
         "how many plans (default: 1)"},
        {"from", "I", ZAP_OPTION_NUMBER, &arguments->from, 0, INT64_MAX,
         "number of the first one in the session (default: 0)"},
        {"size", "N", ZAP_OPTION_NUMBER, &arguments->size, ZAP_SIZE_MIN, ZAP_SIZE_MAX,
         "about how many objects a plan has (default: 8)"},
        {"route", "R", ZAP_OPTION_ROUTES, &arguments->routes, 0, 0,
         "only plans with this route; may be given again (default: all)"},
        {"out", "DIR", ZAP_OPTION_TEXT, &arguments->out, 0, 0,
         "write DIR/SEED-INDEX.plan (or .zap) for each, instead of printing them"},
        {"wire", NULL, ZAP_OPTION_FLAG, &arguments->wire, 0, 0, "as wire bytes instead of text"},
    };
    const struct zap_options options = {
        .command = "gen",
        .operands = "",
        .text =
            "Print random plans. With the seed, size and routes of a `pyzap check`, plan I is the\n"
            "plan that check ran with index I.",
        .rows = rows,
        .rows_count = sizeof rows / sizeof rows[0],
        .print_more = zap_options_print_routes,
    };
    struct zap_option_list operands;
    int status = zap_options_parse(&options, argc, argv, &operands);
    if (status >= 0)
        return status;
    free(operands.items);
    if (arguments->wire && !arguments->out && arguments->count > 1)
        return zap_cmd_fail("gen", ZAP_EXIT_USAGE,
                            "--wire: bytes of %" PRIu64
                            " plans in a row have no bounds: give --out DIR",
                            arguments->count);
    return -1;
}

static void write_plan(const struct arguments *arguments, const struct zap_plan *plan,
                       uint64_t index, FILE *out)
{
    if (arguments->wire) {
        uint8_t bytes[ZAP_WIRE_MAX];
        fwrite(bytes, 1, zap_wire_encode(plan, bytes), out);
        return;
    }
    char page[ZAP_TEXT_MAX + 64], comment[64];
    struct zap_str text = zap_str_init(page, sizeof page);
    snprintf(comment, sizeof comment, "# seed %" PRIu64 ", index %" PRIu64 "\n", arguments->seed,
             index);
    zap_input_print(plan, comment, &text);
    fputs(page, out);
}

static int write_file(const struct arguments *arguments, const struct zap_plan *plan,
                      uint64_t index)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%" PRIu64 "-%" PRIu64 ".%s", arguments->out,
                       arguments->seed, index, arguments->wire ? "zap" : "plan");
    errno = ENAMETOOLONG;
    FILE *file = len < (int)sizeof path ? fopen(path, "we") : NULL;
    if (!file)
        return zap_cmd_fail("gen", ZAP_EXIT_FAILURE, "%s: %s", path, strerror(errno));
    write_plan(arguments, plan, index, file);
    bool is_bad = ferror(file);
    if (fclose(file) != 0 || is_bad)
        return zap_cmd_fail("gen", ZAP_EXIT_FAILURE, "%s: %s", path, strerror(errno));
    return ZAP_EXIT_OK;
}

int zap_cmd_gen(int argc, char **argv)
{
    struct arguments arguments = {.seed = 1, .count = 1};
    int status = parse(argc, argv, &arguments);
    if (status >= 0)
        return status;
    if (arguments.out && mkdir(arguments.out, 0777) < 0 && errno != EEXIST)
        return zap_cmd_fail("gen", ZAP_EXIT_FAILURE, "%s: %s", arguments.out, strerror(errno));
    const struct zap_gen_config config = {
        .seed = arguments.seed, .size = (uint8_t)arguments.size, .routes = arguments.routes};
    status = ZAP_EXIT_OK;
    for (uint64_t i = 0; i < arguments.count && status == ZAP_EXIT_OK && !ferror(stdout); i++) {
        struct zap_plan plan;
        zap_gen_plan(&config, arguments.from + i, &plan);
        if (arguments.out) {
            status = write_file(&arguments, &plan, arguments.from + i);
        } else {
            if (i > 0)
                putchar('\n');
            write_plan(&arguments, &plan, arguments.from + i, stdout);
        }
    }
    return status;
}
