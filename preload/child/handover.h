/* Work handed to threads that vanished: the last wake in a forked child that reached nobody else.
 *
 * Who signals a condition variable, posts a semaphore or wakes a futex on which threads slept at the fork,
 * and on which no thread of the child sleeps, gave work to a pool without threads. So did who signals a
 * condition that counts vanished threads beside the child's own: libc wakes nobody where it is their turn. So
 * did who wakes through what only vanished threads have ever slept on, though all of them were busy at the
 * fork. That alone is no fault: it is told where the child then waits for ever. Written in a forked child
 * only, into memory of its own, and nothing before the first such wake. Lock-free, async-signal-safe; a wake
 * that comes while another thread writes is lost. */
#ifndef AFTERFORK_PRELOAD_HANDOVER_H
#define AFTERFORK_PRELOAD_HANDOVER_H

#include "fork_snapshot.h"

struct handover {
	_Atomic uint64_t ticket; /* the generation it belongs to, times two; odd: it is being written */
	const void *object;
	uint32_t kind; /* enum trace_lock_kind */
	uint32_t call;
	int32_t tid;                  /* who woke */
	uint32_t waiting_count;       /* threads that slept on it at the fork; 0: all were busy */
	uint32_t count;               /* wakes of this kind, here */
	uint32_t waiter_entry;        /* in held[] of the waiter; UINT32_MAX: none */
	struct thread_record *waiter; /* one of those that slept, or used to */
	const struct lock_use *past;  /* where it used to sleep; NULL: waiter_entry tells */
	struct call_site site;
	struct kept_stack stack;
};
extern struct handover handover_last __attribute__((visibility("hidden")));

/* In a child, before the original call: the thread wakes others through the object, of which it is no holder.
 */
void handover_note(struct thread_record *self, const void *object, enum trace_lock_kind kind, unsigned call,
                   const struct call_registers *regs);
/* In a child: the thread is about to sleep on the object, or woke. Another one than who handed it over takes
 * work. */
void handover_look_for_taker(const struct thread_record *self, const void *object);
/* What this process handed over; NULL: nothing. */
const struct handover *handover_find(void);
/* Writes handover_find() to the trace, behind the incident that it explains. */
void handover_write(uint64_t incident_time_ns);

#endif
