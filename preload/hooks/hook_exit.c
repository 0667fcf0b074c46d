/* The end of a child that runs its parent's exit handlers: it ran on. _exit() is left alone: it is what a
 * child that keeps to async-signal-safe functions ends with. A return from main() shows in the destructor. */
#include <stdlib.h>

#include "hook_libc.h"
#include "luck_check.h"

/* True: somebody who vanished was inside of what takes the lock of the exit functions. */
static bool enter(struct libc_bracket *ret_bracket, unsigned call, const struct call_registers *regs)
{
	ret_bracket->is_checked = false;
	struct thread_record *self = hook_thread();
	/* A child of vfork would leave an entry behind in its parent's record. */
	if (!self || !fork_snapshot_is_own_process())
		return false;
	luck_check_ran_on(self, NULL, call, regs);
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
