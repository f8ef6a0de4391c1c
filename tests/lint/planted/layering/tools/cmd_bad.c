/* The program reaches into the workers. */
#include "py/session.h"
