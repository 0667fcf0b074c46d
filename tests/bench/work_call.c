/* One call, or pair of calls, of what is not a mutex, by one thread that nobody disturbs:
 *   work_call read | write    a reader-writer lock, taken and let go
 *   work_call semaphore       sem_wait, sem_post
 *   work_call random          random(): libc takes a lock of its own inside
 *   work_call localtime       localtime_r(), the same */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "measure.h"

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;

static void read_lock(void *context, uint64_t count)
{
	(void)context;
	for (uint64_t i = 0; i < count; i++) {
		pthread_rwlock_rdlock(&rwlock);
		pthread_rwlock_unlock(&rwlock);
	}
}

static void write_lock(void *context, uint64_t count)
{
	(void)context;
	for (uint64_t i = 0; i < count; i++) {
		pthread_rwlock_wrlock(&rwlock);
		pthread_rwlock_unlock(&rwlock);
	}
}

static void wait_and_post(void *context, uint64_t count)
{
	(void)context;
	for (uint64_t i = 0; i < count; i++) {
		sem_wait(&semaphore);
		sem_post(&semaphore);
	}
}

static void draw(void *context, uint64_t count)
{
	(void)context;
	for (uint64_t i = 0; i < count; i++)
		random();
}

static void convert_time(void *context, uint64_t count)
{
	(void)context;
	struct tm calendar;
	for (uint64_t i = 0; i < count; i++) {
		time_t seconds = (time_t)i;
		localtime_r(&seconds, &calendar);
	}
}

static const struct {
	const char *name;
	measure_body *body;
} calls[] = {
    {"read", read_lock}, {"write", write_lock},       {"semaphore", wait_and_post},
    {"random", draw},    {"localtime", convert_time},
};

int main(int argc, char *argv[])
{
	measure_init(MEASURE_PINNED);
	measure_start_idle_threads(1);
	sem_init(&semaphore, 0, 1);
	for (size_t i = 0; argc == 2 && i < sizeof calls / sizeof *calls; i++) {
		if (strcmp(argv[1], calls[i].name) == 0) {
			measure_run(calls[i].body, NULL, 1);
			return 0;
		}
	}
	fprintf(stderr, "work_call: one argument: read, write, semaphore, random or localtime\n");
	return 2;
}
