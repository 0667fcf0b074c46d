#include "luck_check.h"

#include "arena.h"
#include "init_site.h"
#include "module_map.h"
#include "own_memory.h"
#include "raw_syscall.h"
#include "trace_writer.h"

enum {
	SITES_MAX = 64,       /* held locks told of one child, one for each place where they were taken */
	TOLD_MAX = 64,        /* used locks told of one line of children */
	JUDGED_ENTRIES = 256, /* a power of two */
};

static struct {
	/* Of the locks that the forking thread held at the last fork. */
	uint64_t *covered;
	uint32_t covered_count, covered_capacity;

	_Atomic bool is_quiet;       /* nothing has shown yet that the child runs on */
	uint32_t scanned_generation; /* threads that vanished before were looked at in an ancestor */
	struct incident_handle held[SITES_MAX]; /* what was told of this process */
	uint32_t held_count;

	uint64_t told[TOLD_MAX];
	uint32_t told_count;
	struct {
		uint64_t lock;
		uint32_t generation;
	} judged[JUDGED_ENTRIES];
} luck;

static void mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * 0x100000001b3u;
}

/* Repeats are found by this before any stack is walked to its end. */
static void mix_fork(uint64_t *hash, const struct fork_note *note)
{
	for (uint32_t i = 0; note && i < note->stack.count; i++)
		mix(hash, note->stack.pc[i]);
}

void luck_check_enter(const struct thread_record *self)
{
	uint32_t count = self ? atomic_load(&self->held_count) : 0;
	luck.covered_count = 0;
	luck.held_count = 0;
	atomic_store(&luck.is_quiet, true);
	if (count > luck.covered_capacity) {
		luck.covered = arena_alloc(count * sizeof *luck.covered);
		luck.covered_capacity = luck.covered ? count : 0;
	}
	for (uint32_t i = 0; i < count && luck.covered_count < luck.covered_capacity; i++) {
		if (atomic_load(&self->held[i].state) != TRACE_HOLD_NONE)
			luck.covered[luck.covered_count++] = self->held[i].lock;
	}
}

static bool is_covered(uint64_t lock)
{
	for (uint32_t i = 0; i < luck.covered_count; i++) {
		if (luck.covered[i] == lock)
			return true;
	}
	return false;
}

/* --- held at the fork --- */

/* 0 for kinds that are not always locks (semaphores), or not in memory of the program. */
static size_t size_of(enum trace_lock_kind kind)
{
	switch (kind) {
	case TRACE_LOCK_MUTEX:
		return sizeof(pthread_mutex_t);
	case TRACE_LOCK_RWLOCK:
		return sizeof(pthread_rwlock_t);
	case TRACE_LOCK_SPINLOCK:
		return sizeof(pthread_spinlock_t);
	default:
		return 0;
	}
}

/* The latest entry for the lock: one above the count counts where there is none below. */
static bool is_latest(const struct thread_record *holder, uint32_t index)
{
	uint32_t latest = thread_record_find(holder, (const void *)(uintptr_t)holder->held[index].lock);
	return latest == index || (latest == UINT32_MAX && thread_record_is_popped(holder, index));
}

/* The lock's own word says that it is held, and by this very thread; where it names nobody, the record has to
 * say so. */
static bool is_held(const struct thread_record *holder, uint32_t index, struct lock_state *ret_state)
{
	const struct held_entry *entry = &holder->held[index];
	uint64_t copy[(sizeof(pthread_rwlock_t) + 7) / 8];
	size_t size_bytes = size_of(entry->kind);
	uint32_t state = atomic_load(&entry->state);
	if (!size_bytes || state == TRACE_HOLD_NONE || !is_latest(holder, index) ||
	    !own_memory_read(entry->lock, copy, size_bytes))
		return false;
	*ret_state = lock_word_of(&(struct lock_ref){.address = copy, .kind = entry->kind});
	if (!ret_state->locked)
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
	uint64_t hash = 0xcbf29ce484222325u ^ TRACE_HELD_AT_FORK;
	thread_record_site(entry, &site);
	for (unsigned i = 0; i < CALL_SITE_FRAMES; i++)
		mix(&hash, site.pc[i]);
	mix_fork(&hash, note);
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
	luck.held[luck.held_count++] = incident_write(&told);
}

