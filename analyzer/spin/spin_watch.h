/* Which processes are looked at for a loop that nothing ends: those that neither block nor ever do anything
 * but compute, or sleep and wake.
 *
 * A healthy process that computes is stopped for about a millisecond after two seconds of it, then after four
 * more, eight more and so on, twelve times at most. */
#ifndef AFTERFORK_SPIN_WATCH_H
#define AFTERFORK_SPIN_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc_stat.h"
#include "spin_proof.h"

/* Of one process. */
struct spin_watch {
	uint64_t since_ns; /* seen at nothing else from then on; 0: it was */
	uint64_t span_ns;  /* to be at it before the next look */
	uint64_t due_ns;
	uint64_t switches, cpu_ticks; /* at the span's start */
	uint32_t pause_ms, looks;
};

/* True where the process is in such a loop, of which a variable was found. stat is as it is now. */
bool spin_watch_look(struct spin_watch *watch, const struct proc_stat *stat, uint64_t now_ns,
                     struct spin_loop *ret_loop);
/* Has it one thread, no signal handlers but for faults, and its memory for itself? */
bool spin_watch_is_alone(pid_t pid);

#endif
