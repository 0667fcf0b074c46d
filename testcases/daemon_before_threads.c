/* The program makes itself a daemon first and starts its worker then: no thread is lost. The daemon's
 * main waits for the lock until the worker, which lives, lets go of it.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile pid_t main_tid;

static void table_use(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	pthread_barrier_wait(&worker_ready);
	wait_until_blocked(getpid(), main_tid, &table_mutex, sizeof(table_mutex));
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	table_use();
	CHECK(daemon(1, 1) == 0);
	main_tid = getpid();
	thread = worker_start(worker);
	table_use();
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
