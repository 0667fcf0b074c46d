/* The stack of a held entry: where it is kept, and how an entry is finished whose stack the cache does not
 * have. */
#include "call_stack_plain.h"
#include "thread_record_push.h"

void thread_record_site(const struct held_entry *entry, struct call_site *ret_site)
{
	uint64_t stack = entry->stack;
	if (stack & THREAD_STACK_OWN) {
		*ret_site = (struct call_site){.outer_slot = stack & ~(uint64_t)THREAD_STACK_OWN,
		                               .outer_bp = entry->bp};
		for (unsigned i = 0; i < CALL_SITE_FRAMES_MAX && entry->pc[i]; i++)
			ret_site->pc[i] = entry->pc[i];
		return;
	}
	call_stack_read_entry((const struct call_stack_cache_entry *)(uintptr_t)stack, entry->bp, ret_site);
}

static void keep(struct held_entry *entry, const struct call_site *site)
{
	__builtin_memcpy(entry->pc, site->pc, sizeof entry->pc);
	entry->bp = site->outer_bp;
	/* Last: a fork in between still finds the cache's entry as it was. */
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)&entry->stack = site->outer_slot | THREAD_STACK_OWN;
}

/* The cache's entry is about to change: who refers to it gets a copy. False: it may not change now. With many
 * locks held it may from time to time only, so that on average RELEASE_SCAN_MAX of them are looked at. */
static bool release_cache_entry(struct thread_record *record, const struct call_stack_cache_entry *changing)
{
	enum { RELEASE_SCAN_MAX = 16 };
	uint64_t cached = (uint64_t)(uintptr_t)changing;
	uint32_t count = atomic_load(&record->held_count);
	if (++record->unreleased * RELEASE_SCAN_MAX < count)
		return false;
	record->unreleased = 0;
	/* One above the count is the lock that was just let go, if a signal handler is in between. */
	for (uint32_t i = 0; i <= count && i < record->held_capacity; i++) {
		struct held_entry *entry = &record->held[i];
		/* In any state: an entry that is just being written is marked last. */
		if (entry->stack != cached)
			continue;
		struct call_site site;
		thread_record_site(entry, &site);
		keep(entry, &site);
	}
	return true;
}

void thread_record_capture_site(struct thread_record *record, const struct call_registers *regs,
                                struct call_site *ret_site)
{
	bool may_store =
	    release_cache_entry(record, call_stack_cache_entry_for(&record->cache, regs->pc, regs->sp));
	call_stack_capture(&record->cache, &record->bounds, regs, may_store, ret_site);
}

/* False as soon as the function that made the call is known to release locks, too. */
static __attribute__((noinline)) bool learn_wrapper(struct thread_record *record, uint64_t pc)
{
	uint64_t released_pc = record->released_pc;
	if (!(unwind_rules_find(pc - 1) & UNWIND_RULE_GLUE))
		return false;
	if (released_pc - pc + EH_FRAME_SMALL_SIZE_BYTES <= 2 * EH_FRAME_SMALL_SIZE_BYTES) {
		enum { COMPARED = sizeof record->compared / sizeof record->compared[0] };
		uint64_t pair = pc << 16 ^ released_pc;
		uint64_t *compared = &record->compared[(pc ^ pc >> 4 ^ released_pc) % COMPARED];
		if (*compared != pair && unwind_rules_learn_release(pc, released_pc))
			return false;
		*compared = pair;
	}
	record->wrapper_pc = pc;
	record->wrapper_released_pc = released_pc;
	return true;
}

static inline bool is_known_wrapper(const struct thread_record *record, uint64_t pc)
{
	return record->wrapper_pc == pc && record->wrapper_released_pc == record->released_pc;
}

/* True if the function that made the call may be no more than a wrapper of a lock, for all that is known. */
static inline bool may_be_wrapper(struct thread_record *record, uint64_t pc)
{
	return is_known_wrapper(record, pc) || learn_wrapper(record, pc);
}

static void capture_own(struct thread_record *record, struct held_entry *entry,
                        const struct call_registers *regs)
{
	struct call_site site;
	entry->stack = THREAD_STACK_OWN;
	thread_record_capture_site(record, regs, &site);
	keep(entry, &site);
}

static inline void finish_own(struct thread_record *record, struct held_entry *entry, unsigned kind,
                              unsigned call)
{
	thread_record_mark_wanted(entry, kind, call);
	thread_record_note_use(record, entry);
}

/* Whatever the stack is like. */
void thread_record_push_any(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc,
                            uint64_t sp, uint64_t bp)
{
	const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};
	struct held_entry *entry = &record->held[atomic_load(&record->held_count) - 1];
	struct call_stack_cache_entry *hit =
	    call_stack_find_special(&record->cache, &regs, CALL_STACK_ENTRY_ANY);
	bool is_deep = hit && *(const volatile uint32_t *)&hit->state & CALL_STACK_ENTRY_DEEP;
	if (hit && (!is_deep || (call_stack_more_is_exact(hit, sp) && may_be_wrapper(record, pc))) &&
	    thread_record_refer(entry, hit, &regs)) {
		thread_record_mark_wanted(entry, kind, call);
		return;
	}
	if (is_deep && release_cache_entry(record, hit))
		*(volatile uint64_t *)&hit->sp = 0;
	capture_own(record, entry, &regs);
	if (entry->pc[CALL_SITE_FRAMES] && !may_be_wrapper(record, pc))
		capture_own(record, entry, &regs);
	finish_own(record, entry, kind, call);
}

void thread_record_push_plain(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc,
                              uint64_t sp, uint64_t bp)
{
	const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};
	struct held_entry *entry = &record->held[atomic_load(&record->held_count) - 1];
	struct call_stack_cache_entry *cached = call_stack_cache_entry_for(&record->cache, pc, sp);
	entry->stack = THREAD_STACK_OWN;
	/* Most locks are taken with no other held, and after one whose stack was its own. */
	if ((entry != record->held || entry[1].stack == (uint64_t)(uintptr_t)cached) &&
	    !release_cache_entry(record, cached))
		cached = NULL;
	uint64_t outer_slot =
	    call_stack_capture_plain(&record->cache, cached, &record->bounds, &regs, entry->pc, &entry->bp);
	if (__builtin_expect(!outer_slot, 0)) {
		thread_record_push_any(record, kind, call, pc, sp, bp);
		return;
	}
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)&entry->stack = outer_slot | THREAD_STACK_OWN;
	finish_own(record, entry, kind, call);
}

/* Through wrappers of locks that are not inlined. */
void thread_record_push_deep(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc,
                             uint64_t sp, uint64_t bp)
{
	const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};
	struct held_entry *entry = &record->held[atomic_load(&record->held_count) - 1];
	const struct call_stack_cache_entry *hit = call_stack_cache_entry_for(&record->cache, pc, sp);
	if (__builtin_expect(is_known_wrapper(record, pc) && call_stack_more_is_exact(hit, sp) &&
	                         thread_record_refer(entry, hit, &regs),
	                     1))
		thread_record_mark_wanted(entry, kind, call);
	else
		thread_record_push_any(record, kind, call, pc, sp, bp);
}

void thread_record_push_missed(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc,
                               uint64_t sp, uint64_t bp)
{
	enum thread_record_stack stack = thread_record_push_by_bp(record, kind, call, pc, sp, bp);
	if (stack != THREAD_RECORD_STACK_PUSHED)
		thread_record_push_walked(record, kind, call, pc, sp, bp, stack);
}
