/* Loops of tries, built once for each level of optimisation: LEVEL is the suffix. */
#include "retry_loops.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#define PASTE(a, b) a##b
#define NAME(a, b)  PASTE(a, b)
#define LOOPS       NAME(retry_loops_, LEVEL)
#define NOINLINE    static __attribute__((noinline))

struct guarded {
	int count;
	pthread_mutex_t mutex;
};

static pthread_mutex_t lock;
static struct guarded guarded;
static volatile int shall_stop;
static int total;

static void yields(void)
{
	while (pthread_mutex_trylock(&lock) != 0)
		sched_yield();
}

static void only_tries(void)
{
	while (pthread_mutex_trylock(&lock) == EBUSY)
		;
}

static void sleeps_and_counts_for_show(void)
{
	const struct timespec pause = {.tv_nsec = 1000};
	while (pthread_mutex_trylock(&lock) != 0) {
		nanosleep(&pause, NULL);
		total++;
	}
}

NOINLINE int try_member(struct guarded *one)
{
	return pthread_mutex_trylock(&one->mutex) == 0;
}

static void tries_in_a_function(void)
{
	while (!try_member(&guarded))
		usleep(100);
}

static void asks_the_time(void)
{
	struct timespec limit;
	do {
		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_sec++;
	} while (pthread_mutex_timedlock(&lock, &limit) != 0);
}

static void counts(void)
{
	for (int i = 0; i < 1000000; i++) {
		if (pthread_mutex_trylock(&lock) == 0)
			return;
		sched_yield();
	}
}

static void counts_down_in_memory(void)
{
	total = 1000000;
	while (pthread_mutex_trylock(&lock) != 0 && total-- > 0)
		sched_yield();
}

static void looks_at_a_flag(void)
{
	while (!shall_stop && pthread_mutex_trylock(&lock) != 0)
		sched_yield();
}

static void looks_at_the_clock(void)
{
	struct timespec now;
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (pthread_mutex_trylock(&lock) != 0 && now.tv_sec < 2000000000);
}

static void sleeps_longer_each_time(void)
{
	for (unsigned pause = 1; pthread_mutex_trylock(&lock) != 0 && pause < 1u << 30; pause *= 2)
		usleep(0);
}

/* 1000 * 1001 / 2 steps: neither count alone ends it. */
static void counts_by_two(void)
{
	for (int i = 0, j = 0; i < 1000; j == i ? (j = 0, i++) : j++)
		if (pthread_mutex_trylock(&lock) == 0)
			return;
}

