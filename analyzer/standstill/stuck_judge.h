/* Of a process at a standstill: what does it wait for, and is a fork to blame? */
#ifndef AFTERFORK_STUCK_JUDGE_H
#define AFTERFORK_STUCK_JUDGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "stuck_process.h"
#include "stuck_stack.h"
#include "trace_format.h"

enum stuck_verdict {
	STUCK_UNCLEAR, /* something could still end the wait, or the library knows better: say nothing */
	STUCK_ANYHOW,  /* for ever, but what the fork has to do with it cannot be told */
	STUCK_BY_FORK, /* only threads that vanished could have ended it */
	/* As ANYHOW, but for the program's handlers of signals by which somebody asks it to end: it may wait
	 * for just that. */
	STUCK_UNTIL_ASKED,
};

/* A process for whose hang no fork is to blame is given so long: its parent may end it, as it was meant to.
 */
enum { STUCK_PATIENCE_MS = 11000 };

struct stuck_judgement {
	enum stuck_verdict verdict;
	size_t thread;                     /* index of the thread that tells it */
	uint32_t observed;                 /* enum trace_observed */
	uint32_t kind;                     /* enum trace_lock_kind */
	uint64_t lock_address;             /* of the object, or of the futex word where more is not known */
	const struct stuck_object *object; /* the memory around it, of the process; NULL: around the word */
	pid_t owner_tid;                   /* that the lock names; 0: none */
	uint32_t proof;                    /* TRACE_PROOF_* */
};

/* stacks has one for each thread of the process. */
struct stuck_judgement stuck_judge(const struct stuck_process *process, const struct stuck_stack *stacks);

#endif
