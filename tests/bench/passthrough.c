/* A preload library that interposes what afterfork does and only calls on: the price of being interposed at
 * all. The functions that cannot be wrapped from their row (hook_jump.S, HOOK_SPECIAL) stay the program's
 * own. */
#include "real.h"

#define HOOK(ret, name, params, args)                                                                        \
	__attribute__((visibility("default"))) ret name params                                               \
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
