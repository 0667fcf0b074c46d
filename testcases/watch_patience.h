/* For cases in which a process waits rightly: it has to wait for longer than the watch from outside needs to
 * make up its mind, or the case would prove nothing. This is the one place where a case takes time on
 * purpose. */
#ifndef AFTERFORK_CASE_WATCH_PATIENCE_H
#define AFTERFORK_CASE_WATCH_PATIENCE_H

#include "case.h"
#include <dirent.h>
#include <time.h>

enum { WATCH_PATIENCE_S = 3 };

__attribute__((unused)) static void outlast_the_watch(void)
{
	struct timespec span = {WATCH_PATIENCE_S, 0};

	while (nanosleep(&span, &span) != 0)
		CHECK(errno == EINTR);
}

/* Returns once the child has ended. To wait for it without a limit would be to hang, for who looks on. */
__attribute__((unused)) static void await_end(pid_t pid)
{
	const struct timespec step = {0, 20 * 1000 * 1000};

	while (!child_has_ended(pid))
		nanosleep(&step, NULL);
}

/* True when the image's file at `path` has a record of the process. Of its layout no more is known here than
 * docs/trace-format.md says of each record: at multiples of 256, magic, type, ..., pid at 24. */
static inline int is_told_in(const char *path, pid_t pid)
{
	enum { RECORD_MAGIC = 0x43524641, RECORDS_AT = 16384, GRANULE = 256, PID_WORD = 6 };
	uint32_t words[PID_WORD + 1];
	int told = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	for (off_t at = RECORDS_AT; !told && pread(fd, words, sizeof(words), at) == sizeof(words);
	     at += GRANULE)
		told = words[0] == RECORD_MAGIC && words[PID_WORD] == (uint32_t)pid;
	close(fd);
	return told;
}

static inline int is_told(const char *trace, pid_t pid)
{
	DIR *folder = opendir(trace);
	struct dirent *entry;
	char path[1024];
	int told = 0;

	CHECK(folder);
	while (!told && (entry = readdir(folder))) {
		snprintf(path, sizeof(path), "%s/%s", trace, entry->d_name);
		told = strncmp(entry->d_name, "image-", 6) == 0 && is_told_in(path, pid);
	}
	closedir(folder);
	return told;
}

/* Returns once the watch, however late it is, has told of the process. Without a watch at once. */
static inline void await_the_watch(pid_t pid)
{
	const struct timespec step = {0, 20 * 1000 * 1000};
	const char *trace = getenv("AFTERFORK_TRACE");

	while (trace && !is_told(trace, pid))
		nanosleep(&step, NULL);
}

/* Ends a child that waits for ever, in futex(2) inside the object (NULL: anywhere), once the watch has told
 * of it. */
__attribute__((unused)) static void child_kill_when_told(pid_t pid, const void *object, size_t size_bytes)
{
	CHECK(wait_until_blocked(pid, pid, object, size_bytes));
	await_the_watch(pid);
	CHECK(kill(pid, SIGKILL) == 0);
	child_reap(pid);
}

#endif
