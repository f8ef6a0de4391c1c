/* report.md of a finding: ready to be sent to those who can mend it. */
#ifndef ZAP_HOST_REPORT_H
#define ZAP_HOST_REPORT_H

#include "host/finding.h"

/* Append the report, as Markdown of the kind that GitHub shows. Whoever reads it needs nothing
 * else.
 *
 * facts  examined or not; the report says so
 */
void zap_report_write(const struct zap_finding_facts *facts, struct zap_str *out);

/* What happens, in one line and without the version: "I9 gc-intact is broken". */
void zap_report_what(const struct zap_finding_facts *facts, struct zap_str *out);

#endif
