/* SPDX-License-Identifier: MIT */
#include "../programs/nat.c"

#include "engine.h"

BATCH(nat)
