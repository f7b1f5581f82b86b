/* SPDX-License-Identifier: MIT */
#include "../programs/chain.c"

#include "engine.h"

PROG_ARRAY(hops)
BATCH(hop_0)
BATCH(again)
