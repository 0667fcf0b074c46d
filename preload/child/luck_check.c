#include "luck_check.h"

#include "libc_check.h"
#include "luck_shared.h"
#include "open_wait.h"
#include "own_memory.h"
#include "placement.h"
#include "trace_writer.h"
#include "wake_site.h"

enum {
	SITES_MAX = 64, /* held locks told of one child, one for each place where they were taken */
};

static struct {
	_Atomic bool is_quiet;       /* nothing has shown yet that the child runs on */
	uint32_t scanned_generation; /* threads that vanished before were looked at in an ancestor */
	struct incident_handle held[SITES_MAX]; /* what was told of this process */
	uint64_t held_lock[SITES_MAX];
	uint32_t held_count;
} luck PAGES_OF_ITS_OWN;

void luck_check_enter(void)
{
	luck.held_count = 0;
	atomic_store(&luck.is_quiet, true);
}

/* The latest entry for the lock: one above the count counts where there is none below. */
static bool is_latest(const struct thread_record *holder, uint32_t index)
{
	uint32_t latest = thread_record_find(holder, (const void *)(uintptr_t)holder->held[index].lock);
	return latest == index || (latest == UINT32_MAX && thread_record_is_popped(holder, index));
}

/* Of libc's own locks nothing more is known than that the thread was inside. */
static bool is_inside_libc(const struct thread_record *holder, uint32_t index, struct lock_state *ret_state)
{
	enum libc_family family = libc_check_family_of(&holder->held[index]);
	if (!family || !libc_check_holds_inside(family) || thread_record_is_popped(holder, index))
		return false;
	*ret_state = (struct lock_state){.kind = TRACE_LOCK_LIBC, .type = family};
	return true;
}

/* The lock's own word says that it is held, and by this very thread; where it names nobody, the record has to
 * say so. */
static bool is_held(const struct thread_record *holder, uint32_t index, struct lock_state *ret_state)
{
	const struct held_entry *entry = &holder->held[index];
	union lock_copy copy;
	size_t size_bytes = lock_word_size_of(entry->kind);
	uint32_t state = atomic_load(&entry->state);
	if (entry->kind == TRACE_LOCK_LIBC)
		return is_inside_libc(holder, index, ret_state);
	if (!size_bytes || state == TRACE_HOLD_NONE || !is_latest(holder, index) ||
	    !own_memory_read(entry->lock, &copy, size_bytes))
		return false;
	*ret_state = lock_word_of(&(struct lock_ref){.address = &copy, .kind = entry->kind});
	if (!ret_state->locked)
		return false;
	if (entry->kind == TRACE_LOCK_SEMAPHORE && !wake_site_is_lock((const void *)(uintptr_t)entry->lock))
		return false;
	if (ret_state->owner_tid)
		return ret_state->owner_tid == thread_record_owner_of(holder, entry);
	return ret_state->names_nobody && state == TRACE_HOLD_HELD && !thread_record_is_popped(holder, index);
}

struct scan {
	struct incident suspect;
	uint64_t sites[SITES_MAX];
	uint32_t site_count;
};

static bool is_new_site(struct scan *scan, uint64_t site)
{
	for (uint32_t i = 0; i < scan->site_count; i++) {
		if (scan->sites[i] == site)
			return false;
	}
	scan->sites[scan->site_count++] = site;
	return true;
}

static uint64_t hash_of_site(const struct held_entry *entry, const struct fork_note *note)
{
	struct call_site site;
	uint64_t hash = luck_shared_hash_of_fork(TRACE_HELD_AT_FORK, note);
	thread_record_site(entry, &site);
	for (unsigned i = 0; i < CALL_SITE_FRAMES; i++)
		hash_mix(&hash, site.pc[i]);
	return hash;
}

static void examine_entry(struct scan *scan, struct thread_record *holder, uint32_t index)
{
	struct incident *suspect = &scan->suspect;
	const struct held_entry *entry = &holder->held[index];
	/* What an interrupted release left is no use to anyone, and the caller's own lock is its business. */
	if (entry->lock == (uint64_t)(uintptr_t)suspect->lock || scan->site_count == SITES_MAX ||
	    !is_held(holder, index, &suspect->state) ||
	    suspect->state.owner_tid == suspect->victim->owner_tid || !own_memory_is_private(entry->lock))
		return;
	struct incident told = *suspect;
	told.fork = fork_snapshot_note_of(holder);
	told.fault_hash = hash_of_site(entry, told.fork);
	if (!is_new_site(scan, told.fault_hash))
		return;
	told.lock = (const void *)(uintptr_t)entry->lock;
	told.kind = entry->kind;
	told.holder = holder;
	told.holder_entry = index;
	told.holder_tid = thread_record_owner_of(holder, entry);
	told.proof |= suspect->state.owner_tid ? TRACE_PROOF_OWNER_WORD : 0;
	luck.held_lock[luck.held_count] = entry->lock;
	luck.held[luck.held_count++] = incident_write(&told);
}

static uint32_t proof_of_thread_count(void)
{
	return atomic_load(&process.live_threads) == 1 ? TRACE_PROOF_ONLY_THREAD : 0;
}

void luck_check_ran_on(struct thread_record *self, const void *lock, unsigned call,
                       const struct call_registers *regs)
{
	if (process_is_child())
		open_wait_leave(self, regs->sp);
	if (!process_is_child() || !atomic_load_explicit(&luck.is_quiet, memory_order_relaxed) ||
	    process.in_handlers || !atomic_exchange(&luck.is_quiet, false))
		return;
	struct scan scan;
	scan.site_count = 0;
	scan.suspect = (struct incident){
	    .observed = TRACE_HELD_AT_FORK,
	    .proof = TRACE_PROOF_RECORD | TRACE_PROOF_PRIVATE_MAPPING | proof_of_thread_count(),
	    .lock = lock,
	    .victim = self,
	    .call = call,
	    .regs = *regs,
	};
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		if (!fork_snapshot_is_vanished(thread) || thread->generation < luck.scanned_generation)
			continue;
		/* The entry one above the count: a lock that was just being let go. */
		for (uint32_t i = 0; i <= atomic_load(&thread->held_count) && i < thread->held_capacity; i++)
			examine_entry(&scan, thread, i);
	}
	luck.scanned_generation = process.generation;
}

void luck_check_was_free(const void *lock)
{
	for (uint32_t i = 0; i < luck.held_count; i++) {
		if (luck.held_lock[i] != (uint64_t)(uintptr_t)lock)
			continue;
		incident_returned(luck.held[i], 0);
		luck.held[i] = (struct incident_handle){0};
	}
}

bool luck_check_exec_begins(void)
{
	/* A vfork child runs on this process's memory and speaks only for itself. */
	if (!process_is_child() || luck.held_count == 0 || trace_writer_is_sealed() ||
	    !fork_snapshot_is_own_process())
		return false;
	for (uint32_t i = 0; i < luck.held_count; i++)
		incident_returned(luck.held[i], 0);
	return true;
}

void luck_check_exec_failed(bool begun)
{
	for (uint32_t i = 0; i < luck.held_count && begun; i++)
		incident_goes_on(luck.held[i]);
}
