/* SPDX-License-Identifier: MIT */
#include "../programs/jhash.c"

#include "engine.h"

BATCH(jhash)
BATCH(jhash_1000)
