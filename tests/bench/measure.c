#include "measure.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	COUNT_LEAST_OF_TWO = 10000,
	BATCHES = 31,
	BATCHES_QUICK = 3,
	BATCH_NS = 2000000,
	BATCH_QUICK_NS = 100000,
	LINE_SIZE_BYTES = 512
};

static enum measure_place place;

uint64_t measure_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int measure_is_quick(void)
{
	return getenv("BENCH_QUICK") != NULL;
}

void measure_check(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
	exit(1);
}

void measure_init(enum measure_place where)
{
	cpu_set_t allowed, chosen;
	place = where;
	if (place != MEASURE_PINNED)
		return;
	measure_check(sched_getaffinity(0, sizeof allowed, &allowed) ? errno : 0, "sched_getaffinity");
	int last = 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		last = CPU_ISSET(cpu, &allowed) ? cpu : last;
	CPU_ZERO(&chosen);
	CPU_SET(last, &chosen);
	measure_check(sched_setaffinity(0, sizeof chosen, &chosen) ? errno : 0, "sched_setaffinity");
}

static uint64_t time_batch(measure_body *body, void *context, uint64_t count)
{
	uint64_t before = measure_now_ns();
	body(context, count);
	return measure_now_ns() - before;
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return (a > b) - (a < b);
}

/* Sorted times of batches of `count`. */
static void time_batches(measure_body *body, void *context, uint64_t count, unsigned batches,
                         uint64_t *ret_ns)
{
	for (unsigned i = 0; i < batches; i++)
		ret_ns[i] = time_batch(body, context, count);
	qsort(ret_ns, batches, sizeof *ret_ns, compare);
}

/* A count whose fastest batch of a few is long enough: one that was interrupted must not pass for long. */
static uint64_t find_count(measure_body *body, void *context, uint64_t batch_ns)
{
	uint64_t took_ns[BATCHES_QUICK];
	/* Threads that wait for each other wait for the scheduler too: a batch of few operations shows
	 * nothing else. */
	uint64_t count = place == MEASURE_PINNED ? 1 : COUNT_LEAST_OF_TWO;
	for (;;) {
		time_batches(body, context, count, BATCHES_QUICK, took_ns);
		if (took_ns[0] >= batch_ns / 4)
			break;
		count *= 2;
	}
	count = count * batch_ns / took_ns[0];
	return count ? count : 1;
}

void measure_run(measure_body *body, void *context, uint64_t operations_each)
{
	uint64_t took_ns[BATCHES];
	unsigned batches = measure_is_quick() ? BATCHES_QUICK : BATCHES;
	uint64_t batch_ns = measure_is_quick() ? BATCH_QUICK_NS : BATCH_NS;
	uint64_t count = find_count(body, context, batch_ns);
	time_batches(body, context, count, batches, took_ns);
	/* On a busy machine the search above may be misled all the same, and the batches show it. */
	while (took_ns[0] < batch_ns / 8) {
		count = count * batch_ns / (took_ns[0] + 1) + 1;
		time_batches(body, context, count, batches, took_ns);
	}
	uint64_t chosen_ns = took_ns[place == MEASURE_CONTENDED ? batches / 4 : 0];
	measure_print("ns_per_op", (double)chosen_ns / (double)(count * operations_each));
	measure_print_process();
}

void measure_print(const char *name, double value)
{
	printf("%s %.3f\n", name, value);
	fflush(stdout);
}

static void print_peak_rss(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[LINE_SIZE_BYTES];
	uint64_t size_kib;
	while (status && fgets(line, sizeof line, status)) {
		if (sscanf(line, "VmHWM: %" SCNu64, &size_kib) == 1)
			printf("peak_rss_kib %" PRIu64 "\n", size_kib);
	}
	if (status)
		fclose(status);
}

static void print_preload(void)
{
	static const char *const ours[] = {"libafterfork.so", "libpassthrough.so"};
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[LINE_SIZE_BYTES];
	const char *found = NULL;
	while (maps && !found && fgets(line, sizeof line, maps)) {
		for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++)
			found = strstr(line, ours[i]) ? ours[i] : found;
	}
	if (maps)
		fclose(maps);
	if (found)
		printf("preload %s\n", found);
}

void measure_print_process(void)
{
	print_peak_rss();
	print_preload();
	fflush(stdout);
}

uint64_t measure_rss_bytes(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	uint64_t pages = 0;
	int found = statm ? fscanf(statm, "%*u %" SCNu64, &pages) : 0;
	if (statm)
		fclose(statm);
	measure_check(found == 1 ? 0 : EIO, "/proc/self/statm");
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t measure_option(char *const argv[], const char *name, uint64_t otherwise)
{
	size_t length = strlen(name);
	for (char *const *at = argv + 1; *at; at++) {
		if (strncmp(*at, "--", 2) != 0 || strncmp(*at + 2, name, length) != 0 ||
		    (*at)[2 + length] != '=')
			continue;
		char *end;
		uint64_t value = strtoull(*at + 3 + length, &end, 10);
		if (*end || end == *at + 3 + length) {
			fprintf(stderr, "%s: %s: give a number after the equals sign\n",
			        program_invocation_short_name, *at);
			exit(2);
		}
		return value;
	}
	return otherwise;
}

static void *idle(void *nothing)
{
	for (;;)
		pause();
	return nothing;
}

void measure_start_idle_threads(uint64_t count)
{
	pthread_attr_t small;
	pthread_t thread;
	measure_check(pthread_attr_init(&small), "pthread_attr_init");
	measure_check(pthread_attr_setstacksize(&small, 64 << 10), "pthread_attr_setstacksize");
	for (uint64_t i = 0; i < count; i++)
		measure_check(pthread_create(&thread, &small, idle, NULL), "pthread_create");
	pthread_attr_destroy(&small);
}
