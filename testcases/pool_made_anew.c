/* A child handler makes the pool anew, its threads too: the job that the child gives to it is done.
 *
 * expect: nothing
 * exit: 0
 */
#include "pool.h"

static void pool_restart(void)
{
	CHECK(pthread_mutex_init(&pool_mutex, NULL) == 0);
	CHECK(pthread_cond_init(&pool_filled, NULL) == 0);
	pool_jobs = NULL;
	memset((void *)pool_tids, 0, sizeof(pool_tids));
	pool_start();
}

int main(void)
{
	struct job job;
	pid_t pid;

	CHECK(pthread_atfork(NULL, NULL, pool_restart) == 0);
	pool_start();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		job_init(&job);
		pool_post(&job);
		job_wait(&job);
		_exit(0);
	}
	pool_leave(pid);
}
