/* Text under construction in memory that the caller owns.
 *
 * A zap_str never allocates: what does not fit is cut, the text stays NUL-terminated, and `cut`
 * says that it happened, so a writer appends freely and its caller checks once.
 */
#ifndef ZAP_BASE_STR_H
#define ZAP_BASE_STR_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

struct zap_str {
    char *data;  /* borrowed; always NUL-terminated */
    size_t len;  /* without the NUL */
    size_t size; /* of data, at least 1 */
    bool cut;    /* something did not fit */
};

/* data: borrowed for the life of the zap_str; size: at least 1. */
struct zap_str zap_str_init(char *data, size_t size);

void zap_str_add(struct zap_str *str, const char *text);
void zap_str_add_bytes(struct zap_str *str, const char *bytes, size_t len);
void zap_str_printf(struct zap_str *str, const char *fmt, ...) ZAP_PRINTF(2, 3);

#endif
