/* spawn_measured FILE LIBRARY COMMAND [ARG...]
 * Runs a program that is not ours, with LIBRARY preloaded ("-" for none), and writes into FILE what it cost:
 *
 *   wall_ns 123   cpu_ns 456   peak_rss_kib 789        (one a line)
 *
 * It is small itself because the kernel counts a process's peak memory from before its exec: a large parent
 * would hide what a small program needs. Exit code: the program's own, 128 + signal, or 125 when it could not
 * be run. */
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

enum { EXIT_OWN_FAILURE = 125, EXIT_SIGNAL = 128 };

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t as_ns(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "spawn_measured: %s: %s\n", what, strerror(error));
	return EXIT_OWN_FAILURE;
}

static int write_costs(const char *path, uint64_t wall_ns, const struct rusage *usage)
{
	FILE *file = fopen(path, "we");
	if (!file)
		return errno;
	fprintf(file, "wall_ns %" PRIu64 "\ncpu_ns %" PRIu64 "\npeak_rss_kib %ld\n", wall_ns,
	        as_ns(usage->ru_utime) + as_ns(usage->ru_stime), usage->ru_maxrss);
	return fclose(file) ? errno : 0;
}

int main(int argc, char *argv[])
{
	pid_t child;
	int status;
	struct rusage usage;
	if (argc < 4) {
		fprintf(stderr, "usage: spawn_measured FILE LIBRARY COMMAND [ARG...]\n");
		return EXIT_OWN_FAILURE;
	}
	if (strcmp(argv[2], "-") != 0)
		setenv("LD_PRELOAD", argv[2], 1);
	uint64_t before_ns = now_ns();
	int error = posix_spawnp(&child, argv[3], NULL, NULL, argv + 3, environ);
	if (error)
		return fail(argv[3], error);
	unsetenv("LD_PRELOAD");
	while (wait4(child, &status, 0, &usage) < 0) {
		if (errno != EINTR)
			return fail("wait4", errno);
	}
	error = write_costs(argv[1], now_ns() - before_ns, &usage);
	if (error)
		return fail(argv[1], error);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}
