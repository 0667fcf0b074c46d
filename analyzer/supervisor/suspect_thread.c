#include "suspect_thread.h"

#include <unistd.h>

#include "proc_namespace.h"
#include "proc_tree.h"

enum { START_SLACK_NS = 20000000 /* start times come in ticks of 10 ms */ };

/* A record has the numbers by which its process knows itself. */
static bool find_process(struct pending_incident *incident)
{
	if (proc_namespace_is_ours(incident->pid) && proc_tree_has_thread(incident->pid, incident->tid) &&
	    proc_tree_descends(incident->pid, getpid()))
		return true;
	/* Inside of fork other threads count, too: their numbers are not looked up. */
	pid_t pid = incident->in_atfork_handler
	                ? 0
	                : proc_namespace_find_process(getpid(), incident->pid, incident->tid);
	if (!pid)
		return false;
	incident->tid = proc_namespace_find_thread(pid, incident->tid);
	incident->pid = pid;
	return true;
}

bool suspect_thread_is_same(struct suspect *suspect, struct proc_stat *ret_thread)
{
	struct pending_incident *incident = &suspect->incident;
	struct proc_stat process;

	if (!suspect->process_start_ticks && !find_process(incident))
		return false;
	if (!proc_stat_read(incident->pid, 0, &process) || process.state == 'Z' || process.state == 'X' ||
	    (!process.forked_without_exec && !incident->in_atfork_handler) ||
	    !proc_stat_read(incident->pid, incident->tid, ret_thread))
		return false;
	if (suspect->process_start_ticks)
		return process.start_ticks == suspect->process_start_ticks &&
		       ret_thread->start_ticks == suspect->thread_start_ticks;
	if (incident->time_ns &&
	    proc_stat_started_ns(ret_thread->start_ticks) > incident->time_ns + START_SLACK_NS)
		return false;
	suspect->process_start_ticks = process.start_ticks;
	suspect->thread_start_ticks = ret_thread->start_ticks;
	return true;
}
