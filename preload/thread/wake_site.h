/* Who wakes whom: a bounded table from the address of a semaphore, condition variable or barrier to the
 * threads that were seen to post, signal or initialise it. What a child waits for can be told from it once
 * those threads vanished.
 *
 * Lock-free. After an object's first uses nothing is written any more: a look-up of one clean cache line. Two
 * threads that write one slot at once may lose an entry; an object without one is never spoken of. */
#ifndef AFTERFORK_PRELOAD_WAKE_SITE_H
#define AFTERFORK_PRELOAD_WAKE_SITE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "address_set.h"
#include "thread_record.h"

enum { WAKE_SITE_WAKERS = 2 };

struct waker {
	struct thread_record *thread; /* NULL: none */
	int32_t tid;
	uint32_t generation;  /* of the thread */
	struct lock_use past; /* what it did: call and pc are filled */
};

struct wake_facts {
	uint32_t generation;    /* of the process, when the object was first seen or initialised */
	uint32_t initial_value; /* of a semaphore; threads of a barrier */
	/* A semaphore was posted by a thread that had taken it; by one that had not, which is also how one
	 * that begins at zero has to be posted first. */
	bool by_holder, by_others;
	bool after_handover; /* it was made in a process that had handed over work */
	struct waker
	    wakers[WAKE_SITE_WAKERS]; /* the first two threads; who gives back what it took wakes nobody */
};

struct wake_site {
	_Atomic uint64_t object;
	struct wake_facts facts;
	uint64_t padding;
};
static_assert(sizeof(struct wake_site) % 64 == 0, "what is looked at of an object lies in one cache line");

enum {
	WAKE_SITE_SETS_LOG2 = 11,
	WAKE_SITE_WAYS = 4,
	WAKE_SITE_SET_SIZE_BYTES = WAKE_SITE_WAYS * sizeof(struct wake_site)
};
extern address_set_group wake_site_groups[ADDRESS_SET_GROUPS(WAKE_SITE_SETS_LOG2)]
    __attribute__((visibility("hidden")));

static inline struct wake_site *wake_site_of(const void *object)
{
	struct wake_site *site =
	    address_set_find(wake_site_groups, WAKE_SITE_SETS_LOG2, WAKE_SITE_SET_SIZE_BYTES, object);
	for (struct wake_site *end = site + WAKE_SITE_WAYS; site && site < end; site++) {
		if (__builtin_expect(atomic_load_explicit(&site->object, memory_order_acquire) ==
		                         (uint64_t)(uintptr_t)object,
		                     1))
			return site;
	}
	return NULL;
}

/* True where wake_site_wake() by who holds the semaphore has nothing to add. */
static inline bool wake_site_knows_holder(const void *semaphore)
{
	const struct wake_site *site = wake_site_of(semaphore);
	return __builtin_expect(site && site->facts.by_holder, 1);
}

/* Forgets what was known of the address, but for by_others: a thread may still be recorded as the holder of
 * what another posted. */
void wake_site_init(const void *object, uint32_t initial_value);
/* The object exists; a static variable that nobody initialised did so before the first fork. */
void wake_site_see(const void *object);
/* The calling thread wakes others through it. holds: it had taken the semaphore. */
void wake_site_wake(struct thread_record *self, const void *object, unsigned call, bool holds,
                    const struct call_registers *regs);
/* The object's end. clean: no entry for it is left in any other thread's record. */
void wake_site_forget(const void *object, bool clean);
/* A semaphore is a lock where who took it posts it, and only one can have it. wake_site_is_lock(): that was
 * seen; wake_site_may_be_lock(): nothing else was. */
bool wake_site_is_lock(const void *semaphore);
bool wake_site_may_be_lock(const void *semaphore);
/* False when nothing is known. */
bool wake_site_find(const void *object, struct wake_facts *ret_facts);

#endif
