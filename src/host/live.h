/* One line per build, kept up to date on a terminal while a session runs. */
#ifndef ZAP_HOST_LIVE_H
#define ZAP_HOST_LIVE_H

#include "host/session.h"

#include <stdio.h>

struct zap_live {
    FILE *out;          /* borrowed; NULL: not a terminal, nothing is printed */
    size_t lines_count; /* on the screen now, above the cursor */
};

/* Can lines on it be rewritten? */
bool zap_live_is_terminal(FILE *out);

/* out: borrowed; a terminal or not. */
void zap_live_init(struct zap_live *live, FILE *out);

/* Print or renew the lines. */
void zap_live_show(struct zap_live *live, const struct zap_session *session);

/* Take the lines away again. */
void zap_live_clear(struct zap_live *live);

#endif
