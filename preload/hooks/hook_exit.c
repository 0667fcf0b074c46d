/* The end of a child that runs its parent's exit handlers: it ran on. _exit() is left alone: it is what a
 * child that keeps to async-signal-safe functions ends with. A return from main() shows in the destructor. */
#include <stdlib.h>

#include "hook_libc.h"
#include "luck_check.h"
#include "raw_syscall.h"

/* A child of vfork runs on its parent's records, and would leave an entry behind there. Once the thread's
 * record is found a child of fork knows its own id. */
static bool is_own_process(void)
{
	return hook_thread() && raw_syscall0(SYS_getpid) == process.pid;
}

/* True: somebody who vanished was inside of what takes the lock of the exit functions. */
static bool enter(struct libc_bracket *ret_bracket, unsigned call, const struct call_registers *regs)
{
	ret_bracket->is_checked = false;
	if (!is_own_process())
		return false;
	luck_check_ran_on(hook_thread(), NULL, call, regs);
	hook_libc_enter_slow(ret_bracket, LIBC_exit_functions, call, regs->pc, regs->sp, regs->bp);
	return ret_bracket->is_checked && ret_bracket->use.handle.record;
}

static void past_lock(void *unused)
{
	(void)unused;
	libc_check_past();
}

/* exit does not come back to say that it got the lock: where that matters a function of ours, which it runs
 * first, does. To register it takes the same lock, so a call that hangs there would have hung in exit. */
HOOK_EXPORT void exit(int status)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct libc_bracket bracket;
	if (enter(&bracket, CALL_exit, &regs))
		real.__cxa_atexit(past_lock, NULL, NULL);
	real.exit(status);
	__builtin_unreachable();
}

HOOK_EXPORT void quick_exit(int status)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct libc_bracket bracket;
	if (enter(&bracket, CALL_quick_exit, &regs))
		real.__cxa_at_quick_exit(past_lock, NULL);
	real.quick_exit(status);
	__builtin_unreachable();
}

__attribute__((destructor)) static void end(void)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct thread_record *self = process_is_plain() ? NULL : hook_thread();
	if (self)
		luck_check_ran_on(self, NULL, CALL_exit, &regs);
}
