/* What a replay came to, for people and for programs. */
#ifndef ZAP_HOST_REPLAY_SUMMARY_H
#define ZAP_HOST_REPLAY_SUMMARY_H

#include "host/replay.h"

#include <stdio.h>

/* Counts, then everything that is not as expected, with what was expected and found, then what is
 * known; the same outcome of one plan on several builds is told once. */
void zap_replay_summary_print(const struct zap_replay *replay, size_t rows_count, FILE *out);

/* All points as one JSON object and a newline.
 *
 * Returns  ZAP_OK, or ZAP_E_IO where it could not be made or written
 */
enum zap_status zap_replay_summary_json(const struct zap_replay *replay, FILE *out);

#endif
