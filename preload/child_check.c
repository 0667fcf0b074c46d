#include "child_check.h"

#include <errno.h>

#include "call_id.h"
#include "deadlock_action.h"
#include "luck_check.h"
#include "luck_shared.h"
#include "module_map.h"
#include "raw_syscall.h"
#include "trace_writer.h"
#include "wake_site.h"

static bool is_alive(const struct thread_record *thread)
{
	return atomic_load(&thread->state) == THREAD_ALIVE && thread->generation == process.generation;
}

static bool is_entry_for(const struct thread_record *thread, uint32_t index, uint64_t lock, int32_t tid)
{
	const struct held_entry *entry = &thread->held[index];
	return entry->lock == lock && (!tid || thread_record_owner_of(thread, entry) == tid) &&
	       atomic_load(&entry->state) != TRACE_HOLD_NONE;
}

/* The latest entry for the lock that the thread made under the id, else the one that it was just letting go;
 * UINT32_MAX if there is none. tid 0: under any. */
static uint32_t find_entry(const struct thread_record *thread, uint64_t lock, int32_t tid)
{
	uint32_t count = atomic_load(&thread->held_count);
	for (uint32_t i = count; i-- > 0;) {
		if (is_entry_for(thread, i, lock, tid))
			return i;
	}
	return count < thread->held_capacity && is_entry_for(thread, count, lock, tid) ? count : UINT32_MAX;
}

static const struct fork_note *note_by_tid(int32_t tid)
{
	for (unsigned i = 0; i < FORK_GENERATIONS_KEPT; i++) {
		const struct fork_note *note = process.notes[i];
		if (note && note->tid == tid)
			return note;
	}
	return NULL;
}

static bool is_normal(const struct lock_state *state)
{
	return state->kind == TRACE_LOCK_MUTEX && !lock_word_checks_owner(state);
}

/* The calling thread owns it under the id that it has now. */
static void examine_own(struct child_use *use)
{
	struct incident *suspect = &use->suspect;
	if (use->attempt != CHILD_LOCK || !is_normal(&suspect->state))
		return;
	struct thread_record *self = suspect->victim;
	/* The last entry is the one of this very attempt. */
	uint32_t entry = atomic_load(&self->held_count) - 1;
	while (entry-- > 0 && self->held[entry].lock != (uint64_t)(uintptr_t)suspect->lock)
		;
	suspect->holder = self;
	suspect->holder_tid = self->tid;
	suspect->holder_entry = entry; /* UINT32_MAX after the first */
	suspect->observed = TRACE_BLOCKS_ON_SELF;
}

/* The unlock of a rwlock that is written by another takes it for that of a reader, and returns 0. */
static enum trace_observed observed_of_unlock(const struct incident *suspect)
{
	return suspect->kind == TRACE_LOCK_RWLOCK ? TRACE_UNLOCK_WITHOUT_EFFECT : TRACE_UNLOCK_REFUSED;
}

/* It owns it under the id that it had before a fork. */
static bool examine_inherited(struct child_use *use)
{
	struct incident *suspect = &use->suspect;
	struct thread_record *self = suspect->victim;
	int32_t owner = suspect->state.owner_tid;
	uint32_t entry = find_entry(self, (uint64_t)(uintptr_t)suspect->lock, owner);
	if (owner == self->owner_tid || (entry == UINT32_MAX && owner != self->former_tid))
		return false;
	suspect->holder = self;
	suspect->holder_tid = owner;
	suspect->holder_entry = entry;
	suspect->fork = note_by_tid(owner);
	bool checks_owner = lock_word_checks_owner(&suspect->state);
	switch (use->attempt) {
	case CHILD_LOCK:
		suspect->observed = checks_owner ? TRACE_BLOCKS_ON_PARENT_OWNER : TRACE_BLOCKS_ON_SELF;
		break;
	case CHILD_TRY:
		suspect->observed = suspect->state.type == TRACE_MUTEX_RECURSIVE ? TRACE_RELOCK_REFUSED : 0;
		break;
	case CHILD_UNLOCK:
	case CHILD_WAIT:
		suspect->observed = checks_owner ? observed_of_unlock(suspect) : 0;
		break;
	case CHILD_TIMED:
		suspect->observed = checks_owner ? TRACE_TIMED_WAIT_ON_VANISHED : 0;
		break;
	}
	return true;
}

