/* A timed mutex of C11 that is waited for without a time limit: the child waits for ever.
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
	cache_init(mtx_timed);
	cache_play();
	return 0;
}
