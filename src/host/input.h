/* Plans from files, folders and standard input. */
#ifndef ZAP_HOST_INPUT_H
#define ZAP_HOST_INPUT_H

#include "base/status.h"
#include "base/str.h"
#include "host/expect.h"

struct zap_input {
    char *path;           /* owned; as given, or found in a folder; "-" for standard input */
    struct zap_plan plan; /* normal */
    struct zap_text_labels labels; /* of a text plan, else empty */
    struct zap_expect expect;      /* owned; of a text plan, else empty */
};

struct zap_inputs {
    struct zap_input *items; /* owned */
    size_t count;
    char **errors; /* owned: one line for every path that gives no plan: "PATH: what: what to do" */
    size_t errors_count;
};

/* Add what a path means: a text plan, a wire plan (its name ends in .zap), all *.plan and *.zap
 * files in a folder and the folders in it, in order of their names, or standard input ("-", text).
 * What gives no plan is a line in inputs->errors. */
void zap_inputs_add(struct zap_inputs *inputs, const char *path);

/* Append a plan as text with a comment after its first line.
 *
 * comment  whole lines, each beginning with "# "
 */
void zap_input_print(const struct zap_plan *plan, const char *comment, struct zap_str *out);

void zap_inputs_release(struct zap_inputs *inputs);

#endif
