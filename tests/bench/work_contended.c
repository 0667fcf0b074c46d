/* Two threads that want the same mutex all the time. An operation is a pair of one of them, with a few
 * nanoseconds of work inside and outside the lock. */
#include <pthread.h>
#include <stdatomic.h>

#include "measure.h"

enum { WORK_STEPS = 20 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t start, end;
static uint64_t shared_value;
static uint64_t rounds;

static uint64_t work(uint64_t value)
{
	for (int i = 0; i < WORK_STEPS; i++)
		value = value * 6364136223846793005u + 1442695040888963407u;
	return value;
}

static void take_turns(uint64_t count)
{
	uint64_t own = count;
	for (uint64_t i = 0; i < count; i++) {
		pthread_mutex_lock(&mutex);
		shared_value = work(shared_value);
		pthread_mutex_unlock(&mutex);
		own = work(own);
	}
	__asm__ volatile("" ::"r"(own));
}

static void *rival(void *nothing)
{
	for (;;) {
		pthread_barrier_wait(&start);
		take_turns(rounds);
		pthread_barrier_wait(&end);
	}
	return nothing;
}

static void run(void *context, uint64_t count)
{
	(void)context;
	rounds = count;
	pthread_barrier_wait(&start);
	take_turns(count);
	pthread_barrier_wait(&end);
}

int main(void)
{
	pthread_t thread;
	measure_init(MEASURE_CONTENDED);
	measure_check(pthread_barrier_init(&start, NULL, 2), "pthread_barrier_init");
	measure_check(pthread_barrier_init(&end, NULL, 2), "pthread_barrier_init");
	measure_check(pthread_create(&thread, NULL, rival, NULL), "pthread_create");
	measure_run(run, NULL, 2);
	return 0;
}
