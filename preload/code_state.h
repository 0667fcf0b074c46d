/* What is known of a thread while its code is followed by code_step(): registers, flags and the part of its
 * stack that lies around its stack pointer. All other memory is unknown.
 *
 * A value is known in its low bytes, or it is what a register (or a clock) held at the start plus a number,
 * or it is not known. Nothing is ever guessed. */
#ifndef AFTERFORK_PRELOAD_CODE_STATE_H
#define AFTERFORK_PRELOAD_CODE_STATE_H

#include <stdbool.h>
#include <stdint.h>

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
	CODE_NO_BASE = 0xff,
	CODE_BELOW_BYTES = 1024, /* of the stack below the stack pointer: for functions that are called */
	CODE_STACK_BYTES = 4096,
	CODE_SPILLS = 16,
	CODE_POINTERS = 16,
};

/* What calls and jumps went through on any of the ways. */
struct code_pointers {
	uint64_t at[CODE_POINTERS];
	unsigned count;
};

struct code_value {
	uint64_t number;
	uint8_t known; /* so many low bytes: 0, 1, 2, 4, 8 */
	uint8_t base;  /* number is added to what this held at the start; CODE_NO_BASE: number is all */
};

struct code_state {
	struct code_value reg[CODE_REGISTERS];
	uint64_t pc, other_pc;
	bool flags_known, zero, sign, carry, overflow;
	uint64_t forbidden_low, forbidden_high; /* a store there ends it */
	struct code_pointers *pointers;         /* so does one there */
	bool may_fault;                         /* something was read that may not be there the next time */

	uint64_t stack_low; /* address of stack[0] */
	uint32_t stack_size_bytes;
	uint8_t stack[CODE_STACK_BYTES];
	bool stack_known[CODE_STACK_BYTES];
	/* Values with a base, in stack bytes that are not known. */
	struct {
		uint64_t address; /* 0: none */
		struct code_value value;
	} spills[CODE_SPILLS];
};

extern const struct code_value code_unknown;

static inline struct code_value code_number(uint64_t number, unsigned known)
{
	return (struct code_value){.number = number, .known = (uint8_t)known, .base = CODE_NO_BASE};
}
static inline bool code_is_number(struct code_value value, unsigned size_bytes)
{
	return value.base == CODE_NO_BASE && value.known >= size_bytes;
}

/* Unknown where neither is a plain number. */
struct code_value code_value_add(struct code_value a, struct code_value b);

/* Takes the calling thread's stack from sp up; it ends at high. */
void code_state_init(struct code_state *ret_state, uint64_t sp, uint64_t high);

struct code_value code_state_get(const struct code_state *state, unsigned reg, unsigned size_bytes);
void code_state_set(struct code_state *state, unsigned reg, unsigned size_bytes, struct code_value value);
struct code_value code_state_load(const struct code_state *state, struct code_value address,
                                  unsigned size_bytes);
bool code_state_is_near_stack(const struct code_state *state, uint64_t address, unsigned size_bytes);
/* False where nobody knows what was overwritten, or what must not be was. */
bool code_state_store(struct code_state *state, struct code_value address, unsigned size_bytes,
                      struct code_value value);
/* A call goes through the pointer at `address`. False where there are too many. */
bool code_state_note_pointer(struct code_state *state, uint64_t address);
/* Something may have been stored anywhere on the stack. */
void code_state_forget_stack(struct code_state *state);
bool code_state_push(struct code_state *state, struct code_value value);
/* False where the stack pointer is not known any more. */
bool code_state_pop(struct code_state *state, struct code_value *ret_value);

#endif
