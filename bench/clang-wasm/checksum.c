/* SPDX-License-Identifier: MIT */
#include "../programs/checksum.c"

#include "engine.h"

BATCH(checksum)
