#include "supervisor_deadlock.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "proc_stat.h"
#include "proc_tree.h"
#include "supervisor_judge.h"
#include "supervisor_message.h"
#include "supervisor_report.h"
#include "trace_format.h"

#define MS UINT64_C(1000000)

enum {
	READ_INTERVAL_MS = 20,
	READ_SHARE = 10, /* at most one part in so many of a CPU goes into reading the trace */
	SEARCH_INTERVAL_MS = 100,
	SEARCH_COUNT = 12,
	FRESH_MS = 300, /* an incident is recorded before the thread goes to sleep */
	ABORT_PATIENCE_MS = 5000,
	JUDGE_PATIENCE_MS = 20000,
	WRITER_PATIENCE_MS = 60000, /* symbols may come over the network */
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static bool grow(void **items, size_t *capacity, size_t count, size_t item_size_bytes)
{
	if (count < *capacity)
		return true;
	size_t larger = *capacity ? 2 * *capacity : 16;
	void *grown = reallocarray(*items, larger, item_size_bytes);
	if (!grown)
		return false;
	*items = grown;
	*capacity = larger;
	return true;
}

void supervisor_deadlock_init(struct deadlock_watch *ret_watch, const struct deadlock_settings *settings)
{
	*ret_watch = (struct deadlock_watch){.settings = *settings};
}

void supervisor_deadlock_release(struct deadlock_watch *watch)
{
	watch_release(&watch->outside);
	free(watch->suspects);
	free(watch->processes);
	*watch = (struct deadlock_watch){0};
}

void supervisor_deadlock_notice(struct deadlock_watch *watch)
{
	watch->unread = true;
}

static struct suspect *find_suspect(const struct deadlock_watch *watch,
                                    const struct pending_incident *incident)
{
	for (size_t i = 0; i < watch->suspect_count; i++) {
		const struct pending_incident *known = &watch->suspects[i].incident;

		if (known->pid == incident->pid && known->tid == incident->tid &&
		    known->lock_address == incident->lock_address &&
		    (known->time_ns == incident->time_ns || watch->suspects[i].state != SUSPECT_CLEARED))
			return &watch->suspects[i];
	}
	return NULL;
}

static struct suspect *add_suspect(struct deadlock_watch *watch, const struct pending_incident *incident)
{
	struct suspect *known = find_suspect(watch, incident);

