/* A thread forks in the last destructor of its thread-specific values that runs, and main holds nothing: the
 * nearest safe relative of fork_late_in_thread_end.c.
 *
 * expect: nothing
 */
#include "late_destructor.h"

int main(void)
{
	pthread_t thread;

	late_destructor_prepare();
	CHECK(pthread_create(&thread, NULL, ends, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
