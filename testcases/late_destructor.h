/* A thread whose end runs a destructor that forks, in the last round that libc makes and behind the library's
 * own key. */
#include "case.h"

#include <limits.h>

enum { KEYS = 40 };

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t keys[KEYS];

static void at_end(void *rounds_left)
{
	pid_t pid;

	if (rounds_left != (void *)1) {
		CHECK(pthread_setspecific(keys[KEYS - 1], (char *)rounds_left - 1) == 0);
		return;
	}
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_lock(&table_mutex) == 0);
		CHECK(pthread_mutex_unlock(&table_mutex) == 0);
		_exit(0);
	}
	child_reap(pid);
}

static void *ends(void *unused)
{
	(void)unused;
	CHECK(pthread_setspecific(keys[KEYS - 1], (void *)PTHREAD_DESTRUCTOR_ITERATIONS) == 0);
	return NULL;
}

static void late_destructor_prepare(void)
{
	for (int i = 0; i < KEYS; i++)
		CHECK(pthread_key_create(&keys[i], at_end) == 0);
}
