#include "lock_use.h"

#include "arena.h"
#include "init_site.h"
#include "thread_record.h"

static uint32_t slot_of(uint64_t lock)
{
	enum { HASH_SHIFT = 59 }; /* leaves LOCK_USES_KEPT values */
	static_assert(LOCK_USES_KEPT == 1 << (64 - HASH_SHIFT), "the hash reaches every slot");
	return (uint32_t)((lock >> 3) * 0x9e3779b97f4a7c15u >> HASH_SHIFT);
}

static struct lock_use *choose(struct thread_record *record, uint64_t lock)
{
	struct lock_use *first = &record->uses[slot_of(lock)], *second = &record->uses[slot_of(lock) ^ 1];
	if (first->lock == lock || (!first->lock && second->lock != lock))
		return first;
	if (second->lock == lock || !second->lock || second->epoch < first->epoch)
		return second;
	return first;
}

static void write_use(const struct thread_record *record, struct lock_use *use,
                      const struct held_entry *entry)
{
	*(volatile uint64_t *)&use->lock = 0;
	atomic_signal_fence(memory_order_seq_cst);
	use->under = entry > record->held ? record->held[0].lock : 0;
	__builtin_memcpy(use->pc, entry->pc, sizeof use->pc);
	use->epoch = init_site_epoch();
	use->serial = record->serial;
	use->call = entry->call;
	use->kind = entry->kind;
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)&use->lock = entry->lock;
}

void lock_use_note(struct thread_record *record, const struct held_entry *entry)
{
	if (__builtin_expect(!record->uses, 0))
		record->uses = arena_alloc(LOCK_USES_KEPT * sizeof *record->uses);
	if (__builtin_expect(!record->uses, 0))
		return;
	struct lock_use *use = choose(record, entry->lock);
	bool is_known = use->lock == entry->lock && use->serial == record->serial &&
	                use->epoch == init_site_epoch() && !use->under;
	if (!is_known)
		write_use(record, use, entry);
	/* A use inside of no other lock says most: it stays. */
	if (!use->under)
		record->noted[lock_use_noted_slot(entry->lock)] = lock_use_noted_key(entry->lock);
}

const struct lock_use *lock_use_find(const struct thread_record *record, uint64_t lock)
{
	if (!record->uses)
		return NULL;
	for (uint32_t way = 0; way < 2; way++) {
		const struct lock_use *use = &record->uses[slot_of(lock) ^ way];
		if (use->lock == lock && use->serial == record->serial)
			return use;
	}
	return NULL;
}
