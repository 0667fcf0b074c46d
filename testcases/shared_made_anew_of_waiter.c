/* A live worker sleeps in a condition wait with cache_mutex while main forks; the child initialises the mutex
 * anew before it uses it.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

static void cache_use(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static int is_filled;

static void *worker(void *unused)
{
	(void)unused;
	worker_tid = (pid_t)syscall(SYS_gettid);
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	pthread_barrier_wait(&worker_ready);
	while (!is_filled)
		CHECK(pthread_cond_wait(&filled, &cache_mutex) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	CHECK(wait_until_blocked(getpid(), worker_tid, &filled, sizeof(filled)));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_init(&cache_mutex, NULL) == 0);
		cache_use();
		_exit(0);
	}
	child_succeed(pid);
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	is_filled = 1;
	CHECK(pthread_cond_signal(&filled) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
