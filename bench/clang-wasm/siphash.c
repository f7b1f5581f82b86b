/* SPDX-License-Identifier: MIT */
#include "../programs/siphash.c"

#include "engine.h"

BATCH(siphash)
BATCH(siphash_1000)
