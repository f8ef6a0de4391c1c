/* The one place that asks for the version. */
#include <Python.h>

#if PY_VERSION_HEX < 0x03000000
#define PyUnicode_Check PyString_Check
#endif
