/* A library with a lock that its users do not see. */
#include <pthread.h>
#include "mutex_static_in_library.h"

static pthread_mutex_t counter_mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void counter_lock(void)
{
	if (pthread_mutex_lock(&counter_mutex))
		counter = -1;
}

void counter_visit(void (*during_hold)(void))
{
	counter_lock();
	during_hold();
	pthread_mutex_unlock(&counter_mutex);
}

long counter_next(void)
{
	long ret;

	counter_lock();
	ret = ++counter;
	pthread_mutex_unlock(&counter_mutex);
	return ret;
}
