/* Watches the command and its whole tree of processes, from its start to its end.
 *
 * One thread, asleep on a futex word of the trace unless something happens. Orphans of the tree become
 * children of this process (PR_SET_CHILD_SUBREAPER), so a daemonized child stays in sight. */
#ifndef AFTERFORK_SUPERVISOR_H
#define AFTERFORK_SUPERVISOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "proc_tree.h"
#include "run_file.h"
#include "supervisor_deadlock.h"

struct options;

struct supervisor {
	struct run_file *run_file;
	struct deadlock_watch deadlock;
	struct proc_list older_children; /* that this process had before: not ours to wait for */
	bool wait_for_all, quiet;
	pid_t command;
	bool command_ended, children_left, asked_to_stop;
	uint64_t command_ended_ns;
	int stop_signal;      /* that stopped the command, not dealt with yet; 0: none */
	bool command_stopped; /* it is, while this process is not */
	uint32_t seen_notices;
	int exit_code, exit_signal; /* of the command; code -1 when a signal ended it */
};

/* Call before the command is started: takes over signals and orphans. run_file and options must outlive it.
 */
void supervisor_init(struct supervisor *ret_supervisor, struct run_file *run_file,
                     const struct options *options);
/* Returns once the command has ended, and, as asked for, its descendants. Then exit_code and exit_signal are
 * set. */
void supervisor_watch(struct supervisor *supervisor, pid_t command);
/* Gives the signals back. Says on stderr which processes of the tree are left. */
void supervisor_release(struct supervisor *supervisor);

#endif