	if (known)
		return known;
	if (!grow((void **)&watch->suspects, &watch->suspect_capacity, watch->suspect_count,
	          sizeof(*watch->suspects)))
		return NULL;
	supervisor_suspect_init(&watch->suspects[watch->suspect_count], incident, now());
	/* Known, and never to be acted upon: the library explains it otherwise. */
	if (!incident->is_by_fork)
		watch->suspects[watch->suspect_count].state = SUSPECT_EXPLAINED;
	return &watch->suspects[watch->suspect_count++];
}

/* A call that has returned is no longer in the trace as pending. */
static void clear_returned(struct deadlock_watch *watch)
{
	for (size_t i = 0; i < watch->suspect_count; i++) {
		struct suspect *suspect = &watch->suspects[i];

		if (suspect->was_in_trace && !suspect->is_in_trace &&
		    (suspect->state == SUSPECT_WATCHED || suspect->state == SUSPECT_EXPLAINED))
			suspect->state = SUSPECT_CLEARED;
	}
}

struct reading {
	struct deadlock_watch *watch;
	uint64_t repeats_pending;
};

static void take_incident(void *context, const struct pending_incident *incident)
{
	struct reading *reading = context;

	reading->repeats_pending += incident->repeats_pending;
	struct suspect *suspect = incident->own_pending ? add_suspect(reading->watch, incident) : NULL;
	if (suspect)
		suspect->is_in_trace = suspect->was_in_trace = true;
}

static void read_trace(struct deadlock_watch *watch, uint64_t now_ns)
{
	struct reading reading = {.watch = watch};

	watch->unread = false;
	for (size_t i = 0; i < watch->suspect_count; i++)
		watch->suspects[i].is_in_trace = false;
	supervisor_incidents_read(watch->settings.folder_fd, take_incident, &reading);
	clear_returned(watch);
	/* Calls that are only counted: look for them over the next moments. */
	if (reading.repeats_pending > watch->repeats_pending) {
		watch->searches_left = SEARCH_COUNT;
		watch->search_due_ns = now_ns;
	}
	watch->repeats_pending = reading.repeats_pending;
	uint64_t took_ns = now() - now_ns;
	watch->read_due_ns = now_ns + READ_INTERVAL_MS * MS + took_ns * READ_SHARE;
}

static void search_process(struct deadlock_watch *watch, pid_t pid)
{
	struct pending_incident incident;
	struct proc_list threads;

	proc_tree_threads(pid, &threads);
	for (size_t i = 0; i < threads.count; i++)
		if (supervisor_suspect_recognise(pid, threads.pids[i], &incident))
			add_suspect(watch, &incident);
	proc_list_release(&threads);
}

static void search_tree(struct deadlock_watch *watch, uint64_t now_ns)
{
	struct proc_list tree;

	proc_tree_descendants(getpid(), &tree);
	for (size_t i = 0; i < tree.count; i++)
		search_process(watch, tree.pids[i]);
	proc_list_release(&tree);
	watch->searches_left--;
	watch->search_due_ns = now_ns + SEARCH_INTERVAL_MS * MS;
}

/* What the library says of a process goes first. */
static bool is_explained(const struct deadlock_watch *watch, pid_t pid)
{
	for (size_t i = 0; i < watch->suspect_count; i++)
		if (watch->suspects[i].incident.pid == pid && watch->suspects[i].state != SUSPECT_CLEARED)
			return true;
	return false;
}

static size_t free_slot(struct deadlock_watch *watch)
{
	for (size_t i = 0; i < watch->suspect_count; i++)
		if (watch->suspects[i].from_outside && watch->suspects[i].state == SUSPECT_CLEARED &&
		    !watch->suspects[i].is_judged)
			return i;
	if (!grow((void **)&watch->suspects, &watch->suspect_capacity, watch->suspect_count,
	          sizeof(*watch->suspects)))
		return SIZE_MAX;
	return watch->suspect_count++;
}

struct outside_search {
	struct deadlock_watch *watch;
	uint64_t now_ns;
};

static void take_standstill(void *context, pid_t pid, const struct proc_standstill *standstill,
                            uint64_t since_ns)
{
	const struct outside_search *search = context;
	size_t slot = is_explained(search->watch, pid) ? SIZE_MAX : free_slot(search->watch);

	if (slot != SIZE_MAX)
		supervisor_suspect_init_outside(&search->watch->suspects[slot], pid, standstill, since_ns,
		                                search->now_ns);
}

/* Nothing forked that the library has seen: nothing to look for. */
static bool may_be_stuck(const struct deadlock_watch *watch)
{
	return watch->settings.run && __atomic_load_n(&watch->settings.run->forks, __ATOMIC_RELAXED) > 0;
}

static void look_outside(struct deadlock_watch *watch, uint64_t now_ns)
{
	struct outside_search search = {watch, now_ns};

	if (may_be_stuck(watch))
		watch_step(&watch->outside, now_ns, take_standstill, &search);
}

/* One at a time; the others wait for their turn. */
static void start_judge(struct deadlock_watch *watch, uint64_t now_ns)
{
	for (size_t i = 0; i < watch->suspect_count && !watch->judge; i++) {
		struct suspect *suspect = &watch->suspects[i];

		if (!suspect->from_outside || suspect->is_judged || suspect->state != SUSPECT_PROVEN)
			continue;
		/* Meanwhile the library may have spoken, or the report of another suspect taken its time. */
		suspect->state = SUSPECT_WATCHED;
		supervisor_suspect_examine(suspect, now_ns);
		if (suspect->state != SUSPECT_PROVEN)
			continue;
		pid_t judge = supervisor_judge_start(suspect->incident.pid, suspect->since_ns, now_ns,
		                                     watch->settings.folder_fd);
		if (judge < 0) {
			suspect->state = SUSPECT_CLEARED;
			continue;
		}
		supervisor_suspect_rebase(suspect);
		watch->judge = judge;
		watch->judged = i;
		watch->judge_deadline_ns = now_ns + JUDGE_PATIENCE_MS * MS;
	}
}

static bool process_is_known(const struct deadlock_watch *watch, const struct suspect *suspect)
{
	for (size_t i = 0; i < watch->process_count; i++) {
		const struct suspect *known = &watch->suspects[watch->processes[i].suspect];

		if (!watch->processes[i].withdrawn && known->incident.pid == suspect->incident.pid &&
		    known->process_start_ticks == suspect->process_start_ticks)
			return true;
	}
	return false;
}

static void add_process(struct deadlock_watch *watch, size_t suspect)
{
	if (!process_is_known(watch, &watch->suspects[suspect]) &&
	    grow((void **)&watch->processes, &watch->process_capacity, watch->process_count,
	         sizeof(*watch->processes)))
		watch->processes[watch->process_count++] = (struct deadlock_process){.suspect = suspect};
}

static void examine_suspects(struct deadlock_watch *watch, uint64_t now_ns)
{
	for (size_t i = 0; i < watch->suspect_count; i++) {
		struct suspect *suspect = &watch->suspects[i];

		if (suspect->state != SUSPECT_WATCHED || suspect->due_ns > now_ns)
			continue;
		supervisor_suspect_examine(suspect, now_ns);
		if (suspect->state == SUSPECT_PROVEN && suspect->incident.lock_kind == TRACE_LOCK_LIBC &&
		    !suspect->from_outside)
			supervisor_incidents_mark_blocked(watch->settings.folder_fd, &suspect->incident);
		if (suspect->state == SUSPECT_PROVEN && (!suspect->from_outside || suspect->is_judged))
			add_process(watch, i);
	}
}

static void take_judgement(struct deadlock_watch *watch, int status)
{
	struct suspect *suspect = &watch->suspects[watch->judged];

	watch->judge = 0;
	if (suspect->state != SUSPECT_PROVEN)
		return;
	switch (supervisor_judge_result(status)) {
	case STUCK_BY_FORK:
		suspect->is_judged = true;
		add_process(watch, watch->judged);
		break;
	case STUCK_ANYHOW:
		suspect->state = SUSPECT_EXPLAINED;
		break;
	default:
		suspect->state = SUSPECT_CLEARED;
	}
}

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