/* libc has the kernel look up the owner of a priority-inheriting mutex, and ends the process when that finds
 * a thread of another one. */
static enum trace_observed observed_of_vanished(const struct child_use *use)
{
	bool inherits = use->suspect.state.flags & TRACE_LOCK_PRIO_INHERIT;
	switch (use->attempt) {
	case CHILD_LOCK:
		if (use->suspect.kind == TRACE_LOCK_STATIC_INIT)
			return TRACE_STATIC_INIT_LEFT_OPEN;
		return inherits ? TRACE_ABORTS_ON_VANISHED : TRACE_BLOCKS_ON_VANISHED;
	case CHILD_TIMED:
		return inherits ? TRACE_ABORTS_ON_VANISHED : TRACE_TIMED_WAIT_ON_VANISHED;
	case CHILD_TRY:
		return TRACE_TRY_FAILED_ON_VANISHED;
	case CHILD_UNLOCK:
	case CHILD_WAIT:
		break;
	}
	return use->suspect.kind == TRACE_LOCK_RWLOCK && use->suspect.state.owner_tid
	           ? TRACE_UNLOCK_WITHOUT_EFFECT
	           : TRACE_FOREIGN_UNLOCK;
}

static void blame(struct child_use *use, struct thread_record *holder, uint32_t entry)
{
	struct incident *suspect = &use->suspect;
	suspect->holder = holder;
	suspect->holder_entry = entry;
	suspect->holder_tid =
	    entry != UINT32_MAX ? thread_record_owner_of(holder, &holder->held[entry]) : holder->owner_tid;
	suspect->proof |= entry != UINT32_MAX ? TRACE_PROOF_RECORD : 0;
	if (fork_snapshot_is_vanished(holder)) {
		suspect->fork = fork_snapshot_note_of(holder);
		suspect->observed = observed_of_vanished(use);
	} else if (use->attempt == CHILD_LOCK) {
		suspect->observed = TRACE_BLOCKS_ON_ENDED_THREAD;
	}
}

static struct thread_record *find_live(int32_t owner_tid)
{
	struct thread_record *thread = thread_record_first();
	while (thread && !(is_alive(thread) && thread->owner_tid == owner_tid))
		thread = thread->next;
	return thread;
}

/* The mutex that a live thread is waiting for: its last entry, if another owns it. The thread is inside a
 * call on the mutex, so its memory is there. */
static int32_t owner_waited_for(const struct thread_record *thread)
{
	uint32_t count = atomic_load(&thread->held_count);
	const struct held_entry *entry = count ? &thread->held[count - 1] : NULL;
	if (!entry || atomic_load(&entry->state) != TRACE_HOLD_WANT || entry->kind != TRACE_LOCK_MUTEX)
		return 0;
	int32_t owner_tid = lock_word_of_mutex((const pthread_mutex_t *)(uintptr_t)entry->lock).owner_tid;
	return owner_tid == thread->owner_tid ? 0 : owner_tid;
}

/* An ordinary deadlock if the owner waits, through others or not, for what this thread holds. */
static void examine_live_owner(struct child_use *use, struct thread_record *owner)
{
	enum { CHAIN_MAX = 16 };
	struct incident *suspect = &use->suspect;
	struct thread_record *thread = owner;
	for (int i = 0; i < CHAIN_MAX && thread && thread != suspect->victim; i++)
		thread = find_live(owner_waited_for(thread));
	if (thread != suspect->victim || use->attempt != CHILD_LOCK)
		return;
	suspect->observed = TRACE_BLOCKS_IN_CYCLE;
	suspect->holder = owner;
	suspect->holder_tid = owner->tid;
	suspect->holder_entry = find_entry(owner, (uint64_t)(uintptr_t)suspect->lock, owner->owner_tid);
}

/* The lock names its owner: it is a live thread, a vanished one, one that had ended, or nobody known. Live
 * ones first: an id may have been given again. */
