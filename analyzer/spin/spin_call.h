/* The system calls that a loop may make and still be one that nothing ends: they come back, let time pass or
 * tell something, and change no memory but what they are given to fill. */
#ifndef AFTERFORK_SPIN_CALL_H
#define AFTERFORK_SPIN_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "code_state.h"

enum { SPIN_CALL_ARGUMENTS = 6 };

/* True for a call in which a thread may be met that does nothing but wait between two looks at a word. */
bool spin_call_is_pastime(long number, const uint64_t arguments[SPIN_CALL_ARGUMENTS]);
/* What the call, as the registers make it, leaves behind: nothing that it gives is known. False where it is
 * another one, or where it cannot be told what it fills. */
bool spin_call_pass(struct code_state *state, long number);
/* True for a call that takes the thread off its CPU for a time of its choice. */
bool spin_call_sleeps(long number);
/* The word that a wait with a time limit is for, 0: none. */
uint64_t spin_call_futex(const struct code_state *state, long number);

#endif
