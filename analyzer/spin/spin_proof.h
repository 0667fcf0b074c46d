/* Proves that a process can never get out of the loop that it is in: its one thread is stopped for about a
 * millisecond, and its code is followed from there (spin_follow.h) over its memory as it is.
 *
 * It holds for a process that has one thread, no signal handlers but for faults, and shares its memory with
 * none: that is the caller's to find out. Needs ptrace rights. */
#ifndef AFTERFORK_SPIN_PROOF_H
#define AFTERFORK_SPIN_PROOF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "stack_reader.h"

struct spin_loop {
	/* The variable that keeps the loop going: were it another value, there would be a way out. 0: none,
	 * one on the thread's own stack, or one that is only read, by a loop that sleeps meanwhile. */
	uint64_t word;
	bool sleeps_on_word; /* by a futex wait with a time limit */
	/* At the outermost place that the loop comes to again and again: where to unwind from. */
	uint64_t registers[STACK_REGISTERS];
	uint64_t thread_pointer;
};

bool spin_proof_find(pid_t pid, struct spin_loop *ret_loop);

/* True where two looks saw one loop. */
static inline bool spin_loop_is_same(const struct spin_loop *a, const struct spin_loop *b)
{
	return a->word == b->word && a->registers[STACK_REGISTER_SP] == b->registers[STACK_REGISTER_SP];
}

#endif
