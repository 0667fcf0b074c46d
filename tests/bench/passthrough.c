/* A preload library that interposes what afterfork does and only calls on: the price of being interposed at
 * all. The functions of hook_jump.S, which cannot be wrapped in C, stay the program's own. */
#include "real.h"

#define HOOK(ret, name, params, args)                                                                        \
	__attribute__((visibility("default"))) ret name params                                               \
	{                                                                                                    \
		return real.name args;                                                                       \
	}
#include "hooks.def"
#undef HOOK

__attribute__((constructor)) static void construct(void)
{
	real_resolve();
}