	if (incident->in_atfork_handler)
		snprintf(holder, sizeof(holder), "thread %d, inside of fork", (int)incident->holder_tid);
	else if (incident->holder_tid)
		snprintf(holder, sizeof(holder), "thread %d, which did not survive the fork",
		         (int)incident->holder_tid);
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
		         "waits for ever on what (0x%" PRIx64
		         ") only threads that did not survive the fork could have ended",
		         incident->lock_address);
	}
}

static void tell(const struct deadlock_watch *watch, const struct suspect *suspect, bool stored,
                 const char *consequence)
{
	const struct pending_incident *incident = &suspect->incident;
	char name[256], why[160];

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

static void act(struct deadlock_watch *watch, struct deadlock_process *process, bool stored, uint64_t now_ns)
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
		/* The library marks its own calls as returned; this one it does not know of. */
		if (suspect->from_outside &&
		    proc_stat_is_alive(suspect->incident.pid, suspect->process_start_ticks))
			supervisor_incidents_mark_returned(watch->settings.folder_fd, &suspect->incident);
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

static void act_on_reported(struct deadlock_watch *watch, bool stored, uint64_t now_ns)
{
	for (size_t i = 0; i < watch->process_count; i++)
		if (watch->processes[i].in_report)
			act(watch, &watch->processes[i], stored, now_ns);
}

static void start_report(struct deadlock_watch *watch, uint64_t now_ns)
{
	bool wanted = false;

	for (size_t i = 0; i < watch->process_count; i++)
		if (!watch->processes[i].reported_ns)
			wanted = watch->processes[i].in_report = true;
	if (!wanted)
		return;
	pid_t writer = supervisor_report_start(watch->settings.folder, watch->settings.folder_fd,
	                                       watch->settings.options);
	if (writer < 0) {
		act_on_reported(watch, false, now_ns);
		return;
	}
	watch->writer = writer;
	watch->writer_deadline_ns = now_ns + WRITER_PATIENCE_MS * MS;
}

bool supervisor_deadlock_child_ended(struct deadlock_watch *watch, pid_t pid, int status, uint64_t now_ns)
{
	if (watch->judge && pid == watch->judge) {
		take_judgement(watch, status);
		return true;
	}
	if (!watch->writer || pid != watch->writer)
		return false;
	watch->writer = 0;
	act_on_reported(watch, WIFEXITED(status) && WEXITSTATUS(status) == 0, now_ns);
	return true;
}

/* A program may block, ignore or catch SIGABRT. A core file may take long: that is waited for. */
static void follow_abort(const struct deadlock_watch *watch, struct deadlock_process *process,
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

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_due(const struct deadlock_watch *watch, uint64_t now_ns)
{
	uint64_t due_ns = UINT64_MAX;

	if (watch->unread)
		due_ns = earlier(due_ns, watch->read_due_ns);
	if (watch->searches_left)
		due_ns = earlier(due_ns, watch->search_due_ns);
	if (watch->writer)
		due_ns = earlier(due_ns, watch->writer_deadline_ns);
	if (watch->judge)
		due_ns = earlier(due_ns, watch->judge_deadline_ns);
	if (may_be_stuck(watch))
		due_ns = earlier(due_ns, watch->outside.due_ns);
	for (size_t i = 0; i < watch->suspect_count; i++)
		if (watch->suspects[i].state == SUSPECT_WATCHED)
			due_ns = earlier(due_ns, watch->suspects[i].due_ns);
	for (size_t i = 0; i < watch->process_count; i++)
		if (!watch->processes[i].done && watch->processes[i].reported_ns)
			due_ns = earlier(due_ns, now_ns + SEARCH_INTERVAL_MS * MS);
	return due_ns;
}

uint64_t supervisor_deadlock_step(struct deadlock_watch *watch, uint64_t now_ns)
{
	if (watch->unread && watch->read_due_ns <= now_ns)
		read_trace(watch, now_ns);
	if (watch->searches_left && watch->search_due_ns <= now_ns)
		search_tree(watch, now_ns);
	look_outside(watch, now_ns);
	examine_suspects(watch, now_ns);
	start_judge(watch, now_ns);
	if (watch->judge && watch->judge_deadline_ns <= now_ns)
		kill(watch->judge, SIGKILL);
	if (!watch->writer)
		start_report(watch, now_ns);
	else if (watch->writer_deadline_ns <= now_ns)
		kill(watch->writer, SIGKILL);
	for (size_t i = 0; i < watch->process_count; i++)
		follow_abort(watch, &watch->processes[i], now_ns);
	return next_due(watch, now_ns);
}

bool supervisor_deadlock_is_busy(const struct deadlock_watch *watch, uint64_t now_ns)
{
	if (watch->writer || watch->judge || watch->unread || watch->searches_left)
		return true;
	for (size_t i = 0; i < watch->suspect_count; i++) {
		const struct suspect *suspect = &watch->suspects[i];

		if (suspect->state == SUSPECT_PROVEN && suspect->from_outside && !suspect->is_judged)
			return true;
		if (suspect->state == SUSPECT_WATCHED &&
		    (suspect->since_ns || now_ns - suspect->added_ns < FRESH_MS * MS))
			return true;
	}
	for (size_t i = 0; i < watch->process_count; i++)
		if (!watch->processes[i].done)
			return true;
	return false;
}

bool supervisor_deadlock_was_left(const struct deadlock_watch *watch, pid_t pid)
{
	for (size_t i = 0; i < watch->process_count; i++)
		if (watch->processes[i].left &&
		    watch->suspects[watch->processes[i].suspect].incident.pid == pid)
			return true;
	return false;
}

bool supervisor_deadlock_is_helper(const struct deadlock_watch *watch, pid_t pid)
{
	return pid == watch->writer || pid == watch->judge;
}

void supervisor_deadlock_end_helpers(struct deadlock_watch *watch)
{
	pid_t *const helpers[] = {&watch->writer, &watch->judge};

	for (size_t i = 0; i < sizeof(helpers) / sizeof(*helpers); i++) {
		if (!*helpers[i])
			continue;
		kill(*helpers[i], SIGKILL);
		waitpid(*helpers[i], NULL, 0);
		*helpers[i] = 0;
	}
}
