#include "supervisor_suspect.h"

#include <stdio.h>
#include <unistd.h>

#include "proc_libc.h"
#include "proc_memory.h"
#include "proc_stat.h"
#include "proc_tree.h"
#include "trace_format.h"

#define MS UINT64_C(1000000)

enum {
	LOCK_SIZE_BYTES = 64, /* no lock of glibc is larger; all of its futex words lie inside */
	POLL_MS = 50,
	POLL_LATER_MS = 1000, /* where nothing happened for POLL_OFTEN_MS */
	POLL_OFTEN_MS = 2000,
	SPAN_ALONE_MS = 50,
	/* Another thread of the process could still release a lock that it does not own. */
	SPAN_AMONG_OTHERS_MS = 1000,
	START_SLACK_MS = 20, /* start times come in ticks of 10 ms */
};

/* The head of a pthread_mutex_t of glibc. */
struct mutex_head {
	int32_t lock;
	uint32_t count;
	int32_t owner;
	uint32_t users;
	int32_t kind;
};

enum {
	CIRCLE_MAX = 16,
	MUTEX_WAITED_FOR = 2,     /* `lock` while somebody sleeps on it */
	MUTEX_KIND_LIMIT = 0x200, /* all bits of `kind` that glibc uses are below */
};

void supervisor_suspect_init(struct suspect *ret_suspect, const struct pending_incident *incident,
                             uint64_t now_ns)
{
	*ret_suspect = (struct suspect){.incident = *incident, .added_ns = now_ns, .due_ns = now_ns};
}

static bool has_thread(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)tid);
	return access(path, F_OK) == 0;
}

static bool is_alone(pid_t pid)
{
	struct proc_list threads;

	proc_tree_threads(pid, &threads);
	bool alone = threads.count == 1;
	proc_list_release(&threads);
	return alone;
}

/* Pids are numbers that are given again, and mean other processes in other pid namespaces. */
static bool is_same_thread(struct suspect *suspect, struct proc_stat *ret_thread)
{
	const struct pending_incident *incident = &suspect->incident;
	struct proc_stat process;

	if (!proc_stat_read(incident->pid, 0, &process) || process.state == 'Z' || process.state == 'X' ||
	    (!process.forked_without_exec && !incident->in_atfork_handler) ||
	    !proc_stat_read(incident->pid, incident->tid, ret_thread))
		return false;
	if (suspect->process_start_ticks)
		return process.start_ticks == suspect->process_start_ticks &&
		       ret_thread->start_ticks == suspect->thread_start_ticks;
	if (incident->time_ns &&
	    proc_stat_started_ns(ret_thread->start_ticks) > incident->time_ns + START_SLACK_MS * MS)
		return false;
	suspect->process_start_ticks = process.start_ticks;
	suspect->thread_start_ticks = ret_thread->start_ticks;
	return proc_tree_descends(incident->pid, getpid()) && proc_tree_shares_namespace(incident->pid);
}

/* The lock word is asked last: a lock that was made anew, or let go, ends the suspicion. */
static bool owner_is_vanished(const struct pending_incident *incident)
{
	struct mutex_head mutex;

	if (incident->lock_kind != TRACE_LOCK_MUTEX)
		return true;
	if (!proc_memory_read(incident->pid, incident->lock_address, &mutex, sizeof(mutex)) ||
	    mutex.lock == 0)
		return false;
	if (mutex.owner == 0)
		return !(incident->proof & TRACE_PROOF_OWNER_WORD);
	return mutex.owner == incident->holder_tid && !has_thread(incident->pid, mutex.owner);
}

/* Inside of fork the holder may be the waiting thread itself, under its id of now or before the fork, or a
 * thread that waits, through others or not, for what that one holds. */
static bool owner_waits_for_victim(const struct pending_incident *incident)
{
	uint64_t address = incident->lock_address;

	for (int i = 0; i < CIRCLE_MAX; i++) {
		struct mutex_head mutex;
		struct proc_wait wait;

		if (!proc_memory_read(incident->pid, address, &mutex, sizeof(mutex)) || mutex.lock == 0 ||
		    mutex.owner <= 0)
			return false;
		if (mutex.owner == incident->tid)
			return true;
		if (i == 0 && mutex.owner != incident->holder_tid)
			return false;
		if (!has_thread(incident->pid, mutex.owner))
			return true;
		proc_wait_read(incident->pid, mutex.owner, &wait);
		if (wait.state != PROC_WAIT_FUTEX)
			return false;
		address = wait.address;
	}
	return false;
}

static void restart(struct suspect *suspect, uint64_t now_ns)
{
	bool fresh = now_ns - suspect->added_ns < POLL_OFTEN_MS * MS;

	suspect->since_ns = 0;
	suspect->due_ns = now_ns + (fresh ? POLL_MS : POLL_LATER_MS) * MS;
}

static void start_span(struct suspect *suspect, const struct proc_wait *wait, uint64_t switches,
                       uint64_t now_ns)
{
	suspect->wait = *wait;
	suspect->switches = switches;
	suspect->since_ns = now_ns;
	suspect->due_ns = now_ns + POLL_MS * MS;
}

