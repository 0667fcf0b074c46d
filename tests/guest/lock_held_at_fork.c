/* A fault, for the allocators: a worker that allocates all the while holds a lock at a fork, the child gives
 * up on it. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "guest.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;

static void *hold(void *argument)
{
	pthread_mutex_lock(&mutex);
	pthread_barrier_wait(&barrier);
	pause();
	return argument;
}

static void *allocate(void *argument)
{
	for (;;)
		free(malloc(64 + (size_t)rand() % 4096));
	return argument;
}

int main(void)
{
	static const struct timespec past = {.tv_sec = 1};
	pthread_t holder, allocator;

	pthread_barrier_init(&barrier, NULL, 2);
	EXPECT(pthread_create(&allocator, NULL, allocate, NULL) == 0);
	EXPECT(pthread_create(&holder, NULL, hold, NULL) == 0);
	pthread_barrier_wait(&barrier);
	pid_t child = fork();
	if (child == 0) {
		free(malloc(100));
		EXPECT(pthread_mutex_timedlock(&mutex, &past) == ETIMEDOUT);
		_exit(0);
	}
	guest_wait(child);
	puts("gave up");
	return 0;
}
