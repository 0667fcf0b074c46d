/* Follows a thread's code from where it is, without running it, and asks whether it can ever get out of what
 * it is in.
 *
 * It cannot where every way leads back to a place at which as much was known before. At a place that is
 * reached again with other values, these are unknown from then on; at a branch that depends on what is not
 * known both ways are gone. So what comes out holds for however often the loop goes round. */
#ifndef AFTERFORK_SPIN_FOLLOW_H
#define AFTERFORK_SPIN_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "code_state.h"

enum { SPIN_POINTS_MAX = 48, SPIN_PLACES_MAX = 1024, SPIN_CALLS_MAX = 12 };

/* Where calls return to that were made on the way: so that what is known in a function that is called from
 * two places is kept apart. */
struct spin_calls {
	uint64_t returns[SPIN_CALLS_MAX];
	unsigned depth;
};

struct spin_follow {
	/* Where ways meet: the targets of jumps back, and of branches that depend on what is not known. What
	 * is known there holds each time. */
	struct spin_point {
		struct code_state state;
		struct spin_calls calls;
		bool is_open; /* to be followed from */
	} points[SPIN_POINTS_MAX];
	unsigned point_count, steps;
	uint64_t places[SPIN_PLACES_MAX]; /* a table: addresses of all instructions that were met */
	unsigned place_count;
	uint64_t lost_pc;    /* the instruction at which it could not be followed */
	uint64_t futex_word; /* that it waits for with a time limit; 0: none */
	bool sleeps;         /* between its rounds, or in them */
};

struct user_regs_struct;

/* All that is known of a stopped thread. */
struct code_state spin_follow_state(const struct user_regs_struct *user, struct spin_memory *memory);
/* True where it cannot get out. *follow needs no setting up. */
bool spin_follow_is_endless(struct spin_follow *follow, const struct code_state *start);
/* True for an instruction that was met. */
bool spin_follow_met(const struct spin_follow *follow, uint64_t pc);

#endif
