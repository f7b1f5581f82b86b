/* SPDX-License-Identifier: MIT */
#include "../programs/pass.c"

#include "engine.h"

BATCH(pass)
