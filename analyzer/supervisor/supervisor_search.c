#include "supervisor_search.h"

#include <unistd.h>

#include "array_grow.h"
#include "monotonic.h"
#include "proc_tree.h"
#include "trace_format.h"

#define MS UINT64_C(1000000)

enum {
	READ_INTERVAL_MS = 20,
	READ_SHARE = 10, /* at most one part in so many of a CPU goes into reading the trace */
	SEARCH_COUNT = 12,
};

static struct suspect *find_suspect(const struct deadlock_watch *watch,
                                    const struct pending_incident *incident)
{
	for (size_t i = 0; i < watch->suspect_count; i++) {
		const struct pending_incident *known = &watch->suspects[i].incident;

		if (known->recorded_pid == incident->recorded_pid &&
		    known->recorded_tid == incident->recorded_tid &&
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
	if (!array_grow((void **)&watch->suspects, &watch->suspect_capacity, watch->suspect_count,
	                sizeof(*watch->suspects)))
		return NULL;
	supervisor_suspect_init(&watch->suspects[watch->suspect_count], incident, monotonic_now_ns());
	/* Known, and not acted upon for what the library says of it. */
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

void supervisor_search_trace(struct deadlock_watch *watch, uint64_t now_ns)
{
	struct reading reading = {.watch = watch};
	uint64_t before_ns = monotonic_used_ns();

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
	uint64_t used_ns = monotonic_used_ns() - before_ns;
	watch->read_due_ns = now_ns + READ_INTERVAL_MS * MS + used_ns * READ_SHARE;
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

void supervisor_search_tree(struct deadlock_watch *watch, uint64_t now_ns)
{
	struct proc_list tree;

	proc_tree_descendants(getpid(), &tree);
	for (size_t i = 0; i < tree.count; i++)
		search_process(watch, tree.pids[i]);
	proc_list_release(&tree);
	watch->searches_left--;
	watch->search_due_ns = now_ns + SUPERVISOR_SEARCH_INTERVAL_MS * MS;
}

bool supervisor_search_has_told(const struct deadlock_watch *watch, pid_t pid)
{
	for (size_t i = 0; i < watch->suspect_count; i++)
		if (watch->suspects[i].incident.pid == pid && watch->suspects[i].state == SUSPECT_EXPLAINED)
			return true;
	return false;
}

/* What the library says of a process goes first. That a hang is no fork's it says of one thread only. */
static bool is_explained(const struct deadlock_watch *watch, pid_t pid)
{
	for (size_t i = 0; i < watch->suspect_count; i++)
		if (watch->suspects[i].incident.pid == pid && watch->suspects[i].state != SUSPECT_CLEARED &&
		    watch->suspects[i].state != SUSPECT_EXPLAINED)
			return true;
	return false;
}

static size_t free_slot(struct deadlock_watch *watch)
{
	for (size_t i = 0; i < watch->suspect_count; i++)
		if (watch->suspects[i].from_outside && watch->suspects[i].state == SUSPECT_CLEARED &&
		    !watch->suspects[i].is_judged)
			return i;
	if (!array_grow((void **)&watch->suspects, &watch->suspect_capacity, watch->suspect_count,
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

void supervisor_search_outside(struct deadlock_watch *watch, uint64_t now_ns)
{
	struct outside_search search = {watch, now_ns};

	const struct trace_run *run = watch->settings.run;

	if (run)
		watch_note_forks(&watch->outside, __atomic_load_n(&run->forks, __ATOMIC_RELAXED), now_ns);
	watch_step(&watch->outside, now_ns, take_standstill, &search);
}
