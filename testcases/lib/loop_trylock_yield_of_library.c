#include <sched.h>
#include <unistd.h>

/* As a library of coroutines has it: here another one would run, and may end the program. */
int sched_yield(void)
{
	static int calls;

	if (++calls > 5000)
		_exit(0);
	return 0;
}
