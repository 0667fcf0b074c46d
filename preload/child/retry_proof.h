/* Proves that a loop which tries to take a lock can never end: by following the program's code from the place
 * where a try has just failed to the next try.
 *
 * It is proven where, given that each try fails as this one did,
 * - the code comes to the same call again, with the same lock and stack pointer;
 * - on the way it calls nothing but functions that let time pass or ask for the time;
 * - it stores neither into the lock nor into a pointer that it calls through;
 * - whatever differs from one try to the next is taken as unknown, and so is all memory but the thread's
 * stack; at a branch that depends on something unknown both ways are gone, and each has to come back. A count
 * of tries, a deadline that is compared, a flag in memory that others could set: each makes one of two ways
 * lead out of the loop, and nothing is proven.
 *
 * It holds for a thread that is alone in its process, which has no signal handlers; that is the caller's to
 * find out. Async-signal-safe; one thread at a time, another one that asks meanwhile gets no proof. */
#ifndef AFTERFORK_PRELOAD_RETRY_PROOF_H
#define AFTERFORK_PRELOAD_RETRY_PROOF_H

#include "call_stack.h"

struct retry {
	uint64_t lock;
	unsigned call; /* id of trace_calls.def */
	struct call_registers regs;
	const struct stack_bounds *bounds;
};

enum retry_proof {
	RETRY_UNPROVEN,
	RETRY_ENDLESS_IF_SAME, /* if the next try is of the same lock: what it is was in a register */
	RETRY_ENDLESS,
};

/* error: how the try failed, as an errno value. */
enum retry_proof retry_proof_find(const struct retry *retry, int error);

#endif
