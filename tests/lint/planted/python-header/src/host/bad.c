/* Includes Python's header where no Python may be. */
#include <Python.h>
