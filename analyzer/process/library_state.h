/* What libafterfork.so knows in a process, read from outside through its descriptor (struct
 * trace_descriptor). */
#ifndef AFTERFORK_LIBRARY_STATE_H
#define AFTERFORK_LIBRARY_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc_maps.h"
#include "trace_descriptor.h"
#include "trace_format.h"

struct library_fork {
	pid_t pid, tid; /* of the forking thread, in the parent; 0: not known */
	uint32_t call;  /* id of trace_calls.def */
	uint64_t time_ns;
	uint32_t frame_count, stack_flags; /* TRACE_STACK_* */
	uint64_t exact_mask;               /* bit i: pc[i] is no return address */
	uint64_t pc[TRACE_STACK_FRAMES_MAX];
};

/* Work that the process gave to threads that had vanished. */
struct library_handover {
	uint64_t object; /* 0: none */
	uint32_t kind;   /* enum trace_lock_kind */
	uint32_t call;   /* id of trace_calls.def */
	pid_t tid;       /* who called */
	uint32_t waiting_count, calls;
	pid_t waiter_tid; /* what libc calls a thread that slept on it, or used to */
	uint32_t frame_count, stack_flags;
	uint64_t exact_mask;
	uint64_t pc[TRACE_STACK_FRAMES_MAX];
};

struct library_state {
	/* The process runs in memory that is not its own copy: a child of vfork() or clone(CLONE_VM). */
	bool shares_memory;
	uint32_t vanished_threads; /* at all forks between the program's start and this process */
	struct library_fork fork;  /* the last of them */
	struct library_handover handover;
	uint32_t atfork_handlers; /* registrations of fork handlers */
	uint64_t rings_ns;        /* when the alarm rings (CLOCK_MONOTONIC), or TRACE_RINGS_* */
	/* For library_threads_read(). */
	struct trace_descriptor descriptor;
	uint32_t generation;
	bool is_fresh; /* a fork's child that has not met the library yet */
};

/* maps are the process's. False when the library is not in it, or is of another version. */
bool library_state_read(pid_t pid, const struct proc_maps *maps, struct library_state *ret_state);

#endif
