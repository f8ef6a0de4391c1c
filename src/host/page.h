/* The page of `pyzap report`: one HTML file that needs no other and no network. */
#ifndef ZAP_HOST_PAGE_H
#define ZAP_HOST_PAGE_H

#include "host/shelf.h"
#include "host/survey.h"

/* Make the page.
 *
 * survey, shelf  borrowed; the shelf may be empty
 * ret_len        of the page, without the NUL
 * Returns        owned by the caller (free)
 * Same           bytes for the same survey and shelf: there is no clock, path or address in it
 */
char *zap_page_write(const struct zap_survey *survey, const struct zap_shelf *shelf,
                     size_t *ret_len);

#endif
