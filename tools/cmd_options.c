/* Options, from a table per command: the parser, the errors and the help all come from the rows. */
#include "cmd.h"

#include "base/check.h"
#include "plan/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 22, HELP_WIDTH = 96, ROUTES_END = 32 };

static void add_item(struct zap_option_list *list, const char *item)
{
    const char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    ZAP_CHECK(items != NULL);
    list->items = items;
    items[list->count++] = item;
}

/* ------------------------------------------------------------------ help */

static void print_indented(const char *text, int column)
{
    for (; *text; text++) {
        putchar(*text);
        if (*text == '\n')
            printf("%*s", column, "");
    }
    putchar('\n');
}

/* Words of a table's text, from `column` on, in lines that fit. */
static void print_wrapped(const char *text, int column)
{
    int at = column;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (at > column && at + 1 + len > HELP_WIDTH) {
            printf("\n%*s", column, "");
            at = column;
        }
        at += printf("%s%.*s", at > column ? " " : "", len, text);
        text += len + (text[len] == ' ');
    }
    putchar('\n');
}

static void print_row(const char *name, const char *text)
{
    printf("  %-18s  ", name);
    print_wrapped(text, HELP_COLUMN);
}

static const char *dashes_of(const char *name)
{
    return strlen(name) == 1 ? "-" : "--";
}

static void print_option(const char *name, const char *operand, const char *help)
{
    int len =
        printf("  %s%s%s%s", dashes_of(name), name, operand ? " " : "", operand ? operand : "");
    if (len > HELP_COLUMN - 2) {
        putchar('\n');
        len = 0;
    }
    printf("%*s", HELP_COLUMN - len, "");
    print_indented(help, HELP_COLUMN);
}

static void print_help(const struct zap_options *options)
{
    printf("Usage: pyzap %s%s%s%s\n\n%s\n", options->command,
           options->rows_count ? " [OPTION]..." : "", options->operands[0] ? " " : "",
           options->operands, options->text);
    puts("\nOptions");
    for (size_t i = 0; i < options->rows_count; i++)
        print_option(options->rows[i].name, options->rows[i].operand, options->rows[i].help);
    print_option("help", NULL, "this text");
    if (options->print_more)
        options->print_more();
}

void zap_options_print_routes(void)
{
    puts("\nRoutes (how the modules of a plan go)");
    for (unsigned i = 0; i < ROUTES_END; i++) {
        const struct zap_route_row *row = zap_route_row(i);
        if (row)
            print_row(row->token, row->text);
    }
}

void zap_options_print_verdicts(void)
{
    puts("\nVerdicts (on a plan and an invariant; from CRASHED on, on a plan)");
    for (int i = 0; i < ZAP_VERDICT_COUNT; i++) {
        const struct zap_verdict_row *row = zap_verdict_row((enum zap_verdict)i);
        print_row(row->name, row->text);
    }
}

/* ------------------------------------------------------------------ values */

static int fail(const struct zap_options *options, const struct zap_option *row,
                const char *expected, const char *found)
{
    return zap_cmd_fail(options->command, ZAP_EXIT_USAGE, "%s%s: expected %s, found \"%s\"",
                        dashes_of(row->name), row->name, expected, found);
}

static bool is_digits(const char *text)
{
    return text[0] && strspn(text, "0123456789") == strlen(text);
}

static int take_number(const struct zap_options *options, const struct zap_option *row,
                       const char *text)
{
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    if (!is_digits(text) || errno || number < row->min || number > row->max) {
        char expected[96];
        snprintf(expected, sizeof expected, "a number from %" PRIu64 " to %" PRIu64, row->min,
                 row->max);
        return fail(options, row, expected, text);
    }
    *(uint64_t *)row->value = number;
    return -1;
}

/* "12", "0.5": whole seconds and at most three decimals, so that nothing is rounded. */
static int take_seconds(const struct zap_options *options, const struct zap_option *row,
                        const char *text)
{
    char whole[32];
    size_t len = strcspn(text, ".");
    const char *decimals = text[len] ? text + len + 1 : "0";
    bool is_good = len > 0 && len < sizeof whole && is_digits(decimals) && strlen(decimals) <= 3;
    uint64_t ms = 0;
    if (is_good) {
        snprintf(whole, sizeof whole, "%.*s", (int)len, text);
        is_good = is_digits(whole) && len <= 12;
        char padded[4] = "000";
        memcpy(padded, decimals, strlen(decimals));
        ms = is_good ? strtoull(whole, NULL, 10) * 1000 + strtoull(padded, NULL, 10) : 0;
    }
    if (!is_good || ms < row->min * 1000 || ms > row->max * 1000 || ms == 0) {
        char expected[96];
        snprintf(expected, sizeof expected, "seconds, more than 0 and at most %" PRIu64, row->max);
        return fail(options, row, expected, text);
    }
    *(uint64_t *)row->value = ms;
    return -1;
}

