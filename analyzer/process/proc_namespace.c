#include "proc_namespace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc_stat.h"
#include "proc_tree.h"

bool proc_namespace_is_ours(pid_t pid)
{
	char path[64], theirs[64], ours[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	ssize_t their_size = readlink(path, theirs, sizeof(theirs));
	ssize_t our_size = readlink("/proc/self/ns/pid", ours, sizeof(ours));
	/* Unreadable is not foreign: the caller has further proof to ask for. */
	return their_size <= 0 || (their_size == our_size && memcmp(theirs, ours, (size_t)their_size) == 0);
}

pid_t proc_namespace_inner(pid_t pid, pid_t tid)
{
	char line[256];

	/* One number for each namespace, ours first. */
	if (!proc_stat_line(pid, tid, "NSpid", line, sizeof(line)))
		return 0;
	const char *last = strrchr(line, '\t');
	return (pid_t)strtol(last ? last : line, NULL, 10);
}

pid_t proc_namespace_find_thread(pid_t pid, pid_t inner_tid)
{
	struct proc_list threads;
	pid_t found = 0;

	proc_tree_threads(pid, &threads);
	for (size_t i = 0; i < threads.count && !found; i++)
		if (proc_namespace_inner(pid, threads.pids[i]) == inner_tid)
			found = threads.pids[i];
	proc_list_release(&threads);
	return found;
}

pid_t proc_namespace_find_process(pid_t root, pid_t inner_pid, pid_t inner_tid)
{
	struct proc_list tree;
	pid_t found = 0;
	unsigned count = 0;

	proc_tree_descendants(root, &tree);
	for (size_t i = 0; i < tree.count; i++) {
		pid_t pid = tree.pids[i];

		if (proc_namespace_inner(pid, 0) != inner_pid || proc_namespace_is_ours(pid) ||
		    !proc_namespace_find_thread(pid, inner_tid))
			continue;
		found = pid;
		count++;
	}
	proc_list_release(&tree);
	return count == 1 ? found : 0;
}
