/* The end of a child that runs its parent's exit handlers: it ran on. _exit() is left alone: it is what a
 * child that keeps to async-signal-safe functions ends with. A return from main() shows in the destructor. */
#include <stdlib.h>

#include "hook.h"
#include "luck_check.h"

#define EXIT(name, status)                                                                                   \
	do {                                                                                                 \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		struct thread_record *self = hook_thread();                                                  \
		if (self)                                                                                    \
			luck_check_ran_on(self, NULL, CALL_##name, &regs);                                   \
		real.name(status);                                                                           \
		__builtin_unreachable();                                                                     \
	} while (0)

HOOK_EXPORT void exit(int status)
{
	EXIT(exit, status);
}

HOOK_EXPORT void quick_exit(int status)
{
	EXIT(quick_exit, status);
}

__attribute__((destructor)) static void end(void)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct thread_record *self = process_is_plain() ? NULL : hook_thread();
	if (self)
		luck_check_ran_on(self, NULL, CALL_exit, &regs);
}
