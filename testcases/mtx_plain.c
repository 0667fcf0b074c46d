/* The lock and the thread are those of C11, whose functions reach glibc's own without passing through the
 * pthread symbols. The child waits for ever all the same.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex initialised_at=cache_init
 *   holder: acquired_at=cache_fill<worker start_routine=worker created_at=cache_play<main
 *   fork: call=fork function=cache_play<main
 *   victim: call=mtx_lock function=cache_get<cache_play
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "mtx_story.h"

int main(void)
{
	cache_init(mtx_plain);
	cache_play();
	return 0;
}
