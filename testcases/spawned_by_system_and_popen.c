/* A worker holds a lock while main starts programs by system() and popen(): the shells that they run, and
 * what those fork in turn, have nothing to do with the lock.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return NULL;
}

static void program_run(void)
{
	char text[16] = "";
	FILE *pipe;

	CHECK(system("true; (true)") == 0);
	pipe = popen("echo $(echo word)", "r");
	CHECK(pipe);
	CHECK(fgets(text, sizeof(text), pipe));
	CHECK(strcmp(text, "word\n") == 0);
	CHECK(pclose(pipe) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);

	program_run();
	worker_finish(thread);
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return 0;
}
