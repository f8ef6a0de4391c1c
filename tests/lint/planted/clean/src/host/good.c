/* Looks down. */
#include "base/good.h"
#include "proto/proto.h"
