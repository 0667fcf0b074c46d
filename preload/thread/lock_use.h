/* Which locks a thread has used lately, and from where: the evidence for "this run got by on luck".
 *
 * Filled only where a call's stack was not in the thread's cache, which is the first acquisition at each call
 * site and stack depth, and again whenever another site has taken its place: the hot path pays nothing. Of
 * condition variables each wait is. So it is a sample. Of a site that takes many locks one after the other,
 * it knows one.
 *
 * Written by its own thread, read in a forked child. Async-signal-safe. */
#ifndef AFTERFORK_PRELOAD_LOCK_USE_H
#define AFTERFORK_PRELOAD_LOCK_USE_H

#include <assert.h>
#include <stdint.h>

#include "call_stack.h"
#include "init_site_epoch.h"

enum { LOCK_USES_NOTED = 8 }; /* of each thread: known to be kept; a power of two */
enum { LOCK_USES_KEPT = 32 }; /* of each thread; a power of two */

struct lock_use {
	uint64_t lock;  /* 0: empty; written last */
	uint64_t under; /* the first lock that the thread held then, not as a reader; 0: none */
	uint64_t pc[CALL_SITE_FRAMES];
	uint32_t epoch;  /* init_site_epoch() then */
	uint32_t serial; /* of the thread: another one means that the record's thread had ended */
	uint16_t call;
	uint8_t kind; /* enum trace_lock_kind */
};
static_assert(sizeof(struct lock_use) <= 64, "one cache line");

struct thread_record;
struct held_entry;

/* thread_record.noted[]: a filter in front of lock_use_note(), since some call sites miss the cache each
 * time. What it lets pass unnoted may have been displaced since. */
static inline uint32_t lock_use_noted_slot(uint64_t lock)
{
	return (uint32_t)(lock >> 3 ^ lock >> 6) & (LOCK_USES_NOTED - 1);
}
static inline uint64_t lock_use_noted_key(uint64_t lock)
{
	enum { EPOCH_SHIFT = 48 }; /* above user addresses */
	return lock ^ (uint64_t)init_site_epoch() << EPOCH_SHIFT;
}

/* Notes the acquisition that the entry stands for. */
void lock_use_note(struct thread_record *record, const struct held_entry *entry);
/* NULL: the record's present thread is not known to have used it. */
const struct lock_use *lock_use_find(const struct thread_record *record, uint64_t lock);

#endif
