/* The memory that the library looks at while it follows code: the part of the thread's stack that lies around
 * its stack pointer. All other memory is unknown. */
#ifndef AFTERFORK_PRELOAD_CODE_MEMORY_H
#define AFTERFORK_PRELOAD_CODE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "code_value.h"

enum {
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

struct code_memory {
	uint64_t forbidden_low, forbidden_high; /* a store there ends it */
	struct code_pointers *pointers;         /* so does one there */
	uint64_t stack_low;                     /* address of stack[0] */
	uint32_t stack_size_bytes;
	uint8_t stack[CODE_STACK_BYTES];
	bool stack_known[CODE_STACK_BYTES];
	/* Values with a base, in stack bytes that are not known. */
	struct {
		uint64_t address; /* 0: none */
		struct code_value value;
	} spills[CODE_SPILLS];
};

struct code_state;

/* No register is known. Takes the calling thread's stack from sp up; it ends at high. */
void code_memory_init(struct code_state *ret_state, uint64_t sp, uint64_t high);
/* Something may have been stored anywhere on the stack. */
void code_memory_forget_stack(struct code_state *state);

#endif
