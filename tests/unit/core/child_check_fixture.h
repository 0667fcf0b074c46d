/* What the tests of lock calls in a child share: a mutex, who held it, and the child's use of it. */
#ifndef AFTERFORK_TESTS_CHILD_CHECK_FIXTURE_H
#define AFTERFORK_TESTS_CHILD_CHECK_FIXTURE_H

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child_check.h"
#include "core_fixture.h"

enum { HOLDER = 100001, OTHER = 100002, LIVE = 100003, NOBODY = 100004, FORMER = 100005 };

static const pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER;
static const pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static const pthread_mutex_t errorcheck = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static const pthread_mutex_t adaptive = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

/* In memory of its own: what lies beside it must not matter. */
static pthread_mutex_t *lock;
static struct thread_record *self;

static inline void start(void)
{
	self = core_start();
	lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

/* The child's use of the lock, up to the original call. */
static inline struct child_use use_lock(enum child_attempt attempt)
{
	const struct call_registers regs = core_registers();
	struct child_use use;

	const struct lock_ref ref = {lock, TRACE_LOCK_MUTEX, false};
	child_check_before(&use, self, &ref, CALL_pthread_mutex_lock, attempt, &regs);
	return use;
}

static inline void expect(enum child_attempt attempt, enum trace_observed observed)
{
	struct child_use use = use_lock(attempt);
	cr_assert_eq(use.suspect.observed, observed, "attempt %d: observed %d, not %d", attempt,
	             use.suspect.observed, observed);
}

static inline void expect_nothing(void)
{
	for (enum child_attempt attempt = CHILD_LOCK; attempt <= CHILD_WAIT; attempt++)
		expect(attempt, 0);
}

static inline struct thread_record *vanished_holder(enum trace_hold_state state, int32_t owner_tid)
{
	start();
	struct thread_record *holder = core_invent_thread(HOLDER);
	core_invent_hold(holder, lock, state);
	core_lock_by_hand(lock, owner_tid);
	core_become_child(self);
	return holder;
}
/* The forking thread itself holds it: under the id that it had in the parent. */
static inline void inherit(const pthread_mutex_t *made)
{
	start();
	*lock = *made;
	core_invent_thread(OTHER);
	self->tid = self->owner_tid = FORMER;
	core_invent_hold(self, lock, TRACE_HOLD_HELD);
	core_lock_by_hand(lock, FORMER);
	core_become_child(self);
	cr_assert_eq(self->tid, gettid());
	cr_assert_eq(self->former_tid, FORMER);
}

#endif
