/* What libafterfork.so recorded of the threads that a fork left behind, read from the child's copy. */
#ifndef AFTERFORK_LIBRARY_THREADS_H
#define AFTERFORK_LIBRARY_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "library_state.h"
#include "trace_format.h"

enum {
	LIBRARY_THREADS_MAX = 256, /* of which this much is told */
	LIBRARY_HOLDS_MAX = 64,    /* of one thread: the latest */
	LIBRARY_HOLD_FRAMES_MAX = 16,
	LIBRARY_WAITS_MAX = 64,
};

/* A lock that a thread held, wanted or waited for, and where from. */
struct library_hold {
	uint64_t lock;
	uint32_t state, kind, call; /* enum trace_hold_state, enum trace_lock_kind, id of trace_calls.def */
	pid_t former_tid; /* the owner id under which it was taken, if a fork changed that; else 0 */
	uint64_t pc[LIBRARY_HOLD_FRAMES_MAX]; /* innermost first */
	uint32_t frame_count;
	bool is_whole; /* pc[] is all of the stack */
	/* Where the walk goes on: the stack's place that holds the last pc, as long as it does; 0: nowhere.
	 */
	uint64_t outer_slot, outer_bp;
};

struct library_thread {
	pid_t tid, owner_tid; /* owner_tid is what libc writes into locks */
	char name[TRACE_THREAD_NAME_SIZE_BYTES];
	uint64_t stack_low, stack_high; /* 0: not known */
	uint64_t start_routine;
	uint64_t created_pc[TRACE_CREATED_FRAMES], created_exact;
	uint32_t created_count, created_flags;
	struct library_hold *holds; /* the oldest first */
	uint32_t hold_count;
};

/* The latest that a thread of the process itself holds, wants or waits for. */
struct library_wait {
	pid_t tid;
	uint64_t lock;
	uint32_t kind; /* enum trace_lock_kind */
};

struct library_threads {
	struct library_thread *items;
	size_t count;
	bool is_complete; /* false: some are missing */
	bool made_since;  /* the process made threads of its own after the fork */
	struct library_wait waits[LIBRARY_WAITS_MAX];
	size_t wait_count;
};

/* Those of the threads before the fork that had not ended, without the one that lives on in the process: in a
 * child that the library has not noticed yet that is the one whose stack `sp` is in. False when they could
 * not be read or told apart. */
bool library_threads_read(pid_t pid, const struct library_state *state, uint64_t sp,
                          struct library_threads *ret_threads);
/* A zeroed or released one is a no-op. */
void library_threads_release(struct library_threads *threads);

#endif
