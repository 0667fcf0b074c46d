#include "child_check.h"

#include <errno.h>

#include "child_window.h"
#include "deadlock_action.h"
#include "luck_check.h"
#include "luck_shared.h"
#include "module_map.h"
#include "own_memory.h"
#include "retry_loop.h"
#include "trace_writer.h"

/* libc has the kernel look up the owner of a priority-inheriting mutex, and ends the process when that finds
 * a thread of another one. It waits on, for ever or up to the time limit, where the mutex is robust. */
static bool aborts_on_stranger(const struct lock_state *state)
{
	return (state->flags & TRACE_LOCK_PRIO_INHERIT) && !(state->flags & TRACE_LOCK_ROBUST);
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
	uint32_t entry = child_window_find_entry(self, (uint64_t)(uintptr_t)suspect->lock, owner);
	if (owner == self->owner_tid || (entry == UINT32_MAX && owner != self->former_tid))
		return false;
	suspect->holder = self;
	suspect->holder_tid = owner;
	suspect->holder_entry = entry;
	suspect->fork = fork_snapshot_note_by(owner);
	bool checks_owner = lock_word_checks_owner(&suspect->state);
	bool aborts = aborts_on_stranger(&suspect->state);
	switch (use->attempt) {
	case CHILD_LOCK:
		suspect->observed = aborts         ? TRACE_ABORTS_ON_VANISHED
		                    : checks_owner ? TRACE_BLOCKS_ON_PARENT_OWNER
		                                   : TRACE_BLOCKS_ON_SELF;
		break;
	case CHILD_TRY:
		suspect->observed = suspect->state.type == TRACE_MUTEX_RECURSIVE ? TRACE_RELOCK_REFUSED : 0;
		break;
	case CHILD_UNLOCK:
	case CHILD_WAIT:
		suspect->observed = checks_owner ? observed_of_unlock(suspect) : 0;
		break;
	case CHILD_TIMED:
		suspect->observed = aborts         ? TRACE_ABORTS_ON_VANISHED
		                    : checks_owner ? TRACE_TIMED_WAIT_ON_VANISHED
		                                   : 0;
		break;
	}
	return true;
}

static enum trace_observed observed_of_vanished(const struct child_use *use)
{
	bool aborts = aborts_on_stranger(&use->suspect.state);
	switch (use->attempt) {
	case CHILD_LOCK:
		if (use->suspect.kind == TRACE_LOCK_STATIC_INIT)
			return TRACE_STATIC_INIT_LEFT_OPEN;
		return aborts ? TRACE_ABORTS_ON_VANISHED : TRACE_BLOCKS_ON_VANISHED;
	case CHILD_TIMED:
		return aborts ? TRACE_ABORTS_ON_VANISHED : TRACE_TIMED_WAIT_ON_VANISHED;
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

/* The owner of the mutex that a live thread is waiting for, by its last entry; 0 if there is none. The thread
 * may come back from the call at any time, and the mutex be gone. */
static int32_t owner_waited_for(const struct thread_record *thread)
{
	uint32_t count = atomic_load(&thread->held_count);
	const struct held_entry *entry = count ? &thread->held[count - 1] : NULL;
	if (!entry || atomic_load(&entry->state) != TRACE_HOLD_WANT || entry->kind != TRACE_LOCK_MUTEX)
		return 0;
	pthread_mutex_t mutex;
	if (!own_memory_read(entry->lock, &mutex, sizeof mutex))
		return 0;
	int32_t owner_tid = lock_word_of_mutex(&mutex).owner_tid;
	return owner_tid == thread->owner_tid ? 0 : owner_tid;
}

/* An ordinary deadlock if the owner waits, through others or not, for what this thread holds. */
static void examine_live_owner(struct child_use *use, struct thread_record *owner)
{
	enum { CHAIN_MAX = 16 };
	struct incident *suspect = &use->suspect;
	struct thread_record *thread = owner;
	for (int i = 0; i < CHAIN_MAX && thread && thread != suspect->victim; i++)
		thread = fork_snapshot_find_alive(owner_waited_for(thread));
	if (thread != suspect->victim || use->attempt != CHILD_LOCK)
		return;
	suspect->observed = TRACE_BLOCKS_IN_CYCLE;
	suspect->holder = owner;
	suspect->holder_tid = owner->tid;
	suspect->holder_entry =
	    child_window_find_entry(owner, (uint64_t)(uintptr_t)suspect->lock, owner->owner_tid);
}

/* The lock names its owner: it is a live thread, a vanished one, one that had ended, or nobody known. Live
 * ones first: an id may have been given again. */
static void examine_owner(struct child_use *use)
{
	int32_t owner = use->suspect.state.owner_tid;
	uint64_t lock = (uint64_t)(uintptr_t)use->suspect.lock;
	struct thread_record *live = fork_snapshot_find_alive(owner);
	if (live) {
		examine_live_owner(use, live);
		return;
	}
	struct thread_record *unnamed = NULL;
	for (struct thread_record *thread = thread_record_first(); thread; thread = thread->next) {
		if (thread == use->suspect.victim || atomic_load(&thread->state) == THREAD_FREE)
			continue;
		uint32_t entry = child_window_find_entry(thread, lock, owner);
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

/* One candidate is the holder; of several the holder is not known, but each of several readers is one. */
static void examine_unnamed(struct child_use *use)
{
	struct incident *suspect = &use->suspect;
	struct child_window window;
	if (!child_window_settle(use, &window))
		return;
	blame(use, window.candidate, window.entry);
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
		suspect->fork = fork_snapshot_last_note();
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
	if (retry_loop_is_private(suspect))
		suspect->proof |= TRACE_PROOF_PRIVATE_MAPPING;
	else if (!child_check_is_private(suspect))
		suspect->observed = 0;
}

/* Written before the call, since it may not come back. */
static bool may_not_return(enum trace_observed observed, enum child_attempt attempt)
{
	return observed && (attempt == CHILD_LOCK || attempt == CHILD_TIMED);
}

static bool may_be_tried_again(const struct child_use *use)
{
	return use->suspect.observed == TRACE_TRY_FAILED_ON_VANISHED ||
	       use->suspect.observed == TRACE_TIMED_WAIT_ON_VANISHED;
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
	if (may_be_tried_again(ret_use))
		ret_use->tried = retry_loop_enter(&ret_use->suspect);
	else
		retry_loop_leave(self);
	if (!may_not_return(ret_use->suspect.observed, attempt))
		return;
	ret_use->handle = ret_use->tried;
	incident_goes_on(ret_use->handle);
	if (!ret_use->handle.record)
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

static void note_try(const struct child_use *use, int error)
{
	if (error)
		retry_loop_failed(&use->suspect, use->handle, error);
	else
		retry_loop_leave(use->suspect.victim);
}

void child_check_after(struct child_use *use, int error)
{
	if (use->handle.record) {
		incident_returned(use->handle, error);
		if (may_be_tried_again(use))
			note_try(use, error);
		return;
	}
	if (!use->suspect.observed && error == 0 && use->attempt <= CHILD_TRY)
		luck_shared_took(&use->suspect, use->shared);
	if (!use->suspect.observed || !came_true(use, error)) {
		retry_loop_leave(use->suspect.victim);
		return;
	}
	if (use->suspect.observed == TRACE_FOREIGN_UNLOCK && error == EPERM)
		use->suspect.observed = TRACE_UNLOCK_REFUSED;
	use->handle = use->tried;
	if (!use->handle.record) {
		use->handle = incident_write(&use->suspect);
		incident_returned(use->handle, error);
	}
	if (may_be_tried_again(use))
		note_try(use, error);
}
