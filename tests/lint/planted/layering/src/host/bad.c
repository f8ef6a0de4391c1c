/* Looks at its sibling. */
#include "py/session.h"
