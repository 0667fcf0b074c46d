/* A lock of the kind that programs make for themselves: 0 free, 1 taken, 2 taken and waited for. The system
 * call is made inline, so that no symbol shows it. */
#ifndef AFTERFORK_CASE_FUTEX_LOCK_H
#define AFTERFORK_CASE_FUTEX_LOCK_H

#include "case.h"

struct futex_lock {
	int word;
};

enum {
	FUTEX_LOCK_WAIT_PRIVATE = 128,
	FUTEX_LOCK_WAKE_PRIVATE = 129,
	FUTEX_LOCK_WAIT = 0,
	FUTEX_LOCK_WAKE = 1
};

static inline long futex_call(int *word, long operation, long value)
{
	long result = SYS_futex;
	register long no_timeout __asm__("r10") = 0;

	__asm__ volatile("syscall"
	                 : "+a"(result)
	                 : "D"(word), "S"(operation), "d"(value), "r"(no_timeout)
	                 : "rcx", "r11", "memory");
	return result;
}

__attribute__((unused)) static void futex_wait(int *word, int value)
{
	futex_call(word, FUTEX_LOCK_WAIT_PRIVATE, value);
}

__attribute__((unused)) static void futex_lock_take(struct futex_lock *lock)
{
	int free = 0;

	if (__atomic_compare_exchange_n(&lock->word, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0)
		futex_wait(&lock->word, 2);
}

__attribute__((unused)) static void futex_lock_release(struct futex_lock *lock)
{
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2)
		futex_call(&lock->word, FUTEX_LOCK_WAKE_PRIVATE, 1);
}

#endif
