/* Traces read back from the text that zap_trace_print makes of them: what stand-alone scripts
 * print, and the witnesses of tests, which are text so that people can read them. */
#ifndef ZAP_ORACLE_TRACE_TEXT_H
#define ZAP_ORACLE_TRACE_TEXT_H

#include "base/status.h"
#include "oracle/trace.h"

/* Add what one line of a printed trace says: the build first, then events, last perhaps that it was
 * cut.
 *
 * line       borrowed; without its newline; spaces and tabs in front mean nothing
 * is_first   the line is the one about the build
 * trace      zeroed before the first line; untouched on failure
 * what       on failure, what is wrong with the line is appended
 * Returns    ZAP_OK, or ZAP_E_SYNTAX where no trace prints this line
 */
enum zap_status zap_trace_text_add(struct zap_trace *trace, bool is_first, const char *line,
                                   struct zap_str *what);

/* The event that a line means; its contract is that of zap_trace_text_add. */
enum zap_status zap_trace_text_event(const char *line, struct zap_event *ret_event,
                                     struct zap_str *what);

#endif
