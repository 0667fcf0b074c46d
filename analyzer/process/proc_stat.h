/* /proc/PID/stat and its like, for processes that may end at any moment. World-readable: needs no ptrace
 * right. */
#ifndef AFTERFORK_PROC_STAT_H
#define AFTERFORK_PROC_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
	pid_t pid; /* of the thread, where one was asked for */
	pid_t ppid, process_group;
	char state;               /* R, S, D, T, t, Z, X */
	bool forked_without_exec; /* PF_FORKNOEXEC: a fork made this image, no exec replaced it */
	uint64_t cpu_ticks;       /* user and system */
	uint64_t start_ticks;     /* since boot; with the pid it names a process for good */
	char name[32];
};

/* tid 0: the process. False when it is gone. */
bool proc_stat_read(pid_t pid, pid_t tid, struct proc_stat *ret_stat);

/* True while the process of that start time exists and is no zombie. */
bool proc_stat_is_alive(pid_t pid, uint64_t start_ticks);

/* The start time on CLOCK_MONOTONIC, in steps of the kernel's tick (10 ms). */
uint64_t proc_stat_started_ns(uint64_t start_ticks);

/* How often the thread was given a CPU (voluntary and other switches); 0 when not known. */
uint64_t proc_stat_switches(pid_t pid, pid_t tid);

/* A set of signals in /proc/PID/status, or the thread's where tid is not 0: SigCgt, SigBlk, ShdPnd. Bit N-1
 * is signal N. False when not known. */
bool proc_stat_mask(pid_t pid, pid_t tid, const char *key, uint64_t *ret_mask);

/* True while the kernel writes a core file of the process. */
bool proc_stat_is_dumping_core(pid_t pid);

/* The executable's path, else the name; into text, returned. */
const char *proc_stat_describe(pid_t pid, char *text, size_t size_bytes);

/* What `status` has behind "KEY:" and a tab. */
bool proc_stat_line(pid_t pid, pid_t tid, const char *key, char *ret_line, size_t size_bytes);

#endif