/* Where a lock inside libc is nobody knows, but that the word is libc's own data can be seen. There a thread
 * of the process could let go what another one waits for, so only one that is alone proves anything. */
static bool is_on_lock(const struct pending_incident *incident, const struct proc_wait *wait)
{
	if (incident->lock_kind == TRACE_LOCK_LIBC)
		return is_alone(incident->pid) && proc_libc_owns(incident->pid, wait->address);
	return wait->address >= incident->lock_address &&
	       wait->address < incident->lock_address + LOCK_SIZE_BYTES;
}

static uint64_t span_ms_of(const struct pending_incident *incident)
{
	bool quickly = incident->lock_kind != TRACE_LOCK_LIBC && is_alone(incident->pid);

	return quickly ? SPAN_ALONE_MS : SPAN_AMONG_OTHERS_MS;
}

static void examine_futex(struct suspect *suspect, const struct proc_wait *wait, uint64_t now_ns)
{
	const struct pending_incident *incident = &suspect->incident;

	if (!is_on_lock(incident, wait)) {
		restart(suspect, now_ns);
		return;
	}
	if (!suspect->since_ns || wait->address != suspect->wait.address ||
	    wait->stack != suspect->wait.stack) {
		start_span(suspect, wait, 0, now_ns);
		return;
	}
	if (now_ns - suspect->since_ns < span_ms_of(incident) * MS) {
		suspect->due_ns = now_ns + POLL_MS * MS;
	} else if (incident->in_atfork_handler ? owner_waits_for_victim(incident)
	                                       : owner_is_vanished(incident)) {
		suspect->state = SUSPECT_PROVEN;
	} else {
		restart(suspect, now_ns);
	}
}

/* Without a look at the system call: only where the lock itself named its owner, the thread is alone and it
 * was given no CPU for a long span. Otherwise the suspicion stays one. */
static void examine_blind(struct suspect *suspect, const struct proc_stat *thread, uint64_t now_ns)
{
	const struct pending_incident *incident = &suspect->incident;
	uint64_t switches = proc_stat_switches(incident->pid, incident->tid);

	if (thread->state != 'S' || !(incident->proof & TRACE_PROOF_OWNER_WORD) || !is_alone(incident->pid) ||
	    !switches) {
		restart(suspect, now_ns);
		return;
	}
	if (!suspect->since_ns || switches != suspect->switches) {
		start_span(suspect, &(struct proc_wait){.state = PROC_WAIT_UNREADABLE}, switches, now_ns);
		return;
	}
	suspect->due_ns = now_ns + POLL_MS * MS;
	if (now_ns - suspect->since_ns >= SPAN_AMONG_OTHERS_MS * MS) {
		suspect->state = SUSPECT_PROVEN;
		suspect->weak = true;
	}
}

void supervisor_suspect_examine(struct suspect *suspect, uint64_t now_ns)
{
	struct proc_stat thread;
	struct proc_wait wait;

	if (!is_same_thread(suspect, &thread)) {
		suspect->state = SUSPECT_CLEARED;
		return;
	}
	/* Stopped by job control or a debugger: somebody looks after it. */
	if (thread.state == 'T' || thread.state == 't') {
		restart(suspect, now_ns);
		return;
	}
	proc_wait_read(suspect->incident.pid, suspect->incident.tid, &wait);
	if (wait.state == PROC_WAIT_GONE)
		suspect->state = SUSPECT_CLEARED;
	else if (wait.state == PROC_WAIT_OTHER)
		restart(suspect, now_ns);
	else if (wait.state == PROC_WAIT_FUTEX)
		examine_futex(suspect, &wait, now_ns);
	else
		examine_blind(suspect, &thread, now_ns);
}

bool supervisor_suspect_recognise(pid_t pid, pid_t tid, struct pending_incident *ret_incident)
{
	struct mutex_head mutex;
	struct proc_stat process;
	struct proc_wait wait;

	if (!proc_stat_read(pid, 0, &process) || !process.forked_without_exec)
		return false;
	proc_wait_read(pid, tid, &wait);
	if (wait.state != PROC_WAIT_FUTEX || !proc_memory_read(pid, wait.address, &mutex, sizeof(mutex)) ||
	    mutex.lock != MUTEX_WAITED_FOR || mutex.users > 1 || mutex.kind < 0 ||
	    mutex.kind >= MUTEX_KIND_LIMIT || mutex.owner <= 0 || has_thread(pid, mutex.owner) ||
	    !proc_memory_is_private(pid, wait.address))
		return false;
	*ret_incident = (struct pending_incident){
	    .pid = pid,
	    .tid = tid,
	    .lock_address = wait.address,
	    .lock_kind = TRACE_LOCK_MUTEX,
	    .proof = TRACE_PROOF_OWNER_WORD | TRACE_PROOF_PRIVATE_MAPPING,
	    .holder_tid = mutex.owner,
	    .own_pending = true,
	};
	return true;
}
