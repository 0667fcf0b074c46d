/* Which of the threads that vanished had what a stuck process waits for. */
#ifndef AFTERFORK_STUCK_HOLDER_H
#define AFTERFORK_STUCK_HOLDER_H

#include "stack_reader.h"
#include "stuck_judge.h"
#include "stuck_vanished.h"

struct stuck_holder {
	const struct stuck_vanished *thread; /* NULL: not known */
	const struct library_hold *hold;     /* what the library recorded of it; NULL: nothing */
	struct stack_frame *frames;          /* where it was, innermost first; owned */
	size_t frame_count;
	unsigned flags; /* TRACE_STACK_* */
};

/* The owner that a lock names; for a lock of libc's own the one thread whose stack goes through the function
 * of libc that the process is stuck in. */
void stuck_holder_find(const struct stuck_process *process, struct stack_reader *reader,
                       const struct stuck_judgement *judgement, const struct stuck_stack *stack,
                       struct stuck_holder *ret_holder);
/* The thread with its stack as the record says, of which it keeps the innermost frames: the others come from
 * the stuck process's copy. hold may be NULL. */
void stuck_holder_describe(const struct stuck_vanished *thread, const struct library_hold *hold,
                           struct stack_reader *reader, struct stuck_holder *ret_holder);
/* A zeroed or released one is a no-op. */
void stuck_holder_release(struct stuck_holder *holder);

#endif
