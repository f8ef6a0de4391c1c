/* Names a header relative to itself. */
#include "str.h"
