/* What the stack of a thread that waits tells of its wait. */
#ifndef AFTERFORK_STUCK_STACK_H
#define AFTERFORK_STUCK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack_reader.h"
#include "trace_format.h"

/* As stack_reader_walk() gave it. */
struct stuck_stack {
	struct stack_frame *frames;
	size_t count;
	unsigned flags;
};

/* By the base name of a file: libc, its loader and their companions. */
bool stuck_stack_is_libc_file(const char *name);
/* The same: this tool's library. */
bool stuck_stack_is_own_file(const char *name);
bool stuck_stack_is_libc(const struct stack_frame *frame);
/* Without leading underscores. */
const char *stuck_stack_plain_name(const char *function);
/* The function of libc that the program called, as stuck_stack_plain_name() has it; "": not known. */
const char *stuck_stack_entry(const struct stuck_stack *stack);
/* The kind of object that the function waits for, an enum trace_lock_kind; 0: of libc's own, or none of
 * libc's functions. */
uint32_t stuck_stack_kind(const struct stuck_stack *stack);
/* True where the call went through one of this library's wrappers. */
bool stuck_stack_goes_through_library(const struct stuck_stack *stack);
/* True inside a signal handler, which may have interrupted what it now calls. */
bool stuck_stack_has_signal_frame(const struct stuck_stack *stack);
/* True for the initialisation of a static variable that needs itself, or may do so. */
bool stuck_stack_initialises_itself(const struct stuck_stack *stack);
/* True where libc called the program, holding a lock perhaps, and the program came back into libc. */
bool stuck_stack_reenters_libc(const struct stuck_stack *stack);
/* Of a thread that waits in a table of waiters which many locks share, and of which its record names one. */
enum stuck_parking { STUCK_PARKING_NONE, STUCK_PARKING_KEY, STUCK_PARKING_PYTHON };
enum stuck_parking stuck_stack_parking(const struct stuck_stack *stack);
/* True in a function that waits for other threads and for nothing else. */
bool stuck_stack_is_meeting(const struct stuck_stack *stack);

#endif
