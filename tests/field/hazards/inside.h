/* A thread stays inside of a library's lock while main forks; the child uses the library, too. */
#include <pthread.h>
#include "child.h"

static int entered[2], leave[2];

/* The thread is where it should be: from here on main forks. Later calls return at once. */
static inline void stay_inside(void)
{
	char token = 0;

	if (write(entered[1], &token, 1) != 1 || read(leave[0], &token, 1) < 0)
		abort();
}

typedef void (*use_function)(void);

static inline void *run_use(void *use)
{
	(*(use_function *)use)();
	return NULL;
}

static inline void fork_beside(use_function of_thread, use_function of_child)
{
	pthread_t thread;
	char token;

	if (pipe(entered) || pipe(leave) || pthread_create(&thread, NULL, run_use, &of_thread) ||
	    read(entered[0], &token, 1) != 1)
		abort();
	pid_t pid = fork();
	if (pid == 0) {
		of_child();
		_exit(0);
	}
	child_say_end(pid);
	close(leave[1]);
	pthread_join(thread, NULL);
}
