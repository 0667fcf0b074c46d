#include "supervisor_deadlock.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "array_grow.h"
#include "supervisor_action.h"
#include "supervisor_incidents.h"
#include "supervisor_judge.h"
#include "supervisor_report.h"
#include "supervisor_search.h"
#include "trace_format.h"

#define MS UINT64_C(1000000)

enum {
	FRESH_MS = 300, /* an incident is recorded before the thread goes to sleep */
	JUDGE_PATIENCE_MS = 20000,
	WRITER_PATIENCE_MS = 60000,
	REFINE_AFTER_MS = 1000, /* mostly the command ends before, and the last report is made anyway */
};

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
		pid_t judge = supervisor_judge_start(
		    suspect->incident.pid, supervisor_suspect_is_in_loop(suspect) ? &suspect->loop : NULL,
		    suspect->since_ns, now_ns,
		    supervisor_search_has_told(watch, suspect->incident.pid) ? -1
		                                                             : watch->settings.folder_fd);
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
	    array_grow((void **)&watch->processes, &watch->process_capacity, watch->process_count,
	               sizeof(*watch->processes)))
		watch->processes[watch->process_count++] = (struct deadlock_process){.suspect = suspect};
}

/* What the library only suspected says nothing in a report without such a mark. */
static void mark_in_trace(const struct deadlock_watch *watch, struct suspect *suspect)
{
	if (suspect->state == SUSPECT_PROVEN) {
		supervisor_incidents_mark_blocked(watch->settings.folder_fd, &suspect->incident);
	} else if (suspect->awaited && !suspect->is_marked) {
		supervisor_incidents_mark_waiting(watch->settings.folder_fd, &suspect->incident);
		suspect->is_marked = true;
	}
}

static void examine_suspects(struct deadlock_watch *watch, uint64_t now_ns)
{
	for (size_t i = 0; i < watch->suspect_count; i++) {
		struct suspect *suspect = &watch->suspects[i];

		if (suspect->state != SUSPECT_WATCHED || suspect->due_ns > now_ns)
			continue;
		supervisor_suspect_examine(suspect, now_ns);
		if (!suspect->from_outside)
			mark_in_trace(watch, suspect);
		else if (suspect->is_noted && suspect->state == SUSPECT_CLEARED)
			supervisor_action_withdraw(watch, suspect);
		if (suspect->state == SUSPECT_PROVEN && (!suspect->from_outside || suspect->is_judged))
			add_process(watch, i);
		else if (suspect->state == SUSPECT_WATCHED)
			supervisor_action_explain(watch, suspect, now_ns);
	}
}

static void take_judgement(struct deadlock_watch *watch, int status)
{
	struct suspect *suspect = &watch->suspects[watch->judged];

	watch->judge = 0;
	if (suspect->state != SUSPECT_PROVEN)
		return;
	enum stuck_verdict verdict = supervisor_judge_result(status);
	if (verdict == STUCK_UNCLEAR) {
		suspect->state = SUSPECT_CLEARED;
		return;
	}
	if (verdict == STUCK_UNTIL_ASKED) {
		supervisor_suspect_take_note(suspect);
		return;
	}
	supervisor_suspect_take_judgement(suspect, verdict == STUCK_BY_FORK);
	if (suspect->state == SUSPECT_PROVEN)
		add_process(watch, watch->judged);
}

static void end_helper(pid_t *helper)
{
	if (!*helper)
		return;
	kill(*helper, SIGKILL);
	waitpid(*helper, NULL, 0);
	*helper = 0;
}

static pid_t start_writer(struct deadlock_watch *watch, bool quick)
{
	return supervisor_report_start(watch->settings.folder, watch->settings.folder_fd,
	                               watch->settings.options, quick);
}

static void act_on_reported(struct deadlock_watch *watch, bool stored, uint64_t now_ns)
{
	watch->refine_due_ns = now_ns + REFINE_AFTER_MS * MS;
	for (size_t i = 0; i < watch->process_count; i++)
		if (watch->processes[i].in_report)
			supervisor_action_take(watch, &watch->processes[i], stored, now_ns);
}

