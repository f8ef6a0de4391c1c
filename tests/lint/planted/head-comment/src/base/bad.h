#ifndef ZAP_BASE_BAD_H
#define ZAP_BASE_BAD_H
#endif
