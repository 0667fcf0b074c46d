#include "supervisor_suspect.h"

#include <time.h>

#include "proc_await.h"
#include "proc_lock.h"
#include "proc_memory.h"
#include "proc_namespace.h"
#include "proc_signals.h"
#include "proc_stat.h"
#include "proc_tree.h"
#include "spin_watch.h"
#include "stuck_judge.h"
#include "stuck_process.h"
#include "suspect_lock.h"
#include "suspect_signal.h"
#include "suspect_thread.h"
#include "trace_format.h"

#define MS UINT64_C(1000000)

enum {
	POLL_MS = 50,
	POLL_LATER_MS = 1000, /* where nothing happened for POLL_OFTEN_MS */
	POLL_OFTEN_MS = 2000,
	SPAN_ALONE_MS = 50,
	/* Another thread of the process could still release a lock that it does not own. */
	SPAN_AMONG_OTHERS_MS = 1000,
	SPAN_STANDSTILL_MS = 1000,
	SPAN_BLAMELESS_MS = STUCK_PATIENCE_MS,
	SPAN_SPINNING_MS = 2000,
	REBASE_PATIENCE_MS = 1000, /* on a busy machine a thread waits its turn to go back into its wait */
};

void supervisor_suspect_init(struct suspect *ret_suspect, const struct pending_incident *incident,
                             uint64_t now_ns)
{
	*ret_suspect = (struct suspect){.incident = *incident, .added_ns = now_ns, .due_ns = now_ns};
}

void supervisor_suspect_init_outside(struct suspect *ret_suspect, pid_t pid,
                                     const struct proc_standstill *standstill, uint64_t since_ns,
                                     uint64_t now_ns)
{
	const struct pending_incident incident = {
	    .pid = pid,
	    .tid = standstill->tid,
	    .recorded_pid = pid,
	    .recorded_tid = standstill->tid,
	    .time_ns = since_ns, /* as in the record that may come of it */
	    .lock_address = standstill->wait.address,
	    .lock_kind = standstill->wait.state == PROC_WAIT_OTHER ? TRACE_LOCK_SPINLOCK : TRACE_LOCK_FUTEX,
	    .observed = TRACE_STUCK_ON_VANISHED,
	    .proof = standstill->wait.state == PROC_WAIT_OTHER ? TRACE_PROOF_LOOP : TRACE_PROOF_STANDSTILL,
	    .is_by_fork = true,
	    .own_pending = true,
	};

	supervisor_suspect_init(ret_suspect, &incident, now_ns);
	ret_suspect->from_outside = true;
	ret_suspect->wait = standstill->wait;
	ret_suspect->standstill = *standstill;
	ret_suspect->since_ns = since_ns;
	/* A look disturbs the naps of who naps: not two of them at once. */
	if (supervisor_suspect_is_in_loop(ret_suspect))
		ret_suspect->due_ns = now_ns + SPAN_STANDSTILL_MS * MS;
}

void supervisor_suspect_take_judgement(struct suspect *suspect, bool is_by_fork)
{
	suspect->is_judged = true;
	suspect->incident.is_by_fork = is_by_fork;
	if (!supervisor_suspect_is_given_time(suspect))
		return;
	suspect->state = SUSPECT_WATCHED;
	suspect->due_ns = suspect->since_ns + SPAN_BLAMELESS_MS * MS;
}

void supervisor_suspect_take_note(struct suspect *suspect)
{
	suspect->is_noted = suspect->until_asked;
	suspect->until_asked = true;
	suspect->state = SUSPECT_WATCHED;
	suspect->due_ns = suspect->since_ns + SPAN_BLAMELESS_MS * MS;
}

bool supervisor_suspect_is_given_time(const struct suspect *suspect)
{
	if (suspect->until_asked)
		return true;
	return suspect->is_judged && !suspect->incident.is_by_fork && suspect->state != SUSPECT_CLEARED;
}

bool supervisor_suspect_is_in_loop(const struct suspect *suspect)
{
	return suspect->from_outside && suspect->wait.state == PROC_WAIT_OTHER;
}

bool supervisor_suspect_awaits_descriptors(const struct suspect *suspect)
{
	return suspect->from_outside && suspect->wait.state == PROC_WAIT_DESCRIPTORS;
}

void supervisor_suspect_rebase(struct suspect *suspect)
{
	const struct timespec step = {.tv_nsec = 1000000};
	struct proc_standstill standstill;

	if (supervisor_suspect_is_in_loop(suspect) || supervisor_suspect_awaits_descriptors(suspect))
		return;
	/* A thread that was let go restarts its system call at once, but not in no time. */
	for (int i = 0; i < REBASE_PATIENCE_MS; i++) {
		if (proc_standstill_read(suspect->incident.pid, &standstill) &&
		    proc_standstill_same_waits(&standstill, &suspect->standstill)) {
			suspect->standstill = standstill;
			return;
		}
		nanosleep(&step, NULL);
	}
}

