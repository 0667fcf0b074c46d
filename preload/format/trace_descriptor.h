/* What a program that has the library loaded shows to whoever looks at it from outside. It is in no file but
 * in the program's memory, among the library's data that is constant after relocation, found there by its
 * magic. Through it the state of the process is found: addresses and offsets, so that the structs behind them
 * may change. */
#ifndef AFTERFORK_TRACE_DESCRIPTOR_H
#define AFTERFORK_TRACE_DESCRIPTOR_H

#include <assert.h>
#include <stdint.h>

#define TRACE_DESCRIPTOR_MAGIC "AFTERFORK-STATE" /* sixteen bytes with the NUL */
enum {
	TRACE_DESCRIPTOR_VERSION = 5,
	TRACE_CREATED_FRAMES = 32,    /* at thread_created_pcs */
	TRACE_CACHED_FRAMES = 4,      /* at cached_pcs */
	TRACE_CACHED_MORE_FRAMES = 6, /* at cached_more_pcs */
	TRACE_THREAD_ALIVE = 1,       /* at thread_state; in an earlier generation: vanished */
	TRACE_STACK_OWN = 1,    /* in the word at hold_stack: it is an outer slot, else a cached stack */
	TRACE_CACHED_CUT = 1,   /* at cached_state */
	TRACE_CACHED_SHORT = 4, /* there is nothing to walk on from */
	TRACE_CACHED_DEEP = 16, /* it goes on in cached_more_* */
};
struct trace_descriptor {
	char magic[16];
	uint32_t version;
	uint32_t size_bytes;
	uint64_t mode_word; /* address of a pointer to a word that a fork sets to 0 in the child */
	uint64_t process;   /* address of the process's state; offsets in it: */
	uint32_t process_pid, process_generation, process_live_threads, process_vanished_threads,
	    process_notes;
	uint32_t notes_kept; /* pointers at process_notes: the fork that ended generation g is at g % this */
	/* offsets in what they point to */
	uint32_t note_pid, note_tid, note_call, note_time_ns;
	uint32_t note_pcs, note_exact_mask, note_count, note_flags; /* of its stack */
	uint32_t process_atfork_handlers, process_initialised;
	uint64_t threads;           /* address of a pointer to the first thread's record; offsets in it: */
	uint32_t thread_size_bytes; /* all that follows lies inside */
	uint32_t thread_next, thread_generation, thread_state, thread_tid, thread_owner_tid, thread_name;
	uint32_t thread_stack_low, thread_stack_high, thread_start_routine;
	uint32_t thread_created_pcs, thread_created_exact, thread_created_count, thread_created_flags;
	/* address of what it noted of its fork; a byte, 1: it was about to fork, or made this process */
	uint32_t thread_note, thread_fork_counted;
	uint32_t thread_holds, thread_hold_count; /* address and number of what it held, wanted, waited for */
	/* offsets in one of those */
	uint32_t hold_size_bytes, hold_lock, hold_state, hold_kind, hold_call, hold_former_tid;
	uint32_t hold_stack, hold_bp, hold_pcs;
	uint32_t hold_frames; /* addresses at hold_pcs, 0 behind the last */
	/* offsets in a cached stack; slots are 16 bits, in words of 8 bytes above the stack pointer */
	uint32_t cached_sp, cached_pcs, cached_slots, cached_state;
	uint32_t cached_more_pcs, cached_more_slots, cached_more_count;
	uint32_t process_rings_ns; /* offset in the process's state */
	/* offsets in what the process handed to threads that vanished; the ticket is 64 bits wide: the
	 * generation that it belongs to, times two */
	uint32_t handover_ticket, handover_object, handover_kind, handover_call, handover_tid;
	uint32_t handover_waiting_count, handover_calls;
	uint32_t handover_pcs, handover_exact_mask, handover_count, handover_flags; /* of its stack */
	uint32_t handover_waiter; /* address of the record of a thread that slept on it, or used to */
	uint64_t handover;        /* its address */
};
/* At process_rings_ns, where it is no time: what is known of the process's alarm. */
#define TRACE_RINGS_NOT_KNOWN UINT64_C(0)
#define TRACE_RINGS_NEVER     UINT64_C(1)
#define TRACE_RINGS_FOR_EVER  UINT64_MAX /* again and again */

static_assert(sizeof(struct trace_descriptor) == 312, "trace_descriptor");

#endif
