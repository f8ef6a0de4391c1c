/* What a function that can fail for an expected reason says about it.
 *
 * A programming error is never a status (base/check.h), and neither is the verdict on a plan
 * (oracle/verdict.def).
 */
#ifndef ZAP_BASE_STATUS_H
#define ZAP_BASE_STATUS_H

enum zap_status {
    ZAP_OK = 0,
    ZAP_E_SYNTAX, /* text that is not a plan; the error struct says where and why */
    ZAP_E_IO,     /* a system call failed; errno says why */
    ZAP_E_LIMIT,  /* more than a ZAP_*_MAX allows */
    ZAP_E_GONE,   /* the other process is not there any more */
};

#endif
