/* Follows code one instruction at a time, without running it: for what simple loops are made
 * of. Whatever it does not know for certain ends it. x86-64. Async-signal-safe. */
#ifndef AFTERFORK_CODE_STEP_H
#define AFTERFORK_CODE_STEP_H

#include "code_state.h"

enum code_step_result {
	CODE_STEPPED,
	CODE_LEFT,   /* by a call or jump through memory or a register, as those to other modules are: pc is
	                where to */
	CODE_FORKED, /* at a branch that depends on what is not known: to pc, or to other_pc */
	CODE_SYSTEM_CALL, /* pc is behind it, and nothing else was done */
	CODE_LOST,        /* an instruction that is not followed */
};

enum code_step_result code_step(struct code_state *state);

#endif
