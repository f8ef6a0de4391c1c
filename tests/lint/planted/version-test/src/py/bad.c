/* Asks for the version in a place that is not compat.h. */
#include "py/compat.h"

#if PY_VERSION_HEX >= 0x030D0000
int bad;
#endif
