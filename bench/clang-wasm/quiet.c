/* SPDX-License-Identifier: MIT */
#include "../programs/quiet.c"

#include "engine.h"

PROG_ARRAY(prog_array)
BATCH(dispatch)
BATCH(dispatch_by_port)
