/* The child only sleeps until it is ended: it looks at a flag between two naps, as its parent's main loop
 * does, and may do so for ever.
 *
 * expect: nothing
 * exit: 0
 */
#include "home_spin.h"

static volatile int shall_stop;

static void child(void)
{
	while (!shall_stop)
		usleep(1000);
}

int main(void)
{
	play_patiently(child, NULL);
	return 0;
}