static uint32_t proof_of_thread_count(void)
{
	return atomic_load(&process.live_threads) == 1 ? TRACE_PROOF_ONLY_THREAD : 0;
}

void luck_check_ran_on(struct thread_record *self, const void *lock, unsigned call,
                       const struct call_registers *regs)
{
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

bool luck_check_exec_begins(void)
{
	/* A vfork child runs on this process's memory and speaks only for itself. */
	if (!process_is_child() || luck.held_count == 0 || trace_writer_is_sealed() ||
	    (int32_t)raw_syscall0(SYS_getpid) != process.pid)
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

/* --- used before the fork --- */

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

/* A lock at the same address may be another object. A variable is not; of other memory only what is known to
 * have been initialised before the use and neither destroyed nor initialised since. */
static bool is_same_object(const struct lock_use *use)
{
	uint32_t initialised = init_site_epoch_of((const void *)(uintptr_t)use->lock);
	if (initialised)
		return use->epoch >= initialised;
	return module_map_find_data(use->lock) != NULL;
}

/* In a condition wait with it: the thread's memory of the lock is of this object, unless that was made anew.
 */
static bool waits_with(const struct thread_record *thread, uint64_t lock)
{
	if (fork_snapshot_made_anew_since(thread, (const void *)(uintptr_t)lock))
		return false;
	for (uint32_t i = 0; i < atomic_load(&thread->held_count); i++) {
		if (thread->held[i].lock == lock && atomic_load(&thread->held[i].state) == TRACE_HOLD_WAITING)
			return true;
	}
	return false;
}

static const struct lock_use *find_use(uint64_t lock, struct thread_record **ret_thread)
{
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		const struct lock_use *use =
		    fork_snapshot_is_vanished(thread) ? lock_use_find(thread, lock) : NULL;
		/* Used only inside of a lock that the forking thread held: nobody else could have it then. */
		if (!use || !(is_same_object(use) || waits_with(thread, lock)) ||
		    (use->under && is_covered(use->under)))
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
	uint64_t hash = 0xcbf29ce484222325u ^ TRACE_SHARED_WITH_VANISHED;
	if (module_map_find_data((uint64_t)(uintptr_t)use->lock) || !init_site_find(use->lock, &made))
		mix(&hash, (uint64_t)(uintptr_t)use->lock);
	else
		for (uint32_t i = 0; i < made.count; i++)
			mix(&hash, made.pc[i]);
	mix_fork(&hash, note);
	return hash;
}

static bool was_told(uint64_t lock)
{
	for (uint32_t i = 0; i < luck.told_count; i++) {
		if (luck.told[i] == lock)
			return true;
	}
	return false;
}

static void judge(const struct incident *taken)
{
	uint64_t lock = (uint64_t)(uintptr_t)taken->lock;
	struct thread_record *thread = NULL;
	if (luck.told_count == TOLD_MAX || was_told(lock) || is_covered(lock) || was_made_anew(lock))
		return;
	const struct lock_use *use = find_use(lock, &thread);
	if (!use || !own_memory_is_private(lock))
		return;
	struct incident told = *taken;
	told.observed = TRACE_SHARED_WITH_VANISHED;
	told.proof = TRACE_PROOF_RECORD | TRACE_PROOF_PRIVATE_MAPPING | proof_of_thread_count();
	told.holder = thread;
	told.holder_entry = UINT32_MAX;
	told.holder_tid = thread->owner_tid;
	told.past = use;
	told.fork = fork_snapshot_note_of(thread);
	told.fault_hash = hash_of_lock(&told, told.fork);
	luck.told[luck.told_count++] = lock;
	incident_returned(incident_write(&told), 0);
}

void luck_check_took(const struct incident *use)
{
	uint64_t lock = (uint64_t)(uintptr_t)use->lock;
	uint32_t slot = (uint32_t)((lock >> 3) * 0x9e3779b97f4a7c15u >> 56) & (JUDGED_ENTRIES - 1);
	if (luck.judged[slot].lock == lock && luck.judged[slot].generation == process.generation)
		return;
	luck.judged[slot].lock = lock;
	luck.judged[slot].generation = process.generation;
	judge(use);
}
