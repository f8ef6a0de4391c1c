/* `pyzap script`: a plan as a Python program that needs no pyzap. */
#include "cmd.h"

#include "base/check.h"
#include "plan/source.h"

#include <stdlib.h>

static int parse(int argc, char **argv, struct zap_option_list *ret_paths)
{
    const struct zap_options options = {
        .command = "script",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .text =
            "Print a plan as a stand-alone Python script: it needs nothing but the standard\n"
            "library, runs on 2.7 and on any 3.x, does what the plan says and prints what\n"
            "happens, in the words of a trace.\n\n"
            "FILE is a text plan, a wire plan (its name ends in .zap), or - for a text plan on\n"
            "standard input.",
    };
    return zap_options_parse(&options, argc, argv, ret_paths);
}

int zap_cmd_script(int argc, char **argv)
{
    struct zap_option_list paths = {0};
    struct zap_inputs inputs = {0};
    int status = parse(argc, argv, &paths);
    if (status < 0)
        status = zap_cmd_read_plans("script", &paths, &inputs);
    if (status < 0 && inputs.count != 1)
        status = zap_cmd_fail("script", ZAP_EXIT_USAGE, "%s: %zu plans: give one file",
                              paths.items[0], inputs.count);
    if (status < 0) {
        char *page = malloc(ZAP_SOURCE_MAX);
        ZAP_CHECK(page != NULL);
        struct zap_str text = zap_str_init(page, ZAP_SOURCE_MAX);
        zap_source_script(&inputs.items[0].plan, &text);
        ZAP_CHECK(!text.cut);
        fputs(page, stdout);
        free(page);
        status = ZAP_EXIT_OK;
    }
    zap_inputs_release(&inputs);
    free(paths.items);
    return status;
}
