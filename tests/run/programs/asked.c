/* Forks two children, each of which waits for a semaphore that only its handler of SIGINT posts: asked
 *
 * A worker lives while main forks. The first child has a handler of SIGUSR1, too. A child that was asked to
 * go on prints so, and waits for a signal that ends it. Prints of each child, on a line of its own, how many
 * signals it catches, and its pid.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static sem_t asked;

static void *worker(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void caught(int number)
{
	(void)number;
	sem_post(&asked);
}

static void child(int also_caught)
{
	signal(SIGINT, caught);
	if (also_caught)
		signal(also_caught, caught);
	sem_init(&asked, 0, 0);
	printf("%s %d\n", also_caught ? "twice" : "once", (int)getpid());
	fflush(stdout);
	while (sem_wait(&asked) != 0)
		;
	puts("asked");
	fflush(stdout);
	pause();
	_exit(0);
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, worker, NULL);
	if (fork() == 0)
		child(SIGUSR1);
	if (fork() == 0)
		child(0);
	while (wait(NULL) > 0)
		;
	return 0;
}
