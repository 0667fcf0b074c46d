/* The processes that descend from one, as /proc shows them now. */
#ifndef AFTERFORK_PROC_TREE_H
#define AFTERFORK_PROC_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct proc_list {
	pid_t *pids; /* rising */
	size_t count;
};

/* All living descendants of root (zombies and root itself left out). Out of memory or without /proc: an empty
 * list. */
void proc_tree_descendants(pid_t root, struct proc_list *ret_list);
/* The same, with a look only at processes that are not in *foreign, which then holds all that do not descend
 * from root: a stranger stays one, but for a pid that is given again. Released by the caller. */
void proc_tree_descendants_beside(pid_t root, struct proc_list *foreign, struct proc_list *ret_list);
/* The threads of a process. */
void proc_tree_threads(pid_t pid, struct proc_list *ret_list);
/* By the number that the process itself has for the thread: that is what locks name. */
bool proc_tree_has_thread(pid_t pid, pid_t tid);
bool proc_tree_has_one_thread(pid_t pid);
bool proc_list_has(const struct proc_list *list, pid_t pid);
void proc_list_release(struct proc_list *list);

/* True when root is an ancestor of pid. */
bool proc_tree_descends(pid_t pid, pid_t root);

#endif
