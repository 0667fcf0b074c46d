#include "luck_shared.h"

#include "arena.h"
#include "call_id.h"
#include "init_site.h"
#include "libc_check.h"
#include "module_map.h"
#include "own_memory.h"
#include "placement.h"
#include "wake_site.h"

enum {
	TOLD_MAX = 64, /* locks told of one line of children */
	JUDGED_BITS = 8,
	SHARED = 1 /* in covered[]: as a read lock, beside the address */
};

static struct {
	/* Of the locks that the forking thread held at the last fork. */
	uint64_t *covered;
	uint32_t covered_count, covered_capacity;

	uint64_t told[TOLD_MAX];
	_Atomic uint32_t told_count;
	struct {
		uint64_t lock;
		uint32_t generation;
	} judged[1 << JUDGED_BITS];
} luck PAGES_OF_ITS_OWN;

/* Conditions are no locks, nor need semaphores be; to be inside of libc is not to hold its lock. */
static bool is_lock(const struct held_entry *entry)
{
	switch (entry->kind) {
	case TRACE_LOCK_MUTEX:
	case TRACE_LOCK_RWLOCK:
	case TRACE_LOCK_SPINLOCK:
		return true;
	case TRACE_LOCK_SEMAPHORE:
		return wake_site_may_be_lock((const void *)(uintptr_t)entry->lock);
	default:
		return false;
	}
}

void luck_shared_enter(const struct thread_record *self)
{
	uint32_t count = self ? atomic_load(&self->held_count) : 0;
	luck.covered_count = 0;
	if (count > luck.covered_capacity) {
		luck.covered = arena_alloc(count * sizeof *luck.covered);
		luck.covered_capacity = luck.covered ? count : 0;
	}
	for (uint32_t i = 0; i < count && luck.covered_count < luck.covered_capacity; i++) {
		const struct held_entry *entry = &self->held[i];
		uint32_t state = atomic_load(&entry->state);
		if (state != TRACE_HOLD_NONE && state != TRACE_HOLD_WAITING && is_lock(entry))
			luck.covered[luck.covered_count++] =
			    entry->lock | (call_id_is_read_lock(entry->call) ? SHARED : 0);
	}
}

/* What the forking thread held as a reader others may have held so, too. */
static bool is_covered(uint64_t lock, bool shared)
{
	for (uint32_t i = 0; i < luck.covered_count; i++) {
		if (luck.covered[i] == lock || (shared && luck.covered[i] == (lock | SHARED)))
			return true;
	}
	return false;
}

/* Held by a vanished thread and free now: it was made anew in the child. The lock that a thread waits for or
 * was letting go looks the same; that one is let off with it. */
static bool was_made_anew(uint64_t lock)
{
	for (const struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		uint32_t count = fork_snapshot_is_vanished(thread) ? atomic_load(&thread->held_count) : 0;
		for (uint32_t i = 0; i < count; i++) {
			uint32_t state = atomic_load(&thread->held[i].state);
			if (thread->held[i].lock == lock && state != TRACE_HOLD_NONE &&
			    state != TRACE_HOLD_WAITING)
				return true;
		}
	}
	return false;
}

/* In a condition wait with it: the thread's memory of the lock is of this object. */
static bool waits_with(const struct thread_record *thread, uint64_t lock)
{
	for (uint32_t i = 0; i < atomic_load(&thread->held_count); i++) {
		if (thread->held[i].lock == lock && atomic_load(&thread->held[i].state) == TRACE_HOLD_WAITING)
			return true;
	}
	return false;
}

/* A lock at the same address may be another object, or made anew. Where its initialisation is known, that has
 * to come before the use. A variable is the same otherwise; of other memory only what the thread waits with.
 */
static bool is_same_object(const struct thread_record *thread, const struct lock_use *use)
{
	uint32_t initialised = init_site_epoch_of((const void *)(uintptr_t)use->lock);
	if (initialised)
		return !init_site_is_before(use->epoch, initialised);
	return use->kind == TRACE_LOCK_LIBC || module_map_find_data(use->lock) ||
	       waits_with(thread, use->lock);
}

/* Readers keep no reader waiting. And used only inside of a lock that the forking thread held: nobody else
 * could have it then. */
static bool could_exclude(const struct thread_record *thread, const struct lock_use *use, bool shared)
{
	if ((shared && call_id_is_read_lock(use->call)) || (use->under && is_covered(use->under, false)))
		return false;
	return is_same_object(thread, use);
}

static const struct lock_use *find_use(uint64_t lock, bool shared, struct thread_record **ret_thread)
{
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		const struct lock_use *use =
		    fork_snapshot_is_vanished(thread) ? lock_use_find(thread, lock) : NULL;
		if (!use || !could_exclude(thread, use, shared))
			continue;
		*ret_thread = thread;
		return use;
	}
	return NULL;
}

