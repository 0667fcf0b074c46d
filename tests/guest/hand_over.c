/* One thread locks, another unlocks, very often: what is left over of it must not fill memory or slow the
 * program. */
#include <pthread.h>
#include <semaphore.h>

#include "guest.h"

enum { ROUNDS = 50000, MUTEXES = 64, GROWTH_MAX_KIB = 4096 };

static pthread_mutex_t mutexes[MUTEXES];
static sem_t locked, unlocked;

static void *unlock_for_other(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		sem_wait(&locked);
		EXPECT(pthread_mutex_unlock(&mutexes[i % MUTEXES]) == 0);
		sem_post(&unlocked);
	}
	return argument;
}

int main(void)
{
	pthread_t thread;
	long before_kib = 0;

	for (int i = 0; i < MUTEXES; i++)
		pthread_mutex_init(&mutexes[i], NULL);
	sem_init(&locked, 0, 0);
	sem_init(&unlocked, 0, 0);
	EXPECT(pthread_create(&thread, NULL, unlock_for_other, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		if (i == ROUNDS / 10)
			before_kib = guest_memory_kib("VmRSS:");
		EXPECT(pthread_mutex_lock(&mutexes[i % MUTEXES]) == 0);
		sem_post(&locked);
		sem_wait(&unlocked);
	}
	EXPECT(guest_memory_kib("VmRSS:") - before_kib < GROWTH_MAX_KIB);
	EXPECT(pthread_join(thread, NULL) == 0);
	puts("handed over");
	return 0;
}
