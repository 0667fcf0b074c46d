#include "child_window.h"

#include "call_id.h"
#include "raw_syscall.h"
#include "trace_writer.h"
#include "wake_site.h"

static bool is_entry_for(const struct thread_record *thread, uint32_t index, uint64_t lock, int32_t tid)
{
	const struct held_entry *entry = &thread->held[index];
	return entry->lock == lock && (!tid || thread_record_owner_of(thread, entry) == tid) &&
	       atomic_load(&entry->state) != TRACE_HOLD_NONE;
}

uint32_t child_window_find_entry(const struct thread_record *thread, uint64_t lock, int32_t tid)
{
	uint32_t count = atomic_load(&thread->held_count);
	for (uint32_t i = count; i-- > 0;) {
		if (is_entry_for(thread, i, lock, tid))
			return i;
	}
	return count < thread->held_capacity && is_entry_for(thread, count, lock, tid) ? count : UINT32_MAX;
}

/* Of several candidates those count that are known to hold it. */
static void consider(struct child_window *window, struct thread_record *thread, uint32_t entry,
                     const struct lock_state *state)
{
	bool holds = atomic_load(&thread->held[entry].state) == TRACE_HOLD_HELD &&
	             !thread_record_is_popped(thread, entry);
	bool is_read = state->kind == TRACE_LOCK_RWLOCK && state->names_nobody;
	/* Readers keep a writer waiting: it is not the one who holds the lock. */
	if ((window->count > 0 && window->candidate_holds && !holds) ||
	    (is_read && call_id_is_write_lock(thread->held[entry].call)))
		return;
	if (window->count == 0 || (holds && !window->candidate_holds)) {
		window->candidate = thread;
		window->entry = entry;
		window->candidate_holds = holds;
		window->count = 0;
	}
	window->count++;
}

/* What the calling thread holds of it already. The entry of this very attempt is its last. */
static unsigned count_own(const struct child_use *use)
{
	const struct thread_record *self = use->suspect.victim;
	bool acquires = use->attempt != CHILD_UNLOCK && use->attempt != CHILD_WAIT;
	unsigned count = 0;
	for (uint32_t i = atomic_load(&self->held_count) - (acquires ? 1 : 0); (int32_t)i > 0; i--)
		count += self->held[i - 1].lock == (uint64_t)(uintptr_t)use->suspect.lock;
	return count;
}

static void scan_window(const struct child_use *use, struct child_window *ret_window)
{
	const struct incident *suspect = &use->suspect;
	*ret_window = (struct child_window){.entry = UINT32_MAX};
	if (suspect->state.names_nobody)
		ret_window->live = count_own(use);
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		uint32_t entry = child_window_find_entry(thread, (uint64_t)(uintptr_t)suspect->lock, 0);
		if (thread == suspect->victim || entry == UINT32_MAX)
			continue;
		if (fork_snapshot_is_alive(thread))
			ret_window->live += !thread_record_is_popped(thread, entry);
		else if (atomic_load(&thread->state) == THREAD_ALIVE)
			consider(ret_window, thread, entry, &suspect->state);
		else
			ret_window->ended |= atomic_load(&thread->state) == THREAD_ENDED;
	}
}

/* A lock that counts its holders is held by others than the child's threads only where there are more than
 * those. Of any other lock a live thread may be the holder. */
static bool may_be_a_live_thread_s(const struct lock_state *state, const struct child_window *window)
{
	bool counts = state->names_nobody && state->kind == TRACE_LOCK_RWLOCK;
	return counts ? state->holders <= window->live : window->live > 0;
}

/* A semaphore is a lock where who took it posts it. Where others did, or where nothing is known of it, a
 * thread that took it does not owe a post. */
static bool is_used_as_lock(const struct incident *suspect)
{
	struct wake_facts facts;
	if (suspect->kind != TRACE_LOCK_SEMAPHORE)
		return true;
	if (!wake_site_find(suspect->lock, &facts) || facts.by_others)
		return false;
	return facts.by_holder || (facts.initial_value > 0 && atomic_load(&process.live_threads) == 1);
}

/* A live thread of the child may be in that window as well, but it moves on: so its lock is looked at until
 * it either changed or was seen often enough unchanged. */
static bool is_left_by_vanished(const struct child_use *use, struct child_window *ret_window)
{
	enum { LOOKS_AMONG_LIVE_THREADS = 64 };
	const struct lock_ref lock = {use->suspect.lock, use->suspect.kind, use->shared};
	int looks = atomic_load(&process.live_threads) > 1 ? LOOKS_AMONG_LIVE_THREADS : 1;
	for (int i = 0; i < looks; i++) {
		struct lock_state now = lock_word_of(&lock);
		if (!now.locked || now.owner_tid || may_be_a_live_thread_s(&now, ret_window))
			return false;
		if (looks > 1 && !trace_writer_is_sealed())
			raw_syscall0(SYS_sched_yield);
		scan_window(use, ret_window);
	}
	return true;
}

bool child_window_settle(const struct child_use *use, struct child_window *ret_window)
{
	const struct incident *suspect = &use->suspect;
	/* What it took itself it may let go, whoever else holds it. */
	if (suspect->state.names_nobody && use->attempt == CHILD_UNLOCK && count_own(use) > 0)
		return false;
	scan_window(use, ret_window);
	if (!is_left_by_vanished(use, ret_window))
		return false;
	/* Nothing tells then which of the two it was. */
	bool ambiguous = ret_window->ended && suspect->state.names_nobody;
	return ret_window->candidate && !ambiguous && is_used_as_lock(suspect);
}