static void examine_owner(struct child_use *use)
{
	int32_t owner = use->suspect.state.owner_tid;
	uint64_t lock = (uint64_t)(uintptr_t)use->suspect.lock;
	struct thread_record *live = find_live(owner);
	if (live) {
		examine_live_owner(use, live);
		return;
	}
	struct thread_record *unnamed = NULL;
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		if (thread == use->suspect.victim || atomic_load(&thread->state) == THREAD_FREE)
			continue;
		uint32_t entry = find_entry(thread, lock, owner);
		if (entry != UINT32_MAX) {
			blame(use, thread, entry);
			return;
		}
		if (fork_snapshot_is_vanished(thread) &&
		    (thread->owner_tid == owner || thread->former_tid == owner))
			unnamed = thread;
	}
	if (unnamed)
		blame(use, unnamed, UINT32_MAX);
}

/* Who had to do with a lock that names no owner. */
struct window {
	struct thread_record *candidate;
	uint32_t entry;
	bool candidate_holds; /* its entry says so; else it was coming or going */
	unsigned count;       /* of equally good candidates */
	unsigned live;        /* entries of the child's threads */
	bool ended;           /* a thread that had ended has an entry, too */
};

/* Of several candidates those count that are known to hold it. */
static void consider(struct window *window, struct thread_record *thread, uint32_t entry,
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

static void scan_window(const struct child_use *use, struct window *ret_window)
{
	const struct incident *suspect = &use->suspect;
	*ret_window = (struct window){.entry = UINT32_MAX};
	if (suspect->state.names_nobody)
		ret_window->live = count_own(use);
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		uint32_t entry = find_entry(thread, (uint64_t)(uintptr_t)suspect->lock, 0);
		if (thread == suspect->victim || entry == UINT32_MAX)
			continue;
		if (is_alive(thread))
			ret_window->live += !thread_record_is_popped(thread, entry);
		else if (atomic_load(&thread->state) == THREAD_ALIVE)
			consider(ret_window, thread, entry, &suspect->state);
		else
			ret_window->ended |= atomic_load(&thread->state) == THREAD_ENDED;
	}
}

/* A lock that counts its holders is held by others than the child's threads only where there are more than
 * those. Of any other lock a live thread may be the holder. */
static bool may_be_a_live_thread_s(const struct lock_state *state, const struct window *window)
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

/* Locked, and no owner in it. A mutex at the fork: somebody was just coming or going, and stays so for ever.
 * One candidate is the holder; of several the holder is not known. A live thread of the child may be in that
 * window as well, but it moves on: so its lock is looked at until it either changed or was seen often enough
 * unchanged. */
static void examine_unnamed(struct child_use *use)
{
	enum { LOOKS_AMONG_LIVE_THREADS = 64 };
	struct incident *suspect = &use->suspect;
	const struct lock_ref lock = {suspect->lock, suspect->kind, use->shared};
	struct window window;
	/* What it took itself it may let go, whoever else holds it. */
	if (suspect->state.names_nobody && use->attempt == CHILD_UNLOCK && count_own(use) > 0)
		return;
	scan_window(use, &window);
	int looks = atomic_load(&process.live_threads) > 1 ? LOOKS_AMONG_LIVE_THREADS : 1;
	for (int i = 0; i < looks; i++) {
		struct lock_state now = lock_word_of(&lock);
		if (!now.locked || now.owner_tid || may_be_a_live_thread_s(&now, &window))
			return;
		if (looks > 1 && !trace_writer_is_sealed())
			raw_syscall0(SYS_sched_yield);
		scan_window(use, &window);
	}
	/* Nothing tells then which of the two it was. */
	bool ambiguous = window.ended && suspect->state.names_nobody;
	if (!window.candidate || ambiguous || !is_used_as_lock(suspect))
		return;
	blame(use, window.candidate, window.entry);
	/* Each of several readers is a holder. */
	if (window.count > 1 && !(window.candidate_holds && suspect->state.holders > 1)) {
		suspect->holder = NULL;
		suspect->holder_entry = UINT32_MAX;
		suspect->holder_tid = 0;
		suspect->proof &= ~(uint32_t)TRACE_PROOF_RECORD;
	}
}

/* In memory that the parent shares the holder lives on. Only the mapping tells: the attribute alone does not
 * (robust mutexes always carry it), so it decides only where /proc cannot be read. */
