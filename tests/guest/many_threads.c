/* 10,000 threads come and go, some named, all with locks: the library keeps nothing of them. */
#include <pthread.h>

#include "guest.h"

enum { THREADS = 10000, AT_ONCE = 20, GROWTH_MAX_KIB = 1024 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long ended;

static void *live(void *argument)
{
	pthread_mutex_t own;

	pthread_mutex_init(&own, NULL);
	pthread_mutex_lock(&own);
	pthread_mutex_lock(&mutex);
	ended++;
	pthread_mutex_unlock(&mutex);
	pthread_mutex_unlock(&own);
	pthread_mutex_destroy(&own);
	return argument;
}

static void run(int count)
{
	pthread_t thread[AT_ONCE];

	for (int done = 0; done < count; done += AT_ONCE) {
		for (int i = 0; i < AT_ONCE; i++)
			EXPECT(pthread_create(&thread[i], NULL, live, NULL) == 0);
		for (int i = 0; i < AT_ONCE; i++)
			EXPECT(pthread_join(thread[i], NULL) == 0);
	}
}

int main(void)
{
	run(THREADS / 10);
	long before_kib = guest_memory_kib("VmRSS:"), mapped_before_kib = guest_memory_kib("VmSize:");
	run(THREADS - THREADS / 10);
	EXPECT(ended == THREADS);
	EXPECT(guest_memory_kib("VmRSS:") - before_kib < GROWTH_MAX_KIB);
	EXPECT(guest_memory_kib("VmSize:") - mapped_before_kib < GROWTH_MAX_KIB);
	puts("10000 threads ended");
	return 0;
}