static void makes_it_anew_in_the_end(void)
{
	for (int i = 0; pthread_mutex_trylock(&lock) != 0; i++)
		if (i > 1000000)
			lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

NOINLINE void frees_it_in_the_end(struct guarded *one)
{
	for (int i = 0; pthread_mutex_trylock(&one->mutex) != 0; i++)
		if (i > 1000000)
			one->mutex.__data.__lock = 0;
}

static void frees_member(void)
{
	frees_it_in_the_end(&guarded);
}

static void does_something_else(void)
{
	while (pthread_mutex_trylock(&lock) != 0)
		retry_loops_work();
}

static void takes_either(void)
{
	while (pthread_mutex_trylock(&lock) != 0 && pthread_mutex_trylock(&guarded.mutex) != 0)
		sched_yield();
}

static void walks_over_locks(void)
{
	static pthread_mutex_t locks[1000];
	for (int i = 0; pthread_mutex_trylock(i < 10 ? &lock : &locks[i % 1000]) != 0; i++)
		;
}

NOINLINE void alternates(struct guarded *two)
{
	while (pthread_mutex_trylock(shall_stop ? &two[0].mutex : &two[1].mutex) != 0)
		;
}

static void alternates_between_members(void)
{
	static struct guarded two[2];
	alternates(two);
}

static void tries_once(void)
{
	if (pthread_mutex_trylock(&lock) == 0)
		total++;
}

static void refused_limit_ends_it(void)
{
	struct timespec limit;
	do {
		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_nsec += 1000000;
	} while (pthread_mutex_timedlock(&lock, &limit) == ETIMEDOUT);
}

static int give_up(void)
{
	shall_stop = 1;
	return 0;
}

static void changes_what_it_calls(void)
{
	static int (*wait)(void) = sched_yield;
	for (int i = 0; pthread_mutex_trylock(&lock) != 0 && !shall_stop; i++) {
		wait();
		if (i > 1000000)
			wait = give_up;
	}
}

static void calls_another_way_in_the_end(void)
{
	static int (*volatile wait)(void) = sched_yield;
	for (int i = 0; pthread_mutex_trylock(&lock) != 0; i++) {
		wait();
		if (i > 1000000)
			wait = (int (*)(void))retry_loops_work;
	}
}

static void changes_what_it_calls_on_the_stack(void)
{
	int (*volatile wait)(void) = sched_yield;
	for (int i = 0; pthread_mutex_trylock(&lock) != 0; i++) {
		wait();
		if (i > 1000000)
			wait = (int (*)(void))retry_loops_work;
	}
}

/* Nothing is filled then, and the limit refused. */
static void asks_no_clock(void)
{
	struct timespec limit = {.tv_nsec = 1000000000};
	do
		clock_gettime(12345, &limit);
	while (pthread_mutex_timedlock(&lock, &limit) == ETIMEDOUT);
}

static void asks_no_time_base(void)
{
	struct timespec limit = {.tv_nsec = 1000000000};
	do
		timespec_get(&limit, 0);
	while (pthread_mutex_timedlock(&lock, &limit) == ETIMEDOUT);
}

static int (*try_it)(pthread_mutex_t *) = pthread_mutex_trylock;
static int (*rest)(void) = sched_yield;

static int gives_up(void)
{
	retry_loops_work();
	return 0;
}

static void changes_its_pointer(void)
{
	while (pthread_mutex_trylock(&lock) != 0) {
		rest();
		if (++total > 1000000)
			rest = gives_up;
	}
}

static int takes_nothing(pthread_mutex_t *mutex)
{
	(void)mutex;
	return 0;
}

static void changes_the_try(void)
{
	while (try_it(&lock) != 0)
		if (++total > 1000000)
			try_it = takes_nothing;
}

/* Until it meets a page that is not there. */
NOINLINE void reads_on(const volatile char *from)
{
	for (; pthread_mutex_trylock(&lock) != 0; from += 64)
		(void)*from;
}

static void reads_until_it_faults(void)
{
	reads_on((const volatile char *)&guarded);
}

const struct retry_loop_case LOOPS[] = {
    {"yields", yields, true, EBUSY},
    {"only tries", only_tries, true, EBUSY},
    {"sleeps and counts for show", sleeps_and_counts_for_show, true, EBUSY},
    {"tries in a function", tries_in_a_function, true, EBUSY},
    {"asks the time", asks_the_time, true, ETIMEDOUT},
    {"changes its pointer", changes_its_pointer, false, EBUSY},
    {"changes the try", changes_the_try, false, EBUSY},
    {"reads until it faults", reads_until_it_faults, false, EBUSY},
    {"counts", counts, false, EBUSY},
    {"counts down in memory", counts_down_in_memory, false, EBUSY},
    {"looks at a flag", looks_at_a_flag, false, EBUSY},
    {"looks at the clock", looks_at_the_clock, false, EBUSY},
    {"sleeps longer each time", sleeps_longer_each_time, false, EBUSY},
    {"counts by two", counts_by_two, false, EBUSY},
    {"makes it anew in the end", makes_it_anew_in_the_end, false, EBUSY},
    {"frees it in the end", frees_member, false, EBUSY},
    {"does something else", does_something_else, false, EBUSY},
    {"takes either", takes_either, false, EBUSY},
    {"walks over locks", walks_over_locks, false, EBUSY},
    {"alternates between members", alternates_between_members, false, EBUSY},
    {"tries once", tries_once, false, EBUSY},
    {"a refused limit ends it", refused_limit_ends_it, false, ETIMEDOUT},
    {"changes what it calls", changes_what_it_calls, false, EBUSY},
    {"calls another way in the end", calls_another_way_in_the_end, false, EBUSY},
    {"changes what it calls on the stack", changes_what_it_calls_on_the_stack, false, EBUSY},
    {"asks no clock", asks_no_clock, false, ETIMEDOUT},
    {"asks no time base", asks_no_time_base, false, ETIMEDOUT},
    {0},
};
