/* Plans as text: one thing a line, for people. text.c describes the grammar. */
#ifndef ZAP_PLAN_TEXT_H
#define ZAP_PLAN_TEXT_H

#include "base/status.h"
#include "base/str.h"
#include "plan/plan.h"

/* No normal plan's text is longer than this, and no file longer than the second is looked at. */
enum { ZAP_TEXT_MAX = 32 * 1024, ZAP_TEXT_FILE_MAX = 1024 * 1024 };

/* Where a text stops being a plan. */
struct zap_text_error {
    unsigned line;   /* from 1 */
    unsigned column; /* from 1, in bytes */
    char what[160];  /* "expected a route (drop, collect, ...), found \"dorp\"" */
};

/* The plan that a text means. Unlike wire bytes, text that breaks a rule is refused, not repaired:
 * a person wrote it and should know.
 *
 * text       borrowed; len bytes, no NUL needed
 * ret_plan   normal; untouched on failure
 * ret_error  set on failure only
 * Returns    ZAP_OK or ZAP_E_SYNTAX
 */
enum zap_status zap_text_parse(const char *text, size_t len, struct zap_plan *ret_plan,
                               struct zap_text_error *ret_error);

enum { ZAP_LABEL_SIZE = 32 };

/* What a text calls its modules and objects, by their numbers; "" for what is too long to keep. */
struct zap_text_labels {
    char modules[ZAP_MODULES_MAX][ZAP_LABEL_SIZE];
    char objects[ZAP_OBJECTS_MAX][ZAP_LABEL_SIZE];
};

/* As zap_text_parse, with the labels. ret_labels: all of it is set; untouched on failure. */
enum zap_status zap_text_parse_labels(const char *text, size_t len, struct zap_plan *ret_plan,
                                      struct zap_text_labels *ret_labels,
                                      struct zap_text_error *ret_error);

/* Append the canonical text of a normal plan: parse(print(p)) is p. */
void zap_text_print(const struct zap_plan *plan, struct zap_str *out);

#endif
