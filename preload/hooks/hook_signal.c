/* How a signal handler leaves the call that it interrupted, and the timer that will call one.
 *
 * The jumps tell, before they are made, which waits they leave. An exception shows at the thread's next
 * intercepted call, or at the end of the process: _exit() stays what it is, and writes to no memory but the
 * trace. A handler that ends the process itself leaves no wait: it ends a hang. */
#include <setjmp.h>

#include "hook.h"
#include "open_wait.h"
#include "ring_time.h"

/* glibc keeps rsp there, turned and mixed with a secret of the thread's descriptor (sysdeps/x86_64,
 * jmpbuf-offsets.h and pointer_guard.h). */
static uint64_t target_sp(const struct __jmp_buf_tag *to)
{
	enum { RSP = 6, TURNED = 0x11 };
	uint64_t kept = (uint64_t)to->__jmpbuf[RSP], guard;
	__asm__("mov %%fs:0x30, %0" : "=r"(guard));
	return (kept >> TURNED | kept << (64 - TURNED)) ^ guard;
}

static inline void note_jump(const struct __jmp_buf_tag *to)
{
	struct thread_record *self = thread_record_self;
	if (__builtin_expect(self && self->waits, 0))
		open_wait_jump(self, (uint64_t)(uintptr_t)__builtin_frame_address(0), target_sp(to));
}

#define JUMP(name)                                                                                           \
	HOOK_EXPORT void name(struct __jmp_buf_tag to[1], int value)                                         \
	{                                                                                                    \
		note_jump(to);                                                                               \
		real.name(to, value);                                                                        \
		__builtin_unreachable();                                                                     \
	}

void __longjmp_chk(struct __jmp_buf_tag to[1], int value) __attribute__((noreturn));

JUMP(longjmp)
JUMP(_longjmp)
JUMP(siglongjmp)
JUMP(__longjmp_chk)

#define END(name)                                                                                            \
	HOOK_EXPORT void name(int status)                                                                    \
	{                                                                                                    \
		struct thread_record *self = thread_record_self;                                             \
		if (__builtin_expect(self && self->waits, 0))                                                \
			open_wait_leave(self, CALL_REGISTERS_OF_CALLER().sp);                                \
		real.name(status);                                                                           \
		__builtin_unreachable();                                                                     \
	}

END(_exit)
END(_Exit)

HOOK_EXPORT unsigned alarm(unsigned seconds)
{
	unsigned left = real.alarm(seconds);
	ring_time_changed();
	return left;
}

HOOK_EXPORT useconds_t ualarm(useconds_t first, useconds_t interval)
{
	useconds_t left = real.ualarm(first, interval);
	ring_time_changed();
	return left;
}

HOOK_EXPORT int setitimer(__itimer_which_t which, const struct itimerval *restrict value,
                          struct itimerval *restrict before)
{
	int result = real.setitimer(which, value, before);
	ring_time_changed();
	return result;
}
