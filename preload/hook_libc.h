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

struct libc_bracket {
	struct thread_record *self; /* NULL: not recorded */
	const void *lock;
	bool is_checked;
	struct libc_use use; /* if is_checked */
};

/* A thread's first call, forked children, full records. */
void hook_libc_enter_slow(struct libc_bracket *ret_bracket, enum libc_family family, unsigned call,
                          const struct call_registers *regs);
void hook_libc_leave_slow(struct libc_bracket *bracket);

static inline __attribute__((always_inline)) void hook_libc_enter(struct libc_bracket *ret_bracket,
                                                                  enum libc_family family, unsigned call,
                                                                  struct call_registers regs)
{
	struct thread_record *self = thread_record_gate->record;
	if (__builtin_expect(!self || !thread_record_has_room(self), 0)) {
		hook_libc_enter_slow(ret_bracket, family, call, &regs);
		return;
	}
	ret_bracket->self = self;
	ret_bracket->lock = libc_check_lock(family);
	ret_bracket->is_checked = false;
	if (__builtin_expect(!thread_record_push(self, ret_bracket->lock, TRACE_LOCK_LIBC, call, regs), 0))
		thread_record_push_missed(self, TRACE_LOCK_LIBC, call, &regs);
}

static inline __attribute__((always_inline)) void hook_libc_leave(struct libc_bracket *bracket)
{
	struct thread_record *self = bracket->self;
	if (__builtin_expect(!self || bracket->is_checked || !thread_record_pop(self, bracket->lock), 0))
		hook_libc_leave_slow(bracket);
}

/* In a wrapper. */
#define LIBC_ENTER(family, name)                                                                             \
	struct libc_bracket libc_bracket;                                                                    \
	hook_libc_enter(&libc_bracket, LIBC_##family, CALL_##name, CALL_REGISTERS_OF_CALLER())
#define LIBC_LEAVE() hook_libc_leave(&libc_bracket)

#endif
