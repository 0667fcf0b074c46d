#include "suspect_lock.h"

#include "proc_libc.h"
#include "proc_lock.h"
#include "proc_memory.h"
#include "proc_signals.h"
#include "proc_tree.h"
#include "signal_classes.h"
#include "stuck_process.h"
#include "trace_format.h"

enum {
	LOCK_SIZE_BYTES = 64,     /* no lock of glibc is larger; all of its futex words lie inside */
	THREAD_SIZE_BYTES = 4096, /* what a pthread_t points to: joining waits for a word in there */
	CIRCLE_MAX = 16,
};

/* Only the owner recorded could let go, and says so in the lock. For all other kinds the whole process has to
 * be looked at. */
bool suspect_lock_has_owner(const struct pending_incident *incident)
{
	return incident->observed == TRACE_BLOCKS_IN_ATFORK_HANDLER ||
	       incident->lock_kind == TRACE_LOCK_MUTEX ||
	       (incident->lock_kind == TRACE_LOCK_RWLOCK && (incident->proof & TRACE_PROOF_OWNER_WORD));
}

/* The lock word is asked last: a lock that was made anew, or let go, ends the suspicion. */
bool suspect_lock_owner_is_vanished(const struct pending_incident *incident)
{
	pid_t owner;

	switch (proc_lock_read(incident->pid, incident->lock_kind, incident->lock_address, &owner)) {
	case PROC_LOCK_TAKEN:
		return !(incident->proof & TRACE_PROOF_OWNER_WORD);
	case PROC_LOCK_OWNED_BY_OTHER:
		return owner == incident->holder_tid;
	default:
		return false;
	}
}

/* A handler may post, signal or wake. No handler lets go a lock of libc, finishes an initialisation, or lets
 * go what a vanished thread is known to hold, but it may leave the wait: see suspect_signal.h. Of what waits
 * for a pool's answer who asks the program to end is no help either: Python always catches SIGINT. */
bool suspect_lock_handler_could_help(const struct pending_incident *incident)
{
	uint64_t caught;

	if (incident->lock_kind == TRACE_LOCK_LIBC || incident->lock_kind == TRACE_LOCK_STATIC_INIT ||
	    incident->observed == TRACE_BLOCKS_ON_VANISHED)
		return false;
	if (!proc_signals_caught_asleep(incident->pid, &caught))
		return true;
	if (incident->observed == TRACE_WAITS_FOR_HANDED_WORK)
		caught &= ~SIGNALS_IN_VAIN(incident->lock_kind == TRACE_LOCK_SEMAPHORE);
	return caught;
}

/* For the kinds that name no owner: what their memory says, where it says anything. */
bool suspect_lock_is_let_go(const struct pending_incident *incident)
{
	pid_t owner;

	return proc_lock_read(incident->pid, incident->lock_kind, incident->lock_address, &owner) ==
	       PROC_LOCK_FREE;
}

/* For a robust priority-inheriting mutex whose owner the kernel does not know, glibc waits on a word of its
 * own stack that nobody knows of (nptl/pthread_mutex_lock.c, "Delay the thread indefinitely"). */
static bool is_delayed(const struct pending_incident *incident, const struct proc_wait *wait)
{
	enum { FRAME_SIZE_BYTES = 1024 };
	const uint32_t flags = TRACE_LOCK_PRIO_INHERIT | TRACE_LOCK_ROBUST;

	return incident->lock_kind == TRACE_LOCK_MUTEX && (incident->lock_flags & flags) == flags &&
	       wait->address - wait->stack < FRAME_SIZE_BYTES;
}

bool suspect_lock_is_waited_for(const struct suspect *suspect, const struct proc_wait *wait)
{
	const struct pending_incident *incident = &suspect->incident;
	uint64_t size_bytes = incident->lock_kind == TRACE_LOCK_THREAD ? THREAD_SIZE_BYTES : LOCK_SIZE_BYTES;

	if (suspect->from_outside)
		return true;
	/* Where a lock inside libc is nobody knows, but that the word is libc's own data can be seen. There a
	 * thread of the process could let go what another one waits for, so only one that is alone proves
	 * anything. */
	if (incident->lock_kind == TRACE_LOCK_LIBC)
		return proc_tree_has_one_thread(incident->pid) &&
		       proc_libc_owns(incident->pid, wait->address);
	return wait->address - incident->lock_address < size_bytes || is_delayed(incident, wait);
}

/* Who has it now: whom the lock names, or else whom the library's record does. 0: not the one it was. */
static pid_t holder_of_lock(const struct pending_incident *incident)
{
	pid_t owner;

	switch (proc_lock_read(incident->pid, incident->lock_kind, incident->lock_address, &owner)) {
	case PROC_LOCK_OWNED_BY_LIVE:
	case PROC_LOCK_OWNED_BY_OTHER:
		return owner == incident->tid || owner == incident->holder_tid ? owner : 0;
	case PROC_LOCK_TAKEN:
		return incident->proof & TRACE_PROOF_OWNER_WORD ? 0 : incident->holder_tid;
	default:
		return 0;
	}
}

/* Of the mutex for which the thread sleeps without a time limit; 0: it does something else. */
static pid_t owner_waited_for(pid_t pid, pid_t tid)
{
	struct proc_mutex mutex;
	struct proc_wait wait;

	proc_wait_read(pid, tid, &wait);
	if (wait.state != PROC_WAIT_FUTEX || !proc_memory_read(pid, wait.address, &mutex, sizeof(mutex)) ||
	    mutex.lock == 0 || mutex.owner < 0)
		return 0;
	return mutex.owner;
}

/* Inside of fork the holder may be the waiting thread itself, under its id of now or before the fork, or a
 * thread that waits, through others or not, for what that one holds. */
bool suspect_lock_holder_waits_for_victim(const struct pending_incident *incident)
{
	pid_t holder = holder_of_lock(incident);

	for (int i = 0; i < CIRCLE_MAX && holder; i++) {
		if (holder == incident->tid || !proc_tree_has_thread(incident->pid, holder))
			return true;
		holder = owner_waited_for(incident->pid, holder);
	}
	return false;
}

static bool thread_waits_in_shared_memory(pid_t pid)
{
	struct proc_list threads;
	struct proc_wait wait;

	proc_tree_threads(pid, &threads);
	bool waits = threads.count == 0;
	for (size_t i = 0; i < threads.count && !waits; i++) {
		proc_wait_read(pid, threads.pids[i], &wait);
		waits = wait.state == PROC_WAIT_FUTEX && !proc_memory_is_private(pid, wait.address);
	}
	proc_list_release(&threads);
	return waits;
}

bool suspect_lock_others_could_help(const struct pending_incident *incident)
{
	switch (incident->observed) {
	case TRACE_WAITS_IN_ATFORK_HANDLER:
		return thread_waits_in_shared_memory(incident->pid) ||
		       stuck_process_has_other_in_memory(incident->pid);
	case TRACE_WAITS_FOR_VANISHED:
	case TRACE_WAITS_FOR_HANDED_WORK:
		return stuck_process_has_other_in_memory(incident->pid);
	default:
		return false;
	}
}

bool suspect_lock_is_in_endless_loop(const struct pending_incident *incident)
{
	return incident->observed == TRACE_SPINS_ON_VANISHED;
}

bool suspect_lock_may_spin(const struct pending_incident *incident)
{
	return suspect_lock_is_in_endless_loop(incident) || incident->lock_kind == TRACE_LOCK_SPINLOCK ||
	       incident->lock_kind == TRACE_LOCK_RWLOCK;
}