static void restart(struct suspect *suspect, uint64_t now_ns)
{
	bool fresh = now_ns - suspect->added_ns < POLL_OFTEN_MS * MS;

	suspect->since_ns = 0;
	suspect->awaited = 0;
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

static void examine_owner(struct suspect *suspect, const struct proc_wait *wait, uint64_t now_ns)
{
	const struct pending_incident *incident = &suspect->incident;

	if (!suspect->since_ns || wait->address != suspect->wait.address ||
	    wait->stack != suspect->wait.stack) {
		start_span(suspect, wait, 0, now_ns);
		return;
	}
	uint64_t span_ms = proc_tree_has_one_thread(incident->pid) ? SPAN_ALONE_MS : SPAN_AMONG_OTHERS_MS;
	if (now_ns - suspect->since_ns < span_ms * MS) {
		suspect->due_ns = now_ns + POLL_MS * MS;
	} else if (incident->in_atfork_handler ? suspect_lock_holder_waits_for_victim(incident)
	                                       : suspect_lock_owner_is_vanished(incident)) {
		suspect->state = SUSPECT_PROVEN;
	} else {
		restart(suspect, now_ns);
	}
}

/* One that was found from outside has nothing else that speaks for it: once it moves it is no suspect. */
static void moved_on(struct suspect *suspect, uint64_t now_ns)
{
	if (suspect->from_outside)
		suspect->state = SUSPECT_CLEARED;
	else
		restart(suspect, now_ns);
}

static void examine_standstill(struct suspect *suspect, const struct proc_wait *wait, uint64_t now_ns)
{
	const struct pending_incident *incident = &suspect->incident;
	struct proc_standstill standstill;

	if (!proc_standstill_read(incident->pid, &standstill) || suspect_lock_is_let_go(incident)) {
		moved_on(suspect, now_ns);
		return;
	}
	if (!suspect->since_ns || !proc_standstill_equal(&standstill, &suspect->standstill)) {
		moved_on(suspect, now_ns);
		if (suspect->state != SUSPECT_CLEARED) {
			start_span(suspect, wait, 0, now_ns);
			suspect->standstill = standstill;
		}
		return;
	}
	if (suspect->is_noted) {
		suspect->due_ns = now_ns + POLL_LATER_MS * MS;
		return;
	}
	/* The switches count what happens in between: two looks are as good as many. */
	uint64_t span_ms = supervisor_suspect_is_given_time(suspect) ? SPAN_BLAMELESS_MS : SPAN_STANDSTILL_MS;
	suspect->due_ns = suspect->since_ns + span_ms * MS;
	if (now_ns < suspect->due_ns)
		return;
	/* What was found from outside is judged by its stack. */
	if (suspect->from_outside ||
	    !(suspect_lock_handler_could_help(incident) || suspect_lock_others_could_help(incident)))
		suspect->state = SUSPECT_PROVEN;
	else
		restart(suspect, now_ns);
}

static void examine_futex(struct suspect *suspect, const struct proc_wait *wait, uint64_t now_ns)
{
	if (!suspect_lock_is_waited_for(suspect, wait))
		moved_on(suspect, now_ns);
	else if (suspect_lock_has_owner(&suspect->incident) && !suspect->from_outside)
		examine_owner(suspect, wait, now_ns);
	else
		examine_standstill(suspect, wait, now_ns);
}

/* The library says that only a vanished thread could let go, and its call, or its loop of tries, has not
 * come to an end; the thread burns CPU, and nobody else is there who could change the lock. */
static void examine_spinning(struct suspect *suspect, const struct proc_stat *thread, uint64_t now_ns)
{
	const struct pending_incident *incident = &suspect->incident;
	pid_t owner;
	uint64_t caught;
	enum proc_lock_state lock =
	    proc_lock_read(incident->pid, incident->lock_kind, incident->lock_address, &owner);

	if (!proc_tree_has_one_thread(incident->pid) ||
	    (lock != PROC_LOCK_TAKEN && lock != PROC_LOCK_OWNED_BY_OTHER) ||
	    !proc_signals_caught(incident->pid, &caught) || caught) {
		restart(suspect, now_ns);
		return;
	}
	if (!suspect->since_ns || suspect->wait.state != PROC_WAIT_OTHER) {
		start_span(suspect, &(struct proc_wait){.state = PROC_WAIT_OTHER}, 0, now_ns);
		suspect->cpu_ticks = thread->cpu_ticks;
		return;
	}
	suspect->due_ns = now_ns + POLL_MS * MS;
	/* A loop that sleeps between its tries takes hardly any: the library has read its code. */
	bool goes_on = thread->cpu_ticks > suspect->cpu_ticks || suspect_lock_is_in_endless_loop(incident);
	if (now_ns - suspect->since_ns >= SPAN_SPINNING_MS * MS && goes_on)
		suspect->state = SUSPECT_PROVEN;
}

/* Each look proves it anew, and has to see the loop that the watch saw. */
static void examine_loop(struct suspect *suspect)
{
	pid_t pid = suspect->incident.pid;

	if (spin_watch_is_alone(pid) && spin_proof_find(pid, &suspect->loop) &&
	    suspect->loop.word == suspect->incident.lock_address &&
	    suspect->loop.registers[STACK_REGISTER_SP] == suspect->wait.stack)
		suspect->state = SUSPECT_PROVEN;
	else
		suspect->state = SUSPECT_CLEARED;
}

/* A parent may end such a child as it was meant to. */
static void examine_await(struct suspect *suspect, uint64_t now_ns)
{
	pid_t pid = suspect->incident.pid;
	struct proc_standstill standstill;

	suspect->due_ns = suspect->since_ns + SPAN_BLAMELESS_MS * MS;
	if (!proc_await_read(pid, &standstill) || !proc_standstill_equal(&standstill, &suspect->standstill))
		suspect->state = SUSPECT_CLEARED;
	else if (now_ns >= suspect->due_ns)
		suspect->state =
		    stuck_process_awaits_work(pid, &standstill.wait) ? SUSPECT_PROVEN : SUSPECT_CLEARED;
}

/* Without a look at the system call: only where the lock itself named its owner, the thread is alone and it
 * was given no CPU for a long span. Otherwise the suspicion stays one. */
static void examine_blind(struct suspect *suspect, const struct proc_stat *thread, uint64_t now_ns)
{
	const struct pending_incident *incident = &suspect->incident;
	uint64_t switches = proc_stat_switches(incident->pid, incident->tid);

	if (thread->state != 'S' || !suspect_lock_has_owner(incident) ||
	    !(incident->proof & TRACE_PROOF_OWNER_WORD) || !proc_tree_has_one_thread(incident->pid) ||
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

/* Stuck, unless a signal handler leaves the wait. */
static void await_handlers(struct suspect *suspect, uint64_t now_ns)
{
	uint64_t awaited = suspect_signal_awaited(suspect->incident.pid, now_ns);

	if (awaited) {
		suspect->state = SUSPECT_WATCHED;
		/* One that was found from outside is a suspect as long as it does not move. */
		if (suspect->from_outside)
			suspect->due_ns = now_ns + POLL_LATER_MS * MS;
		else
			restart(suspect, now_ns);
	}
	suspect->awaited = awaited;
}

static void look(struct suspect *suspect, uint64_t now_ns)
{
	struct proc_stat thread;
	struct proc_wait wait;

	if (!suspect_thread_is_same(suspect, &thread)) {
		suspect->state = SUSPECT_CLEARED;
		return;
	}
	/* Stopped by job control or a debugger: somebody looks after it. */
	if (thread.state == 'T' || thread.state == 't') {
		restart(suspect, now_ns);
		return;
	}
	if (supervisor_suspect_is_in_loop(suspect)) {
		examine_loop(suspect);
		return;
	}
	if (supervisor_suspect_awaits_descriptors(suspect)) {
		examine_await(suspect, now_ns);
		return;
	}
	proc_wait_read(suspect->incident.pid, suspect->incident.tid, &wait);
	if (wait.state == PROC_WAIT_GONE)
		suspect->state = SUSPECT_CLEARED;
	else if (suspect_lock_is_in_endless_loop(&suspect->incident))
		examine_spinning(suspect, &thread, now_ns);
	else if (wait.state == PROC_WAIT_OTHER && suspect_lock_may_spin(&suspect->incident))
		examine_spinning(suspect, &thread, now_ns);
	else if (wait.state == PROC_WAIT_OTHER)
		moved_on(suspect, now_ns);
	else if (wait.state == PROC_WAIT_FUTEX)
		examine_futex(suspect, &wait, now_ns);
	else
		examine_blind(suspect, &thread, now_ns);
}

void supervisor_suspect_examine(struct suspect *suspect, uint64_t now_ns)
{
	look(suspect, now_ns);
	if (suspect->state == SUSPECT_PROVEN)
		await_handlers(suspect, now_ns);
}

bool supervisor_suspect_recognise(pid_t pid, pid_t tid, struct pending_incident *ret_incident)
{
	struct proc_mutex mutex;
	struct proc_stat process;
	struct proc_wait wait;

	if (!proc_stat_read(pid, 0, &process) || !process.forked_without_exec || !proc_namespace_is_ours(pid))
		return false;
	proc_wait_read(pid, tid, &wait);
	if (wait.state != PROC_WAIT_FUTEX || !proc_memory_read(pid, wait.address, &mutex, sizeof(mutex)) ||
	    !proc_mutex_is_waited_for(&mutex) || proc_tree_has_thread(pid, mutex.owner) ||
	    !proc_memory_is_private(pid, wait.address))
		return false;
	*ret_incident = (struct pending_incident){
	    .pid = pid,
	    .tid = tid,
	    .recorded_pid = pid,
	    .recorded_tid = tid,
	    .lock_address = wait.address,
	    .lock_kind = TRACE_LOCK_MUTEX,
	    .proof = TRACE_PROOF_OWNER_WORD | TRACE_PROOF_PRIVATE_MAPPING,
	    .holder_tid = mutex.owner,
	    .observed = TRACE_BLOCKS_ON_VANISHED,
	    .is_by_fork = true,
	    .own_pending = true,
	};
	return true;
}
