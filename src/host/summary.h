/* What a session did, for people and for programs. */
#ifndef ZAP_HOST_SUMMARY_H
#define ZAP_HOST_SUMMARY_H

#include "host/session.h"

#include <stdio.h>

/* The table, the failures, where CPython departs from its documentation, the findings. */
void zap_summary_print(const struct zap_session *session, FILE *out);

/* The same as one JSON object and a newline.
 *
 * Returns  ZAP_OK, or ZAP_E_IO where it could not be made or written
 */
enum zap_status zap_summary_json(const struct zap_session *session, FILE *out);

/* A count in at most five characters: 9999, 12.3k, 123k, 1.23M. */
void zap_summary_count(uint64_t count, struct zap_str *out);

/* "3.13.0", "3.15.0b1"; "-" for 0. */
void zap_summary_version(const struct zap_build *build, struct zap_str *out);

#endif
