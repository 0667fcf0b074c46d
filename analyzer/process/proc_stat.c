#include "proc_stat.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROC_FLAG_FORKNOEXEC = 0x40 }; /* PF_FORKNOEXEC of linux/sched.h */

/* Reads a whole small file of /proc as one string. Returns its size, or -1. */
static ssize_t read_text(const char *path, char *text, size_t size_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t size = read(fd, text, size_bytes - 1);
	close(fd);
	if (size < 0)
		return -1;
	text[size] = '\0';
	return size;
}

static void task_path(char *path, size_t size_bytes, pid_t pid, pid_t tid, const char *file)
{
	if (tid)
		snprintf(path, size_bytes, "/proc/%d/task/%d/%s", (int)pid, (int)tid, file);
	else
		snprintf(path, size_bytes, "/proc/%d/%s", (int)pid, file);
}

bool proc_stat_read(pid_t pid, pid_t tid, struct proc_stat *ret_stat)
{
	char path[64], text[1024];
	struct proc_stat stat = {.pid = tid ? tid : pid};
	unsigned flags;
	uint64_t user, system;
	int ppid, group;

	task_path(path, sizeof(path), pid, tid, "stat");
	if (read_text(path, text, sizeof(text)) <= 0)
		return false;
	/* The name is in parentheses and may hold any character, these and spaces among them. */
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close || close < open)
		return false;
	snprintf(stat.name, sizeof(stat.name), "%.*s", (int)(close - open - 1), open + 1);
	if (sscanf(close + 1,
	           " %c %d %d %*d %*d %*d %u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
	           " %*d %*d %*d %*d %*d %*d %" SCNu64,
	           &stat.state, &ppid, &group, &flags, &user, &system, &stat.start_ticks) != 7)
		return false;
	stat.ppid = ppid;
	stat.process_group = group;
	stat.forked_without_exec = flags & PROC_FLAG_FORKNOEXEC;
	stat.cpu_ticks = user + system;
	*ret_stat = stat;
	return true;
}

bool proc_stat_is_alive(pid_t pid, uint64_t start_ticks)
{
	struct proc_stat stat;

	return proc_stat_read(pid, 0, &stat) && stat.start_ticks == start_ticks && stat.state != 'Z' &&
	       stat.state != 'X';
}

uint64_t proc_stat_started_ns(uint64_t start_ticks)
{
	struct timespec monotonic, boot;
	uint64_t started_ns = start_ticks * (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));

	/* Start times count suspended time, CLOCK_MONOTONIC does not. */
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	int64_t suspended_ns =
	    (int64_t)(boot.tv_sec - monotonic.tv_sec) * 1000000000 + boot.tv_nsec - monotonic.tv_nsec;
	if (suspended_ns < 0)
		suspended_ns = 0;
	return started_ns > (uint64_t)suspended_ns ? started_ns - (uint64_t)suspended_ns : 0;
}

bool proc_stat_line(pid_t pid, pid_t tid, const char *key, char *ret_line, size_t size_bytes)
{
	char path[64], text[4096], start[32];

	task_path(path, sizeof(path), pid, tid, "status");
	snprintf(start, sizeof(start), "\n%s:\t", key);
	const char *found = read_text(path, text, sizeof(text)) > 0 ? strstr(text, start) : NULL;
	if (!found)
		return false;
	found += strlen(start);
	snprintf(ret_line, size_bytes, "%.*s", (int)strcspn(found, "\n"), found);
	return true;
}

static uint64_t status_number(const char *text, const char *key)
{
	const char *found = strstr(text, key);

	return found ? strtoull(found + strlen(key), NULL, 10) : 0;
}

uint64_t proc_stat_switches(pid_t pid, pid_t tid)
{
	char path[64], text[4096];

	task_path(path, sizeof(path), pid, tid, "status");
	if (read_text(path, text, sizeof(text)) <= 0)
		return 0;
	return status_number(text, "\nvoluntary_ctxt_switches:") +
	       status_number(text, "\nnonvoluntary_ctxt_switches:");
}

bool proc_stat_mask(pid_t pid, pid_t tid, const char *key, uint64_t *ret_mask)
{
	char path[64], text[4096], line[16];

	task_path(path, sizeof(path), pid, tid, "status");
	snprintf(line, sizeof(line), "\n%s:", key);
	const char *found = read_text(path, text, sizeof(text)) > 0 ? strstr(text, line) : NULL;
	if (!found)
		return false;
	*ret_mask = strtoull(found + strlen(line), NULL, 16);
	return true;
}

bool proc_stat_is_dumping_core(pid_t pid)
{
	char path[64], text[4096];

	task_path(path, sizeof(path), pid, 0, "status");
	return read_text(path, text, sizeof(text)) > 0 && status_number(text, "\nCoreDumping:") == 1;
}

const char *proc_stat_describe(pid_t pid, char *text, size_t size_bytes)
{
	struct proc_stat stat;
	char path[64];

	task_path(path, sizeof(path), pid, 0, "exe");
	ssize_t size = readlink(path, text, size_bytes - 1);
	if (size > 0)
		text[size] = '\0';
	else
		snprintf(text, size_bytes, "%s", proc_stat_read(pid, 0, &stat) ? stat.name : "ended");
	return text;
}
