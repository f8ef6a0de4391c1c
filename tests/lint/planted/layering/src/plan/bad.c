/* Looks up to the layer above. */
#include "oracle/judge.h"
