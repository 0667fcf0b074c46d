/* The start and the end of a program that does nothing: one operation. What is taken is the CPU time of its
 * process, in which other programs do not show. */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "measure.h"

extern char **environ;

enum { STARTS = 200, STARTS_QUICK = 5 };

static uint64_t as_ns(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

static double start_one(char *program)
{
	char *const arguments[] = {program, (char[]){"--end"}, NULL};
	pid_t child;
	int status;
	struct rusage usage;
	measure_check(posix_spawn(&child, program, NULL, NULL, arguments, environ), "posix_spawn");
	measure_check(wait4(child, &status, 0, &usage) == child ? status : errno, "wait4");
	return (double)(as_ns(usage.ru_utime) + as_ns(usage.ru_stime));
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "--end") == 0)
		return 0;
	measure_init(MEASURE_PINNED);
	double took_ns[STARTS];
	unsigned count = measure_is_quick() ? STARTS_QUICK : STARTS;
	for (unsigned i = 0; i < count; i++)
		took_ns[i] = start_one(argv[0]);
	qsort(took_ns, count, sizeof *took_ns, compare);
	measure_print("ns_per_op", took_ns[count / 4]);
	measure_print_process();
	return 0;
}
