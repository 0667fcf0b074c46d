/* What every wrapper begins with. */
#ifndef AFTERFORK_PRELOAD_HOOK_H
#define AFTERFORK_PRELOAD_HOOK_H

#include <errno.h>

#include "call_id.h"
#include "fork_snapshot.h"
#include "real.h"
#include "thread_record_push.h"

#define HOOK_EXPORT __attribute__((visibility("default")))

/* Initialises the library, enters a fresh child, adopts a thread that is new to it. NULL: pass the call
 * through. */
struct thread_record *hook_thread_slow(void);

/* Before the trace's folder, or /proc, can no longer be reached: opens the image's file and reads the map of
 * modules. */
void hook_before_confinement(void);
/* The same before seccomp, after which the library makes no system call. Returns whether it made none before;
 * hook_unseal() with that answer if the confinement failed. */
bool hook_seal(void);
void hook_unseal(bool was_sealed);

/* The calling thread's record, ready for use, or NULL. Its gate is closed in a child until that has entered
 * its snapshot, and for good where locks of vanished threads matter. */
static inline struct thread_record *hook_thread(void)
{
	struct thread_record *self = thread_record_gate->record;
	return __builtin_expect(self != NULL, 1) ? self : hook_thread_slow();
}

/* The gate is closed there. */
static inline bool hook_in_handlers(const struct thread_record *self)
{
	return __builtin_expect(!thread_record_gate->record, 0) && fork_snapshot_in_handlers(self);
}

/* The calling thread's record where it is inside of fork, in a process that is no forked child; else NULL. */
static inline struct thread_record *hook_forking_thread(void)
{
	struct thread_record *self = thread_record_self;
	return process_is_plain() && self && hook_in_handlers(self) ? self : NULL;
}

/* C11 results as errno values. */
static inline int errno_of_thrd(int result)
{
	switch (result) {
	case thrd_success:
		return 0;
	case thrd_busy:
		return EBUSY;
	case thrd_timedout:
		return ETIMEDOUT;
	default:
		return EPERM;
	}
}
static inline int errno_of_posix(int result)
{
	return result;
}

/* glibc's mtx_t is a pthread_mutex_t (glibc nptl/thrd_priv.h); mtx_lock works on it below any symbol. */
static inline pthread_mutex_t *mutex_of(mtx_t *mutex)
{
	return (pthread_mutex_t *)mutex;
}

#endif
