#include "supervisor_action.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "proc_stat.h"
#include "supervisor_message.h"
#include "suspect_signal.h"
#include "trace_format.h"

#define MS UINT64_C(1000000)

enum { ABORT_PATIENCE_MS = 5000, EXPLAIN_MS = 2000 };

static bool send(const struct suspect *suspect, int number)
{
	pid_t pid = suspect->incident.pid;

	/* A pid that was given to another process since must not be hit. */
	if (!proc_stat_is_alive(pid, suspect->process_start_ticks))
		return false;
	if (kill(pid, number) == 0)
		return true;
	supervisor_message("process %d cannot be ended: %s; end it yourself: kill -KILL %d", (int)pid,
	                   strerror(errno), (int)pid);
	return false;
}

/* "waits for ever for a lock (0x...) held by thread 12, which did not survive the fork" */
static void tell_why(const struct suspect *suspect, char *text, size_t size_bytes)
{
	const struct pending_incident *incident = &suspect->incident;
	bool spins = suspect->wait.state == PROC_WAIT_OTHER;
	bool is_libc = incident->lock_kind == TRACE_LOCK_LIBC;
	const char *verb = incident->observed == TRACE_SPINS_ON_VANISHED ? "tries for ever to take"
	                   : spins                                       ? "spins for ever for"
	                                                                 : "waits for ever for";
	char holder[64] = "a thread that did not survive the fork";

	if (!incident->is_by_fork) {
		snprintf(text, size_bytes,
		         "waits for ever (0x%" PRIx64 "), and no thread of the process can go on; %s",
		         incident->lock_address,
		         suspect->from_outside ? "what the fork has to do with it cannot be told"
		                               : "no fork explains it");
		return;
	}
	if (incident->in_atfork_handler)
		snprintf(holder, sizeof(holder), "thread %d, inside of fork", (int)incident->holder_tid);
	else if (incident->holder_tid)
		snprintf(holder, sizeof(holder), "thread %d, which did not survive the fork",
		         (int)incident->holder_tid);
	if (supervisor_suspect_is_in_loop(suspect)) {
		snprintf(text, size_bytes,
		         "spins for ever (on 0x%" PRIx64 ") for threads that did not survive the fork",
		         incident->lock_address);
		return;
	}
	if (supervisor_suspect_awaits_descriptors(suspect)) {
		snprintf(text, size_bytes,
		         "waits for ever, on descriptors that no other process has, for work that it handed "
		         "to threads that did not survive the fork");
		return;
	}
	switch (incident->lock_kind) {
	case TRACE_LOCK_MUTEX:
	case TRACE_LOCK_RWLOCK:
	case TRACE_LOCK_SPINLOCK:
	case TRACE_LOCK_LIBC:
		snprintf(text, size_bytes, "%s a lock (0x%" PRIx64 ") held by %s", verb,
		         is_libc ? suspect->wait.address : incident->lock_address, holder);
		break;
	default:
		snprintf(text, size_bytes,
		         incident->in_atfork_handler ? "waits for ever (on 0x%" PRIx64
		                                       "), inside of fork, and no thread is left to end it"
		         : incident->observed == TRACE_WAITS_FOR_HANDED_WORK
		             ? "waits for ever (on 0x%" PRIx64
		               ") for work that it handed to threads that did not survive the fork"
		             : "waits for ever (on 0x%" PRIx64 ") for threads that did not survive the fork",
		         incident->lock_address);
	}
}

static void tell(const struct deadlock_watch *watch, const struct suspect *suspect, bool stored,
                 const char *consequence)
{
	const struct pending_incident *incident = &suspect->incident;
	char name[256], why[192];

	if (watch->settings.quiet)
		return;
	tell_why(suspect, why, sizeof(why));
	supervisor_message("process %d (%s) is deadlocked: thread %d %s%s; %s %s; %s", (int)incident->pid,
	                   proc_stat_describe(incident->pid, name, sizeof(name)), (int)incident->tid, why,
	                   suspect->weak ? " (its system call could not be read; it has not run for a second)"
	                                 : "",
	                   stored ? "the report is in" : "no report could be written, the trace is in",
	                   watch->settings.folder, consequence);
}

void supervisor_action_explain(const struct deadlock_watch *watch, struct suspect *suspect, uint64_t now_ns)
{
	char name[256], why[160], signals[128];

	if (!suspect->awaited || suspect->is_told || suspect->from_outside || watch->settings.quiet ||
	    now_ns - suspect->added_ns < EXPLAIN_MS * MS)
		return;
	suspect->is_told = true;
	tell_why(suspect, why, sizeof(why));
	supervisor_message(
	    "process %d (%s) is stuck, and let be: thread %d %s, unless its handler of %s ends "
	    "the wait",
	    (int)suspect->incident.pid, proc_stat_describe(suspect->incident.pid, name, sizeof(name)),
	    (int)suspect->incident.tid, why,
	    suspect_signal_names(suspect->awaited, signals, sizeof(signals)));
}

/* The library marks its own calls as returned; of those that were told from outside it does not know. */
void supervisor_action_withdraw(const struct deadlock_watch *watch, const struct suspect *suspect)
{
	if (suspect->from_outside && !suspect->awaited &&
	    proc_stat_is_alive(suspect->incident.pid, suspect->process_start_ticks))
		supervisor_incidents_mark_returned(watch->settings.folder_fd, &suspect->incident);
}

void supervisor_action_take(struct deadlock_watch *watch, struct deadlock_process *process, bool stored,
                            uint64_t now_ns)
{
	static const char *const consequences[] = {
	    [ON_DEADLOCK_REPORT] = "it is left as it is (--on-deadlock report)",
	    [ON_DEADLOCK_ABORT] = "sending SIGABRT",
	    [ON_DEADLOCK_KILL] = "sending SIGKILL",
	};
	struct suspect *suspect = &watch->suspects[process->suspect];

	process->reported_ns = now_ns;
	process->in_report = false;
	/* The report took its time: what is true now counts. */
	suspect->state = SUSPECT_WATCHED;
	supervisor_suspect_examine(suspect, now_ns);
	if (suspect->state != SUSPECT_PROVEN) {
		process->done = process->withdrawn = true;
		supervisor_action_withdraw(watch, suspect);
		return;
	}
	tell(watch, suspect, stored, consequences[watch->settings.action]);
	if (watch->settings.action == ON_DEADLOCK_REPORT) {
		process->left = true;
	} else {
		process->killed = watch->settings.action == ON_DEADLOCK_KILL;
		process->left = !send(suspect, process->killed ? SIGKILL : SIGABRT);
	}
	process->done = process->left;
}

/* A program may block, ignore or catch SIGABRT. A core file may take long: that is waited for. */
void supervisor_action_follow(const struct deadlock_watch *watch, struct deadlock_process *process,
                              uint64_t now_ns)
{
	const struct suspect *suspect = &watch->suspects[process->suspect];
	pid_t pid = suspect->incident.pid;

	if (process->done || !process->reported_ns)
		return;
	if (!proc_stat_is_alive(pid, suspect->process_start_ticks)) {
		process->done = true;
		return;
	}
	if (process->killed || now_ns - process->reported_ns < ABORT_PATIENCE_MS * MS ||
	    proc_stat_is_dumping_core(pid))
		return;
	supervisor_message("process %d is still there %d s after SIGABRT; sending SIGKILL", (int)pid,
	                   ABORT_PATIENCE_MS / 1000);
	process->killed = true;
	process->left = process->done = !send(suspect, SIGKILL);
}
