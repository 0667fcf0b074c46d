/* More locks held at once than a record has room for, released in every order. */
#include <pthread.h>

#include "guest.h"

enum { MANY = 20000 };

static pthread_mutex_t *mutexes;

static void lock_first(int count)
{
	for (int i = 0; i < count; i++)
		EXPECT(pthread_mutex_lock(&mutexes[i]) == 0);
}

static void expect_free(int count)
{
	for (int i = 0; i < count; i++) {
		EXPECT(pthread_mutex_trylock(&mutexes[i]) == 0);
		EXPECT(pthread_mutex_unlock(&mutexes[i]) == 0);
	}
}

static void run(int count)
{
	lock_first(count);
	for (int i = count; i-- > 0;)
		EXPECT(pthread_mutex_unlock(&mutexes[i]) == 0);
	lock_first(count);
	for (int i = 0; i < count; i++)
		EXPECT(pthread_mutex_unlock(&mutexes[i]) == 0);
	lock_first(count);
	for (int i = 0; i < count; i++)
		EXPECT(pthread_mutex_unlock(&mutexes[(i * 7919L) % count]) == 0);
	expect_free(count);
}

static void recurse(int levels)
{
	pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

	for (int i = 0; i < levels; i++)
		EXPECT(pthread_mutex_lock(&recursive) == 0);
	for (int i = 0; i < levels; i++)
		EXPECT(pthread_mutex_unlock(&recursive) == 0);
	EXPECT(pthread_mutex_destroy(&recursive) == 0);
}

static void *run_in_thread(void *argument)
{
	run(17);
	run(1000);
	recurse(1000);
	run(MANY);
	return argument;
}

int main(void)
{
	pthread_t thread;

	mutexes = malloc(MANY * sizeof(*mutexes));
	for (int i = 0; i < MANY; i++)
		pthread_mutex_init(&mutexes[i], NULL);
	run_in_thread(NULL);
	EXPECT(pthread_create(&thread, NULL, run_in_thread, NULL) == 0);
	EXPECT(pthread_join(thread, NULL) == 0);
	puts("nested and released");
	return 0;
}
