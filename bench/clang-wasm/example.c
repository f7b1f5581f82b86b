/* SPDX-License-Identifier: MIT */
#include "../../examples/tail_call.c"

#include "engine.h"

PROG_ARRAY(prog_array)
BATCH(main_prog)
