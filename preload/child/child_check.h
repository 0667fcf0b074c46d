/* Looks at a lock of any kind in a forked child, at the moment of its use: is it one that only a vanished
 * thread could let go?
 *
 * The lock's own memory decides; the vanished threads' records name the holder and explain.
 * Async-signal-safe, lock-free. Called on the child's path only: a process without vanished threads never
 * gets here. */
#ifndef AFTERFORK_PRELOAD_CHILD_CHECK_H
#define AFTERFORK_PRELOAD_CHILD_CHECK_H

#include "incident.h"

enum child_attempt {
	CHILD_LOCK,  /* may wait without limit */
	CHILD_TIMED, /* may wait until a time */
	CHILD_TRY,   /* never waits */
	CHILD_UNLOCK,
	CHILD_WAIT, /* a condition wait: unlocks, and later locks again */
};

struct child_use {
	struct incident suspect; /* observed == 0: nothing to say */
	struct incident_handle handle;
	struct incident_handle tried; /* of the same try before this one */
	enum child_attempt attempt;
	bool shared; /* as a read lock */
};

/* Before the original call. Writes the incident if the call may block for ever. The entry of an attempt that
 * may acquire is there already, as the thread's last. */
void child_check_before(struct child_use *ret_use, struct thread_record *self, const struct lock_ref *lock,
                        unsigned call, enum child_attempt attempt, const struct call_registers *regs);
/* After it came back, with an errno value. */
void child_check_after(struct child_use *use, int error);

/* False where the object lies in memory that the parent shares: its threads live on there. Adds the proof
 * where the mapping tells. */
bool child_check_is_private(struct incident *suspect);

#endif
