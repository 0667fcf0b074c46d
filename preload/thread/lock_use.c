#include "lock_use.h"

#include "call_id.h"
#include "hash.h"
#include "init_site.h"
#include "thread_record.h"
#include "wake_site.h"

static uint32_t slot_of(uint64_t lock)
{
	enum { BITS = 5 };
	static_assert(LOCK_USES_KEPT == 1 << BITS, "the hash reaches every slot");
	return hash_of_address(lock, BITS);
}

static bool excludes_others(const struct held_entry *entry)
{
	switch (entry->kind) {
	case TRACE_LOCK_MUTEX:
	case TRACE_LOCK_SPINLOCK:
		return true;
	case TRACE_LOCK_RWLOCK:
		return call_id_is_write_lock(entry->call);
	case TRACE_LOCK_SEMAPHORE:
		return wake_site_may_be_lock((const void *)(uintptr_t)entry->lock);
	default:
		return false;
	}
}

static struct lock_use *choose(struct thread_record *record, uint64_t lock)
{
	struct lock_use *first = &record->uses[slot_of(lock)], *second = &record->uses[slot_of(lock) ^ 1];
	if (first->lock == lock || (!first->lock && second->lock != lock))
		return first;
	if (second->lock == lock || !second->lock || init_site_is_before(second->epoch, first->epoch))
		return second;
	return first;
}

/* The first lock that the thread held before and that keeps others out. It is looked for among the first
 * entries only: some programs only ever take from their semaphores. */
static uint64_t lock_around(const struct thread_record *record, const struct held_entry *entry)
{
	enum { LOOKED_AT = 8 };
	for (const struct held_entry *outer = record->held; outer < entry && outer < record->held + LOOKED_AT;
	     outer++) {
		uint32_t state = atomic_load(&outer->state);
		if (state != TRACE_HOLD_NONE && state != TRACE_HOLD_WAITING && excludes_others(outer))
			return outer->lock;
	}
	return 0;
}

static void write_use(const struct thread_record *record, struct lock_use *use,
                      const struct held_entry *entry)
{
	struct call_site site;
	thread_record_site(entry, &site);
	*(volatile uint64_t *)&use->lock = 0;
	atomic_signal_fence(memory_order_seq_cst);
	use->under = lock_around(record, entry);
	__builtin_memcpy(use->pc, site.pc, sizeof use->pc);
	use->epoch = init_site_epoch();
	use->serial = record->serial;
	use->call = entry->call;
	use->kind = entry->kind;
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)&use->lock = entry->lock;
}

void lock_use_note(struct thread_record *record, const struct held_entry *entry)
{
	/* What a futex is for nobody knows: it must not drive out a lock. */
	if (entry->kind == TRACE_LOCK_FUTEX)
		return;
	struct lock_use *use = choose(record, entry->lock);
	bool is_known = use->lock == entry->lock && use->serial == record->serial &&
	                use->epoch == init_site_epoch() && !use->under;
	bool says_more = call_id_is_read_lock(use->call) && !call_id_is_read_lock(entry->call);
	if (!is_known || says_more)
		write_use(record, use, entry);
	/* A use inside of no other lock says most, and not as a reader: it stays. */
	if (!use->under && !call_id_is_read_lock(use->call))
		record->noted[lock_use_noted_slot(entry->lock)] = lock_use_noted_key(entry->lock);
}

const struct lock_use *lock_use_find(const struct thread_record *record, uint64_t lock)
{
	for (uint32_t way = 0; way < 2; way++) {
		const struct lock_use *use = &record->uses[slot_of(lock) ^ way];
		if (use->lock == lock && use->serial == record->serial)
			return use;
	}
	return NULL;
}
