/* pthread_create and pthread_join of a thread that takes one lock: one operation. Beside --idle=N threads
 * that sleep. */
#include <pthread.h>

#include "measure.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *take_one_lock(void *nothing)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return nothing;
}

static void run(void *context, uint64_t count)
{
	(void)context;
	for (uint64_t i = 0; i < count; i++) {
		pthread_t thread;
		measure_check(pthread_create(&thread, NULL, take_one_lock, NULL), "pthread_create");
		pthread_join(thread, NULL);
	}
}

int main(int argc, char *argv[])
{
	(void)argc;
	measure_init(MEASURE_PINNED);
	measure_start_idle_threads(measure_option(argv, "idle", 1));
	measure_run(run, NULL, 1);
	return 0;
}
