/* A thread forks in the last destructor of its thread-specific values that runs, while main holds a lock: the
 * child has that thread alone, and waits for main's lock. The library has given back the thread's record by
 * then: of the fork nothing is known.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=main
 *   victim: call=pthread_mutex_lock function=at_end
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "late_destructor.h"

int main(void)
{
	pthread_t thread;

	late_destructor_prepare();
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_create(&thread, NULL, ends, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
	return 0;
}
