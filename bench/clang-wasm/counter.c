/* SPDX-License-Identifier: MIT */
#include "../programs/counter.c"

#include "engine.h"

ARRAY(traffic)
ARRAY(shared)
LOOK_AT(traffic)
LOOK_AT(shared)
BATCH(counter)
