/* Processes of other pid namespaces, below our own: they know themselves, and are recorded, by other numbers
 * than those by which /proc and kill() know them here. "Inner" numbers are those that a process sees itself.
 */
#ifndef AFTERFORK_PROC_NAMESPACE_H
#define AFTERFORK_PROC_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

/* True when pid's numbers are those of our own pid namespace. */
bool proc_namespace_is_ours(pid_t pid);
/* The inner number of a thread; tid 0: of the process. 0: not known. */
pid_t proc_namespace_inner(pid_t pid, pid_t tid);
/* Our number of the thread of the process with that inner number. 0: it has none. */
pid_t proc_namespace_find_thread(pid_t pid, pid_t inner_tid);
/* The process below root, in another pid namespace than ours, with these inner numbers of itself and of one
 * of its threads. 0 unless there is exactly one: each namespace has its own numbers. */
pid_t proc_namespace_find_process(pid_t root, pid_t inner_pid, pid_t inner_tid);

#endif
