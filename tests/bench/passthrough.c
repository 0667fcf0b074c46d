/* A preload library that interposes what afterfork does and only calls on: the price of being interposed at
 * all. The functions that cannot be wrapped from their row (hook_jump.S, HOOK_SPECIAL) stay the program's
 * own. */
#include "real.h"

/* Under names of their own in C: what the headers promise of exit (no return) is not the wrapper's to keep.
 */
#define HOOK(ret, name, params, args)                                                                        \
	__attribute__((visibility("default"))) ret pass_##name params __asm__(#name);                        \
	ret pass_##name params                                                                               \
	{                                                                                                    \
		return real.name args;                                                                       \
	}
#define HOOK_SPECIAL(ret, name, params, args)
#include "hooks.def"
#undef HOOK
#undef HOOK_SPECIAL

__attribute__((constructor)) static void construct(void)
{
	real_resolve();
}
