/* A library's constructor starts a worker, forks while the worker holds a lock, and its child waits for ever:
 * all of it before main, and perhaps before the constructor of the preloaded library.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal early_mutex
 *   holder: acquired_at=early_hold<early_worker start_routine=early_worker
 *   fork: call=fork function=early_start
 *   victim: call=pthread_mutex_lock function=early_use<early_start
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include "lib/fork_in_library_constructor.h"

int main(void)
{
	early_finish();
	return 0;
}
