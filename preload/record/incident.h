/* Writes what a child met to the trace, before the call can block.
 *
 * Async-signal-safe and lock-free; its work space comes from the arena, since the stack of the caller may be
 * small. */
#ifndef AFTERFORK_PRELOAD_INCIDENT_H
#define AFTERFORK_PRELOAD_INCIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "fork_snapshot.h"
#include "lock_word.h"
#include "thread_record.h"
#include "trace_format.h"

struct incident {
	enum trace_observed observed;
	uint32_t proof; /* TRACE_PROOF_* */
	const void *lock;
	enum trace_lock_kind kind;
	struct lock_state state;
	struct thread_record *victim;
	unsigned call;
	struct call_registers regs;   /* of the victim's call */
	struct thread_record *holder; /* NULL: not known */
	uint32_t holder_entry;        /* index in its held[]; UINT32_MAX: not known */
	int32_t holder_tid;           /* 0: not known */
	unsigned holder_call;         /* what it was inside of, where only that is known of it; else 0 */
	const struct fork_note *fork; /* NULL: not known */
	const struct lock_use *past; /* an acquisition by the holder that is over; NULL: holder_entry tells */
	uint64_t fault_hash;         /* by which repeats are found; 0: made from the stacks */
};

/* What incident_returned needs: the record in the trace, or the one that counts this repeat. */
struct incident_handle {
	struct trace_incident *record; /* NULL: nothing was recorded */
	bool is_repeat;
};

struct incident_handle incident_write(const struct incident *incident);
/* The call that the incident is about came back. Does nothing for an empty handle. */
void incident_returned(struct incident_handle handle, int result);
/* A loop that tries what the incident is about has made so many tries. */
void incident_tried(struct incident_handle handle, uint32_t tries);
/* Takes incident_returned() back. */
void incident_goes_on(struct incident_handle handle);

#endif
