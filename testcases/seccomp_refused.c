/* As cond_signaller_vanished, in a program whose call of seccomp() was refused: it is in no sandbox, and may
 * be looked at as before.
 *
 * expect: certain waker-vanished
 *   lock: condvar - queue_filled
 *   holder: acquired_at=queue_put<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_cond_wait function=queue_get<main
 *   count: 1
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal queue_mutex
 *   holder: acquired_at=queue_put<worker start_routine=worker
 *   victim: call=pthread_mutex_lock function=queue_get
 *   count: 1
 * exit: 66
 */
#include "cond_signaller_vanished.c"
#include <linux/seccomp.h>

__attribute__((constructor)) static void ask_for_too_much(void)
{
	enum { NO_SUCH_FLAG = 1 };

	CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, NO_SUCH_FLAG, NULL) == -1);
	CHECK(errno == EINVAL);
}
