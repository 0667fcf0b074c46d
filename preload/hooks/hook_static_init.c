/* The guards of C++ function-local statics (Itanium C++ ABI, 3.3.2): a thread is inside an initialiser from
 * __cxa_guard_acquire, which then returns 1, to __cxa_guard_release or __cxa_guard_abort.
 *
 * A C program may load C++ code later, with its runtime out of our reach (RTLD_LOCAL): there the guards are
 * kept here, in the layout of libstdc++. Whoever calls by symbol calls this, so the two never meet on one
 * guard. */
#include <linux/futex.h>
#include <stdint.h>

#include "hook_lock.h"
#include "next_symbol.h"
#include "raw_syscall.h"

/* libstdc++-v3/config/cpu/generic/cxxabi_tweaks.h and libsupc++/guard.cc, for little-endian machines. */
enum { GUARD_DONE = 1, GUARD_PENDING = 0x100, GUARD_WAITING = 0x10000 };

static int (*original_acquire)(int64_t *guard);
static void (*original_release)(int64_t *guard);
static void (*original_abort)(int64_t *guard);

/* There where a C++ runtime is among the libraries that the program started with. */
__attribute__((constructor(102))) static void resolve(void)
{
	*(void **)&original_release = next_symbol_find("__cxa_guard_release");
	*(void **)&original_abort = next_symbol_find("__cxa_guard_abort");
	*(void **)&original_acquire = next_symbol_find("__cxa_guard_acquire");
}

static int own_acquire(int64_t *guard)
{
	uint32_t *word = (uint32_t *)guard;
	for (;;) {
		uint32_t seen = 0;
		if (__atomic_compare_exchange_n(word, &seen, GUARD_PENDING, false, __ATOMIC_ACQ_REL,
		                                __ATOMIC_ACQUIRE))
			return 1;
		if (seen & GUARD_DONE)
			return 0;
		uint32_t waiting = GUARD_PENDING | GUARD_WAITING;
		if (seen == waiting || __atomic_compare_exchange_n(word, &seen, waiting, false,
		                                                   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			raw_syscall4(SYS_futex, (long)word, FUTEX_WAIT, waiting, 0);
	}
}

static void own_end(int64_t *guard, uint32_t value)
{
	uint32_t *word = (uint32_t *)guard;
	if (__atomic_exchange_n(word, value, __ATOMIC_ACQ_REL) & GUARD_WAITING)
		raw_syscall3(SYS_futex, (long)word, FUTEX_WAKE, INT32_MAX);
}

static int acquire(int64_t *guard)
{
	return original_acquire ? original_acquire(guard) : own_acquire(guard);
}

HOOK_EXPORT int __cxa_guard_acquire(int64_t *guard)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct thread_record *self = hook_thread();
	if (__builtin_expect(!self, 0))
		return acquire(guard);
	uint32_t index =
	    thread_record_want(self, guard, TRACE_LOCK_STATIC_INIT, CALL___cxa_guard_acquire, &regs);
	struct child_use use;
	bool is_child = process_is_child();
	if (__builtin_expect(is_child, 0))
		child_check_before(&use, self, &(struct lock_ref){guard, TRACE_LOCK_STATIC_INIT, false},
		                   CALL___cxa_guard_acquire, CHILD_LOCK, &regs);
	int result = acquire(guard);
	if (__builtin_expect(is_child, 0))
		child_check_after(&use, 0);
	hook_settle_acquire(self, index, guard, result == 1 ? 0 : EBUSY);
	return result;
}

/* The entry goes last: a fork in between finds the initialiser still open, or already closed by the guard. */
HOOK_EXPORT void __cxa_guard_release(int64_t *guard)
{
	struct thread_record *self = hook_thread();
	if (original_release)
		original_release(guard);
	else
		own_end(guard, GUARD_DONE);
	if (self)
		hook_forget(self, guard);
}

HOOK_EXPORT void __cxa_guard_abort(int64_t *guard)
{
	struct thread_record *self = hook_thread();
	if (original_abort)
		original_abort(guard);
	else
		own_end(guard, 0);
	if (self)
		hook_forget(self, guard);
}
