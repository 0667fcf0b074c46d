/* What is known of a thread while its code is followed by code_step(): registers, flags and memory.
 *
 * A value is known in its low bytes, or it is what a register (or a clock) held at the start plus a number,
 * or it is not known. Nothing is ever guessed.
 *
 * Which memory there is depends on who follows: the library looks at a part of its own thread's stack, the
 * command at all that another process has. Each of the two brings a code_memory.h with a struct code_memory,
 * and the functions named code_memory_*. */
#ifndef AFTERFORK_CODE_STATE_H
#define AFTERFORK_CODE_STATE_H

#include <stddef.h>

#include "code_memory.h"
#include "code_value.h"

enum code_register {
	CODE_RAX,
	CODE_RCX,
	CODE_RDX,
	CODE_RBX,
	CODE_RSP,
	CODE_RBP,
	CODE_RSI,
	CODE_RDI,
	CODE_R8
};
enum {
	CODE_REGISTERS = 16,
	CODE_NANOSECONDS = CODE_REGISTERS, /* a base: what a clock gave as the part below a second */
};

struct code_state {
	struct code_value reg[CODE_REGISTERS];
	struct code_value fs; /* where the thread's own variables are */
	uint64_t pc, other_pc;
	bool flags_known, carry_known; /* all of them but the carry; the carry */
	bool zero, sign, carry, overflow;
	bool may_fault; /* something was read that may not be there the next time */
	struct code_memory memory;
};

struct code_value code_state_get(const struct code_state *state, unsigned reg, unsigned size_bytes);
void code_state_set(struct code_state *state, unsigned reg, unsigned size_bytes, struct code_value value);
bool code_state_push(struct code_state *state, struct code_value value);
/* False where the stack pointer is not known any more. */
bool code_state_pop(struct code_state *state, struct code_value *ret_value);

struct code_value code_memory_load(const struct code_state *state, struct code_value address,
                                   unsigned size_bytes);
/* False where nobody knows what was overwritten, or what must not be was. */
bool code_memory_store(struct code_state *state, struct code_value address, unsigned size_bytes,
                       struct code_value value);
/* What is there is called. False where it is not known, or may be another the next time. */
bool code_memory_take_pointer(struct code_state *state, uint64_t address, uint64_t *ret_target);
/* False where not all of it can be run. */
bool code_memory_read_code(const struct code_state *state, uint64_t pc, void *ret_bytes, size_t size_bytes);

#endif
