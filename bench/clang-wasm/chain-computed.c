/* SPDX-License-Identifier: MIT */
#include "../programs/chain-computed.c"

#include "engine.h"

PROG_ARRAY(hops)
BATCH(hop_0)
