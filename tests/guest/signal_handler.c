/* A signal handler with locks of its own interrupts the wrappers wherever it may, on the thread's stack and
 * on one of its own, and forks now and then. */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "guest.h"

enum { SIGNALS = 3000, FORK_EVERY = 500 };

static pthread_mutex_t in_handler = PTHREAD_MUTEX_INITIALIZER, second_in_handler = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t mutexes[20];
static volatile sig_atomic_t handled;

static void handle(int number)
{
	int before = errno;

	(void)number;
	if (pthread_mutex_lock(&in_handler) != 0 || pthread_mutex_lock(&second_in_handler) != 0)
		_exit(1);
	if (++handled % FORK_EVERY == 0) {
		pid_t child = _Fork();
		int status;
		if (child == 0) {
			pthread_mutex_unlock(&second_in_handler);
			_exit(pthread_mutex_unlock(&in_handler));
		}
		if (waitpid(child, &status, 0) != child || status != 0)
			_exit(1);
	}
	if (pthread_mutex_unlock(&in_handler) != 0 || pthread_mutex_unlock(&second_in_handler) != 0)
		_exit(1);
	errno = before;
}

static void lock_and_unlock(int count)
{
	for (int i = 0; i < count; i++)
		EXPECT(pthread_mutex_lock(&mutexes[i]) == 0);
	for (int i = 0; i < count; i++)
		EXPECT(pthread_mutex_unlock(&mutexes[(i * 3) % count]) == 0);
}

static void run(int flags)
{
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART | flags};
	struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};

	handled = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (handled < SIGNALS)
		for (int count = 1; count <= 20; count++)
			if (count % 3)
				lock_and_unlock(count);
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_IGN);
}

int main(void)
{
	static char stack[64 << 10];
	const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};

	for (int i = 0; i < 20; i++)
		pthread_mutex_init(&mutexes[i], NULL);
	run(0);
	EXPECT(sigaltstack(&alternate, NULL) == 0);
	run(SA_ONSTACK);
	for (int i = 0; i < 20; i++)
		EXPECT(pthread_mutex_trylock(&mutexes[i]) == 0);
	puts("interrupted and went on");
	return 0;
}