bool child_check_is_private(struct incident *suspect)
{
	enum mapping_sharing sharing = trace_writer_is_sealed()
	                                   ? MAPPING_UNKNOWN
	                                   : module_map_sharing((uint64_t)(uintptr_t)suspect->lock);
	if (sharing == MAPPING_PRIVATE)
		suspect->proof |= TRACE_PROOF_PRIVATE_MAPPING;
	bool pshared =
	    (suspect->state.flags & TRACE_LOCK_PSHARED) && !(suspect->state.flags & TRACE_LOCK_ROBUST);
	return sharing == MAPPING_PRIVATE || (sharing == MAPPING_UNKNOWN && !pshared);
}

/* What is an ordinary deadlock elsewhere is the fork's inside of it. */
static void blame_handlers(struct incident *suspect)
{
	if (!fork_snapshot_in_handlers(suspect->victim) ||
	    (suspect->observed != TRACE_BLOCKS_ON_SELF && suspect->observed != TRACE_BLOCKS_IN_CYCLE))
		return;
	suspect->observed = TRACE_BLOCKS_IN_ATFORK_HANDLER;
	if (suspect->victim->fork_noted)
		suspect->fork = suspect->victim->note;
	else if (!suspect->fork)
		suspect->fork = process.notes[(process.generation - 1) % FORK_GENERATIONS_KEPT];
}

static void examine(struct child_use *use)
{
	struct incident *suspect = &use->suspect;
	if (!suspect->state.locked)
		return;
	if (suspect->state.owner_tid == suspect->victim->owner_tid)
		examine_own(use);
	else if (suspect->state.owner_tid == 0)
		examine_unnamed(use);
	else if (!examine_inherited(use))
		examine_owner(use);
	if (!suspect->observed)
		return;
	blame_handlers(suspect);
	if (suspect->state.owner_tid != 0)
		suspect->proof |= TRACE_PROOF_OWNER_WORD;
	if (atomic_load(&process.live_threads) == 1)
		suspect->proof |= TRACE_PROOF_ONLY_THREAD;
	if (!child_check_is_private(suspect))
		suspect->observed = 0;
}

/* Written before the call, since it may not come back. */
static bool may_not_return(enum trace_observed observed, enum child_attempt attempt)
{
	return observed && (attempt == CHILD_LOCK || attempt == CHILD_TIMED);
}

void child_check_before(struct child_use *ret_use, struct thread_record *self, const struct lock_ref *lock,
                        unsigned call, enum child_attempt attempt, const struct call_registers *regs)
{
	*ret_use = (struct child_use){
	    .attempt = attempt,
	    .shared = lock->shared,
	    .suspect =
	        {
	            .lock = lock->address,
	            .kind = lock->kind,
	            .state = lock_word_of(lock),
	            .victim = self,
	            .call = call,
	            .regs = *regs,
	            .holder_entry = UINT32_MAX,
	        },
	};
	luck_check_ran_on(self, lock->address, call, regs);
	if (process_is_child())
		examine(ret_use);
	if (!may_not_return(ret_use->suspect.observed, attempt))
		return;
	ret_use->handle = incident_write(&ret_use->suspect);
	if (attempt == CHILD_LOCK)
		deadlock_action(&ret_use->suspect);
}

/* Whether the outcome of a call that does not block is the fault that was suspected. */
static bool came_true(const struct child_use *use, int error)
{
	switch (use->suspect.observed) {
	case TRACE_TRY_FAILED_ON_VANISHED:
	case TRACE_RELOCK_REFUSED:
		return error == EBUSY;
	case TRACE_UNLOCK_REFUSED:
		return error == EPERM;
	case TRACE_UNLOCK_WITHOUT_EFFECT:
		return error == 0;
	case TRACE_FOREIGN_UNLOCK:
		return error == 0 || error == EPERM || error == ETIMEDOUT;
	default:
		return false;
	}
}

void child_check_after(struct child_use *use, int error)
{
	if (use->handle.record) {
		incident_returned(use->handle, error);
		return;
	}
	if (!use->suspect.observed && error == 0 && use->attempt <= CHILD_TRY)
		luck_shared_took(&use->suspect, use->shared);
	if (!use->suspect.observed || !came_true(use, error))
		return;
	if (use->suspect.observed == TRACE_FOREIGN_UNLOCK && error == EPERM)
		use->suspect.observed = TRACE_UNLOCK_REFUSED;
	incident_returned(incident_write(&use->suspect), error);
}
