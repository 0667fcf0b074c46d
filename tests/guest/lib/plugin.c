/* A module that comes and goes, with a lock, a thread and a condition variable of its own. */
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int count;

static void *add(void *argument)
{
	pthread_mutex_lock(&mutex);
	count++;
	pthread_cond_signal(&condition);
	pthread_mutex_unlock(&mutex);
	return argument;
}

int plugin_run(void)
{
	pthread_t thread;
	pthread_mutex_t own;

	if (pthread_create(&thread, NULL, add, NULL) != 0)
		return -1;
	pthread_mutex_init(&own, NULL);
	pthread_mutex_lock(&own);
	pthread_mutex_lock(&mutex);
	while (!count)
		pthread_cond_wait(&condition, &mutex);
	pthread_mutex_unlock(&mutex);
	pthread_mutex_unlock(&own);
	pthread_mutex_destroy(&own);
	pthread_join(thread, NULL);
	return count;
}
