/* The bracket around a function of libc that takes a lock inside: an entry in the thread's record for the
 * family's stand-in, from before the call until after it. The entry stays WANT: whether the thread had the
 * lock at some moment is not known.
 *
 * A thread that leaves by longjmp or an exception leaves its entry behind; the next one takes its place once
 * there is no room. One that ends inside (cancelled, exit) takes its entries with it. */
#ifndef AFTERFORK_PRELOAD_HOOK_LIBC_H
#define AFTERFORK_PRELOAD_HOOK_LIBC_H

#include "hook.h"
#include "libc_check.h"

/* Of a call off the hot path: a thread's first, those of forked children, those of full records. */
struct libc_bracket {
	struct thread_record *self; /* NULL: not recorded */
	const void *lock;
	bool is_checked;
	struct libc_use use; /* if is_checked */
};

/* Registers are handed on one by one, since a pointer to them would put them on the stack in every call. */
__attribute__((noinline)) void hook_libc_enter_slow(struct libc_bracket *ret_bracket, enum libc_family family,
                                                    unsigned call, uint64_t pc, uint64_t sp, uint64_t bp);
__attribute__((noinline)) void hook_libc_leave_slow(struct libc_bracket *bracket);
/* What pop leaves to do where it fails. */
__attribute__((noinline)) void hook_libc_remove(struct thread_record *self, const void *lock);

/* Returns the record if the entry is made; NULL: *ret_bracket says what was done. */
static inline __attribute__((always_inline)) struct thread_record *
hook_libc_enter(struct libc_bracket *ret_bracket, enum libc_family family, unsigned call,
                struct call_registers regs)
{
	struct thread_record *self = thread_record_gate->record;
	if (__builtin_expect(!self || !thread_record_has_room(self), 0)) {
		hook_libc_enter_slow(ret_bracket, family, call, regs.pc, regs.sp, regs.bp);
		return NULL;
	}
	if (__builtin_expect(!thread_record_push(self, libc_check_lock(family), TRACE_LOCK_LIBC, call, regs),
	                     0))
		thread_record_push_missed(self, TRACE_LOCK_LIBC, call, regs.pc, regs.sp, regs.bp);
	return self;
}

static inline __attribute__((always_inline)) void
hook_libc_leave(struct libc_bracket *bracket, struct thread_record *self, enum libc_family family)
{
	if (__builtin_expect(!self, 0))
		hook_libc_leave_slow(bracket);
	else if (__builtin_expect(!thread_record_pop(self, libc_check_lock(family)), 0))
		hook_libc_remove(self, libc_check_lock(family));
}

/* In a wrapper. */
#define LIBC_ENTER(family, name)                                                                             \
	struct libc_bracket libc_bracket;                                                                    \
	struct thread_record *libc_self =                                                                    \
	    hook_libc_enter(&libc_bracket, LIBC_##family, CALL_##name, CALL_REGISTERS_OF_CALLER())
#define LIBC_LEAVE(family) hook_libc_leave(&libc_bracket, libc_self, LIBC_##family)

#endif