/* The lock as the trace knows it over forks: its place in a module, or where it was made. */
static uint64_t hash_of_lock(const struct incident *use, const struct fork_note *note)
{
	struct kept_stack made;
	uint64_t hash = luck_shared_hash_of_fork(TRACE_SHARED_WITH_VANISHED, note);
	if (module_map_find_data((uint64_t)(uintptr_t)use->lock) || !init_site_find(use->lock, &made))
		hash_mix(&hash, (uint64_t)(uintptr_t)use->lock);
	else
		for (uint32_t i = 0; i < made.count; i++)
			hash_mix(&hash, made.pc[i]);
	return hash;
}

/* False: as many were told as may be. */
static bool note_told(uint64_t lock)
{
	uint32_t count = atomic_load(&luck.told_count);
	do {
		if (count >= TOLD_MAX)
			return false;
	} while (!atomic_compare_exchange_weak(&luck.told_count, &count, count + 1));
	luck.told[count] = lock;
	return true;
}

static bool was_told(uint64_t lock)
{
	uint32_t count = atomic_load(&luck.told_count);
	for (uint32_t i = 0; i < count; i++) {
		if (luck.told[i] == lock)
			return true;
	}
	return false;
}

static void tell(const struct incident *taken, const struct lock_use *use, struct thread_record *thread)
{
	struct incident told = *taken;
	if (!note_told((uint64_t)(uintptr_t)taken->lock))
		return;
	told.observed = TRACE_SHARED_WITH_VANISHED;
	told.proof = TRACE_PROOF_RECORD | TRACE_PROOF_PRIVATE_MAPPING;
	told.proof |= atomic_load(&process.live_threads) == 1 ? TRACE_PROOF_ONLY_THREAD : 0;
	told.holder = thread;
	told.holder_entry = UINT32_MAX;
	told.holder_tid = thread->owner_tid;
	told.past = use;
	told.fork = fork_snapshot_note_of(thread);
	told.fault_hash = hash_of_lock(&told, told.fork);
	incident_returned(incident_write(&told), 0);
}

static void judge(const struct incident *taken, bool shared)
{
	uint64_t lock = (uint64_t)(uintptr_t)taken->lock;
	struct thread_record *thread = NULL;
	if (is_covered(lock, shared) || was_made_anew(lock))
		return;
	const struct lock_use *use = find_use(lock, shared, &thread);
	if (use && own_memory_is_private(lock))
		tell(taken, use, thread);
}

/* Functions of several families may take the lock. */
static void judge_libc(const struct incident *entered)
{
	struct thread_record *thread = NULL;
	const struct lock_use *use = NULL;
	for (enum libc_family other = 1; other < LIBC_FAMILY_LIMIT && !use; other++) {
		struct incident told = *entered;
		enum libc_family lock = libc_check_common_lock(entered->state.type, other);
		if (lock && libc_check_takes_always(lock) && libc_check_takes_always(other) &&
		    libc_check_may_stay_locked(lock))
			use = find_use((uint64_t)(uintptr_t)libc_check_lock(other), false, &thread);
		told.lock = libc_check_lock(lock);
		told.state.type = lock;
		if (use && !was_told((uint64_t)(uintptr_t)told.lock))
			tell(&told, use, thread);
	}
}

static bool is_candidate(const struct incident *use)
{
	switch (use->kind) {
	case TRACE_LOCK_MUTEX:
	case TRACE_LOCK_RWLOCK:
	case TRACE_LOCK_SPINLOCK:
		return true;
	case TRACE_LOCK_LIBC:
		return libc_check_takes_always(use->state.type);
	case TRACE_LOCK_SEMAPHORE:
		return wake_site_is_lock(use->lock);
	default:
		return false;
	}
}

void luck_shared_took(const struct incident *use, bool shared)
{
	uint64_t lock = (uint64_t)(uintptr_t)use->lock;
	uint64_t key = lock | (shared ? SHARED : 0);
	uint32_t slot = hash_of_address(key, JUDGED_BITS) ^ (shared ? 1 : 0);
	if ((luck.judged[slot].lock == key && luck.judged[slot].generation == process.generation) ||
	    !is_candidate(use))
		return;
	luck.judged[slot].lock = key;
	luck.judged[slot].generation = process.generation;
	if (atomic_load(&luck.told_count) == TOLD_MAX || was_told(lock))
		return;
	if (use->kind == TRACE_LOCK_LIBC)
		judge_libc(use);
	else
		judge(use, shared);
}
