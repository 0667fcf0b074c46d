/* A lock whose waiters sleep on a word of their own, each in a record that it puts into the lock's queue. The
 * lock's word is the last of the queue, of which the first has the lock: after Mellor-Crummey and Scott. */
#ifndef AFTERFORK_CASE_OWN_WORD_LOCK_H
#define AFTERFORK_CASE_OWN_WORD_LOCK_H

#include "futex_lock.h"

struct own_word_record {
	struct own_word_record *next;
	int is_first;
};

struct own_word_lock {
	struct own_word_record *last;
};

static inline void own_word_await(int *word)
{
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		futex_wait(word, 0);
}

static inline void own_word_end(int *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	futex_call(word, FUTEX_LOCK_WAKE_PRIVATE, 1);
}

__attribute__((unused)) static void own_word_lock_take(struct own_word_lock *lock,
                                                       struct own_word_record *record)
{
	*record = (struct own_word_record){0};
	struct own_word_record *before = __atomic_exchange_n(&lock->last, record, __ATOMIC_ACQ_REL);

	if (!before)
		return;
	__atomic_store_n(&before->next, record, __ATOMIC_RELEASE);
	own_word_await(&record->is_first);
}

__attribute__((unused)) static void own_word_lock_release(struct own_word_lock *lock,
                                                          struct own_word_record *record)
{
	struct own_word_record *last = record, *next;

	if (__atomic_compare_exchange_n(&lock->last, &last, NULL, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	while (!(next = __atomic_load_n(&record->next, __ATOMIC_ACQUIRE)))
		sched_yield();
	own_word_end(&next->is_first);
}

#endif