static void start_report(struct deadlock_watch *watch, uint64_t now_ns)
{
	bool wanted = false;

	for (size_t i = 0; i < watch->process_count; i++)
		if (!watch->processes[i].reported_ns)
			wanted = watch->processes[i].in_report = true;
	if (!wanted)
		return;
	/* Both would write the same files. */
	end_helper(&watch->refiner);
	pid_t writer = start_writer(watch, true);
	if (writer < 0) {
		act_on_reported(watch, false, now_ns);
		return;
	}
	watch->writer = writer;
	watch->writer_deadline_ns = now_ns + WRITER_PATIENCE_MS * MS;
}

/* Source lines may take long: nothing waits for them, and none are read while a process is to be dealt with.
 */
static void refine_report(struct deadlock_watch *watch, uint64_t now_ns)
{
	if (!watch->refine_due_ns || watch->refine_due_ns > now_ns || watch->writer || watch->refiner)
		return;
	watch->refine_due_ns = 0;
	pid_t refiner = start_writer(watch, false);
	watch->refiner = refiner < 0 ? 0 : refiner;
}

bool supervisor_deadlock_child_ended(struct deadlock_watch *watch, pid_t pid, int status, uint64_t now_ns)
{
	if (watch->judge && pid == watch->judge) {
		take_judgement(watch, status);
		return true;
	}
	if (watch->refiner && pid == watch->refiner) {
		watch->refiner = 0;
		return true;
	}
	if (!watch->writer || pid != watch->writer)
		return false;
	watch->writer = 0;
	act_on_reported(watch, WIFEXITED(status) && WEXITSTATUS(status) == 0, now_ns);
	return true;
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
	if (watch->refine_due_ns && !watch->writer && !watch->refiner)
		due_ns = earlier(due_ns, watch->refine_due_ns);
	due_ns = earlier(due_ns, watch->outside.due_ns);
	for (size_t i = 0; i < watch->suspect_count; i++)
		if (watch->suspects[i].state == SUSPECT_WATCHED)
			due_ns = earlier(due_ns, watch->suspects[i].due_ns);
	for (size_t i = 0; i < watch->process_count; i++)
		if (!watch->processes[i].done && watch->processes[i].reported_ns)
			due_ns = earlier(due_ns, now_ns + SUPERVISOR_SEARCH_INTERVAL_MS * MS);
	return due_ns;
}

uint64_t supervisor_deadlock_step(struct deadlock_watch *watch, uint64_t now_ns)
{
	if (watch->unread && watch->read_due_ns <= now_ns)
		supervisor_search_trace(watch, now_ns);
	if (watch->searches_left && watch->search_due_ns <= now_ns)
		supervisor_search_tree(watch, now_ns);
	supervisor_search_outside(watch, now_ns);
	examine_suspects(watch, now_ns);
	start_judge(watch, now_ns);
	if (watch->judge && watch->judge_deadline_ns <= now_ns)
		kill(watch->judge, SIGKILL);
	if (!watch->writer)
		start_report(watch, now_ns);
	else if (watch->writer_deadline_ns <= now_ns)
		kill(watch->writer, SIGKILL);
	refine_report(watch, now_ns);
	for (size_t i = 0; i < watch->process_count; i++)
		supervisor_action_follow(watch, &watch->processes[i], now_ns);
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
		if (suspect->state == SUSPECT_WATCHED && !suspect->awaited &&
		    !supervisor_suspect_is_given_time(suspect) &&
		    !supervisor_suspect_awaits_descriptors(suspect) &&
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
	return pid == watch->writer || pid == watch->refiner || pid == watch->judge;
}

void supervisor_deadlock_end_helpers(struct deadlock_watch *watch)
{
	end_helper(&watch->writer);
	end_helper(&watch->refiner);
	end_helper(&watch->judge);
}