static int take_route(const struct zap_options *options, const struct zap_option *row,
                      const char *text)
{
    const struct zap_route_row *route = zap_route_find(text, strlen(text));
    if (route) {
        *(uint32_t *)row->value |= UINT32_C(1) << route->code;
        return -1;
    }
    char buffer[512];
    struct zap_str expected = zap_str_init(buffer, sizeof buffer);
    zap_str_add(&expected, "one of ");
    bool is_first = true;
    for (unsigned i = 0; i < ROUTES_END; i++) {
        if (!zap_route_row(i))
            continue;
        zap_str_printf(&expected, "%s%s", is_first ? "" : ", ", zap_route_row(i)->token);
        is_first = false;
    }
    return fail(options, row, buffer, text);
}

static int take_value(const struct zap_options *options, const struct zap_option *row,
                      const char *text)
{
    switch (row->kind) {
    case ZAP_OPTION_FLAG:
        *(bool *)row->value = true;
        return -1;
    case ZAP_OPTION_NUMBER:
        return take_number(options, row, text);
    case ZAP_OPTION_SECONDS:
        return take_seconds(options, row, text);
    case ZAP_OPTION_TEXT:
        if (!text[0])
            return fail(options, row, row->operand, text);
        *(const char **)row->value = text;
        return -1;
    case ZAP_OPTION_LIST:
        if (!text[0])
            return fail(options, row, row->operand, text);
        add_item(row->value, text);
        return -1;
    case ZAP_OPTION_ROUTES:
        return take_route(options, row, text);
    }
    return -1;
}

/* ------------------------------------------------------------------ parsing */

static const struct zap_option *find_option(const struct zap_options *options, const char *name,
                                            size_t len)
{
    for (size_t i = 0; i < options->rows_count; i++) {
        if (strlen(options->rows[i].name) == len && strncmp(options->rows[i].name, name, len) == 0)
            return &options->rows[i];
    }
    return NULL;
}

/* One argument that begins with a dash; *at is moved on where the next one is its operand. */
static int take_option(const struct zap_options *options, int argc, char **argv, int *at)
{
    const char *argument = argv[*at];
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
        print_help(options);
        return ZAP_EXIT_OK;
    }
    const char *name = argument + strspn(argument, "-");
    size_t len = strcspn(name, "=");
    const struct zap_option *row = find_option(options, name, len);
    if (!row || strlen(dashes_of(row->name)) != (size_t)(name - argument))
        return zap_cmd_fail(options->command, ZAP_EXIT_USAGE,
                            "there is no option %s; `pyzap %s --help` lists them", argument,
                            options->command);
    const char *operand = name[len] ? name + len + 1 : NULL;
    if (row->kind == ZAP_OPTION_FLAG && operand)
        return zap_cmd_fail(options->command, ZAP_EXIT_USAGE, "%s%s takes no value",
                            dashes_of(row->name), row->name);
    if (row->kind != ZAP_OPTION_FLAG && !operand) {
        if (*at + 1 >= argc)
            return zap_cmd_fail(options->command, ZAP_EXIT_USAGE, "%s%s: %s is missing",
                                dashes_of(row->name), row->name, row->operand);
        operand = argv[++*at];
    }
    return take_value(options, row, operand);
}

int zap_options_parse(const struct zap_options *options, int argc, char **argv,
                      struct zap_option_list *ret_operands)
{
    struct zap_option_list operands = {0};
    bool is_over = false;
    int status = -1;
    for (int i = 1; i < argc && status < 0; i++) {
        if (!is_over && strcmp(argv[i], "--") == 0)
            is_over = true;
        else if (!is_over && argv[i][0] == '-' && argv[i][1])
            status = take_option(options, argc, argv, &i);
        else
            add_item(&operands, argv[i]);
    }
    if (status < 0 && operands.count < options->operands_min)
        status = zap_cmd_fail(options->command, ZAP_EXIT_USAGE,
                              "%s is missing; `pyzap %s --help` says more", options->operands,
                              options->command);
    if (status < 0 && operands.count > options->operands_max)
        status = zap_cmd_fail(options->command, ZAP_EXIT_USAGE, "\"%s\" is one argument too many",
                              operands.items[options->operands_max]);
    if (status < 0)
        *ret_operands = operands;
    else
        free(operands.items);
    return status;
}
