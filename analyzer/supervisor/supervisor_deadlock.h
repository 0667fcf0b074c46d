/* Watches what the library reports, proves deadlocks, and acts on them once the report is safe on disk. */
#ifndef AFTERFORK_SUPERVISOR_DEADLOCK_H
#define AFTERFORK_SUPERVISOR_DEADLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor_suspect.h"
#include "watch.h"

struct options;
struct trace_run;

struct deadlock_settings {
	const char *folder; /* of the trace */
	int folder_fd;
	unsigned action; /* ON_DEADLOCK_* of options.h */
	bool quiet;
	const struct options *options;
	const struct trace_run *run; /* mapped: its counters change */
};

/* A process with a proven suspect. */
struct deadlock_process {
	size_t suspect;       /* index of the first proven of its threads */
	uint64_t reported_ns; /* 0: the report is not stored yet */
	bool in_report;       /* the report that is being written covers it */
	bool done;            /* nothing more to do: it ended, or is left as it is */
	bool left, killed;
	bool withdrawn; /* it moved on while the report was written */
};

struct deadlock_watch {
	struct deadlock_settings settings;
	struct suspect *suspects;
	size_t suspect_count, suspect_capacity;
	struct deadlock_process *processes;
	size_t process_count, process_capacity;
	struct watch outside;
	pid_t judge; /* of a suspect from outside; 0: none */
	size_t judged;
	uint64_t judge_deadline_ns;
	pid_t writer; /* of the quick report; 0: none */
	uint64_t writer_deadline_ns;
	pid_t refiner;            /* of the report with source lines; 0: none */
	uint64_t refine_due_ns;   /* when to start it; 0: not asked for */
	uint64_t repeats_pending; /* calls that the trace counts without naming them */
	unsigned searches_left;   /* for those */
	uint64_t search_due_ns, read_due_ns;
	bool unread; /* the trace changed since it was read */
};

void supervisor_deadlock_init(struct deadlock_watch *ret_watch, const struct deadlock_settings *settings);
void supervisor_deadlock_release(struct deadlock_watch *watch);

/* The trace has changed. */
void supervisor_deadlock_notice(struct deadlock_watch *watch);
/* Does all that is due at now_ns (CLOCK_MONOTONIC) and returns when to be called again; UINT64_MAX: on a
 * notice only. */
uint64_t supervisor_deadlock_step(struct deadlock_watch *watch, uint64_t now_ns);
/* A child of the supervisor was reaped. True when it was the report's writer or a judge. */
bool supervisor_deadlock_child_ended(struct deadlock_watch *watch, pid_t pid, int status, uint64_t now_ns);

/* Ends and reaps what is still at work. */
void supervisor_deadlock_end_helpers(struct deadlock_watch *watch);
/* True for a process that the supervisor started for work of its own. */
bool supervisor_deadlock_is_helper(const struct deadlock_watch *watch, pid_t pid);
/* True while something may still be proven or acted upon within moments. */
bool supervisor_deadlock_is_busy(const struct deadlock_watch *watch, uint64_t now_ns);
/* True for a process that is proven to be deadlocked and was left as it is. */
bool supervisor_deadlock_was_left(const struct deadlock_watch *watch, pid_t pid);

#endif
