/* An ordinary threaded program without a fault, for the sanitizers: threads, locks, waits, forks with and
 * without exec. */
#include <pthread.h>

#include "guest.h"

enum { THREADS = 4, ROUNDS = 2000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int counter, ready;

static void *count(void *argument)
{
	int *memory = malloc(100 * sizeof(*memory));

	pthread_mutex_lock(&mutex);
	ready++;
	pthread_cond_broadcast(&condition);
	while (ready < THREADS)
		pthread_cond_wait(&condition, &mutex);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < ROUNDS; i++) {
		memory[i % 100] = i;
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	free(memory);
	return argument;
}

int main(void)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		EXPECT(pthread_create(&thread[i], NULL, count, NULL) == 0);
	for (int i = 0; i < 5; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(0);
		guest_wait(child);
	}
	for (int i = 0; i < THREADS; i++)
		EXPECT(pthread_join(thread[i], NULL) == 0);
	EXPECT(system("exit 0") == 0);
	printf("counted to %d\n", counter);
	return 0;
}
