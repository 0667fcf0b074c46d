/* Threads lock and unlock without a pause while the process forks again and again: each child tries every
 * lock. How many were held is printed: as many the trace has to tell of. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "guest.h"

enum { THREADS = 4, LOCKS = 8, FORKS = 150 };

static pthread_mutex_t mutexes[LOCKS];
static atomic_int *busy;

static void pass_time(int rounds)
{
	for (volatile int i = 0; i < rounds; i++)
		;
}

static __attribute__((noinline)) void nest(int first, int depth)
{
	pthread_mutex_lock(&mutexes[first]);
	pass_time(first * 10);
	if (depth && first + 1 < LOCKS)
		nest(first + 1, depth - 1);
	pthread_mutex_unlock(&mutexes[first]);
}

static void *lock_all_the_while(void *argument)
{
	unsigned seed = (unsigned)(long)argument;

	for (;;)
		nest(rand_r(&seed) % LOCKS, rand_r(&seed) % 4);
	return NULL;
}

/* One call for all of them: one place, one fault for each stack of a holder. */
static void try_all(void)
{
	for (int i = 0; i < LOCKS; i++) {
		int result = pthread_mutex_trylock(&mutexes[i]);
		EXPECT(result == 0 || result == EBUSY);
		atomic_fetch_add(busy, result == EBUSY);
	}
}

int main(void)
{
	pthread_t thread;

	busy = mmap(NULL, sizeof(*busy), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&mutexes[i], NULL);
	for (long i = 0; i < THREADS; i++)
		EXPECT(pthread_create(&thread, NULL, lock_all_the_while, (void *)(i + 1)) == 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t child = fork();
		if (child == 0) {
			try_all();
			_exit(0);
		}
		guest_wait(child);
	}
	printf("%d\n", atomic_load(busy));
	return 0;
}
