/* SPDX-License-Identifier: MIT */
#include "../programs/flow.c"

#include "engine.h"

HASH(flows)
ARRAY(filled)
LOOK_AT(flows)
LOOK_AT(filled)
BATCH(fill)
BATCH(lookup)
BATCH(update)
BATCH(churn)
