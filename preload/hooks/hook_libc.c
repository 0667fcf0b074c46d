/* Functions of libc that take a lock inside. Rules of this file:
 * 1. A wrapper brackets one call of the original and does nothing else; errno is never touched.
 * 2. The thread is "inside" from before the original could take its lock until after it was let go.
 * 3. No unwinder, writer, stdio or allocator here; what a child looks at is libc_check's work. */
#include "hook_libc.h"

#include <fcntl.h>
#include <stdarg.h>

void hook_libc_enter_slow(struct libc_bracket *ret_bracket, enum libc_family family, unsigned call,
                          uint64_t pc, uint64_t sp, uint64_t bp)
{
	const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};
	struct thread_record *self = hook_thread();
	*ret_bracket = (struct libc_bracket){.self = self, .lock = libc_check_lock(family)};
	if (!self)
		return;
	if (process_is_child()) {
		ret_bracket->is_checked = true;
		libc_check_before(&ret_bracket->use, self, family, call, &regs);
	}
	thread_record_want(self, ret_bracket->lock, TRACE_LOCK_LIBC, call, &regs);
}

void hook_libc_leave_slow(struct libc_bracket *bracket)
{
	if (!bracket->self)
		return;
	if (bracket->is_checked)
		libc_check_after(&bracket->use);
	if (!thread_record_pop(bracket->self, bracket->lock))
		hook_libc_remove(bracket->self, bracket->lock);
}

void hook_libc_remove(struct thread_record *self, const void *lock)
{
	thread_record_remove(self, thread_record_find(self, lock));
}

#define HOOK(ret, name, params, args)
#define LIBC(family, ret, name, params, args)                                                                \
	HOOK_EXPORT ret name params                                                                          \
	{                                                                                                    \
		LIBC_ENTER(family, name);                                                                    \
		ret result = real.name args;                                                                 \
		LIBC_LEAVE(family);                                                                          \
		return result;                                                                               \
	}
#define LIBC_VOID(family, name, params, args)                                                                \
	HOOK_EXPORT void name params                                                                         \
	{                                                                                                    \
		LIBC_ENTER(family, name);                                                                    \
		real.name args;                                                                              \
		LIBC_LEAVE(family);                                                                          \
	}
#include "hooks.def"
#undef HOOK
#undef LIBC
#undef LIBC_VOID

/* A question takes no lock. */
HOOK_EXPORT char *setlocale(int category, const char *locale)
{
	if (!locale)
		return real.setlocale(category, NULL);
	LIBC_ENTER(locale, setlocale);
	char *result = real.setlocale(category, locale);
	LIBC_LEAVE(locale);
	return result;
}

HOOK_EXPORT void syslog(int priority, const char *format, ...)
{
	LIBC_ENTER(syslog, syslog);
	va_list list;
	va_start(list, format);
	real.vsyslog(priority, format, list);
	va_end(list);
	LIBC_LEAVE(syslog);
}

HOOK_EXPORT void __syslog_chk(int priority, int flag, const char *format, ...)
{
	LIBC_ENTER(syslog, __syslog_chk);
	va_list list;
	va_start(list, format);
	real.__vsyslog_chk(priority, flag, format, list);
	va_end(list);
	LIBC_LEAVE(syslog);
}

/* The last two are there only with O_CREAT. */
HOOK_EXPORT sem_t *sem_open(const char *name, int flags, ...)
{
	LIBC_ENTER(named_semaphores, sem_open);
	mode_t mode = 0;
	unsigned value = 0;
	if (flags & O_CREAT) {
		va_list list;
		va_start(list, flags);
		mode = va_arg(list, mode_t);
		value = va_arg(list, unsigned);
		va_end(list);
	}
	sem_t *result = real.sem_open(name, flags, mode, value);
	LIBC_LEAVE(named_semaphores);
	return result;
}
