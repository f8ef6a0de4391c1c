/* The `pyzap` program's commands, and what they share: options, builds, plan files. */
#ifndef ZAP_TOOLS_CMD_H
#define ZAP_TOOLS_CMD_H

#include "host/builds.h"
#include "host/input.h"
#include "host/session.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Every command: what follows its name, and its exit status (session.h). */
int zap_cmd_check(int argc, char **argv);
int zap_cmd_fuzz(int argc, char **argv);
int zap_cmd_replay(int argc, char **argv);
int zap_cmd_report(int argc, char **argv);
int zap_cmd_shrink(int argc, char **argv);
int zap_cmd_compare(int argc, char **argv);
int zap_cmd_show(int argc, char **argv);
int zap_cmd_script(int argc, char **argv);
int zap_cmd_gen(int argc, char **argv);
int zap_cmd_pythons(int argc, char **argv);

/* ------------------------------------------------------------------ cmd_options.c */

struct zap_option_list {
    const char **items; /* owned; the strings are borrowed from argv */
    size_t count;
};

enum zap_option_kind {
    ZAP_OPTION_FLAG,    /* bool: given or not */
    ZAP_OPTION_NUMBER,  /* uint64_t from min to max */
    ZAP_OPTION_SECONDS, /* uint64_t in ms; min and max are seconds, decimals are fine */
    ZAP_OPTION_TEXT,    /* const char *, not empty */
    ZAP_OPTION_LIST,    /* struct zap_option_list: given any number of times */
    ZAP_OPTION_ROUTES,  /* uint32_t: bit per route; given any number of times */
};

struct zap_option {
    const char *name;    /* without the dashes: two, or one where it has one letter */
    const char *operand; /* in the help; NULL for a flag */
    enum zap_option_kind kind;
    void *value; /* of the type that the kind says; left alone when the option is not given */
    uint64_t min, max;
    const char *help; /* lines after the first are indented where they are printed */
};

/* Rows that verbs share: the limits of workers, and which random plans. `arguments` points to a
 * struct with uint64_t deadline_ms and memory_mib, or uint64_t size and uint32_t routes. */
// clang-format off
#define ZAP_OPTIONS_OF_WORKER(arguments)                                                           \
    {"deadline", "SECONDS", ZAP_OPTION_SECONDS, &(arguments)->deadline_ms, 0, 3600,                \
     "without any progress, after which a worker has TIMED_OUT (default: 10)"},                    \
    {"memory", "MIB", ZAP_OPTION_NUMBER, &(arguments)->memory_mib, 64, 1024 * 1024,                \
     "resident size over which a worker is EXHAUSTED (default: 1024)"}
#define ZAP_OPTIONS_OF_RANDOM_PLANS(arguments)                                                     \
    {"size", "N", ZAP_OPTION_NUMBER, &(arguments)->size, ZAP_SIZE_MIN, ZAP_SIZE_MAX,               \
     "about how many objects a random plan has (default: 8)"},                                     \
    {"route", "R", ZAP_OPTION_ROUTES, &(arguments)->routes, 0, 0,                                  \
     "only random plans with this route; may be given again (default: all)"}
// clang-format on

struct zap_options {
    const char *command;  /* "check" */
    const char *operands; /* "PATH...", or "" where there are none */
    size_t operands_min, operands_max;
    const char *text; /* what the command does */
    const struct zap_option *rows;
    size_t rows_count;
    void (*print_more)(void); /* after the options; NULL for nothing */
};

/* Read a command's arguments; options and operands in any order, "--" ends the options.
 *
 * argv          argv[0] is the command's name
 * ret_operands  owned by the caller (free), the strings borrowed; untouched when the result is not
 * -1 Returns       -1 to go on; else the exit status: help was printed, or a mistake was told of
 */
int zap_options_parse(const struct zap_options *options, int argc, char **argv,
                      struct zap_option_list *ret_operands);

/* Parts of helps that come from the tables. */
void zap_options_print_routes(void);
void zap_options_print_verdicts(void);

/* ------------------------------------------------------------------ cmd_builds.c */

/* Print "pyzap COMMAND: ..." on stderr and return `status`. */
int zap_cmd_fail(const char *command, int status, const char *fmt, ...) ZAP_PRINTF(3, 4);

/* Load the builds: from PYZAP_WORKERS where that is set, else from beside the program.
 *
 * Returns  -1 to go on; else the exit status
 */
int zap_cmd_load_builds(const char *command, struct zap_builds *ret_builds);

/* Load what is known: the plans of `folder`, or, where that is NULL, those that came with pyzap.
 *
 * ret_knowns  zeroed; zap_knowns_release, whatever is returned
 * Returns     -1 to go on; else the exit status
 */
int zap_cmd_load_knowns(const char *command, const char *folder, const struct zap_builds *builds,
                        struct zap_knowns *ret_knowns);

/* The builds that --python options choose; all usable ones where there is none.
 *
 * ret_rows  owned by the caller (free); each build once, in the order of the list of builds
 * Returns   -1 to go on; else the exit status: 2 for a wrong name, 70 where no build is usable
 */
int zap_cmd_choose_builds(const char *command, const struct zap_builds *builds,
                          const struct zap_option_list *names,
                          const struct zap_builds_row ***ret_rows, size_t *ret_count);

/* Read all plans that the operands name, or tell of every one that cannot be read.
 *
 * Returns  -1 to go on; else the exit status
 */
int zap_cmd_read_plans(const char *command, const struct zap_option_list *paths,
                       struct zap_inputs *ret_inputs);

/* From now on SIGINT and SIGTERM set zap_cmd_interrupted to their number; one that comes later than
 * half a second after the first ends the program. */
void zap_cmd_catch_interrupts(void);
extern volatile sig_atomic_t zap_cmd_interrupted;

#endif
