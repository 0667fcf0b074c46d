#include "real.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "next_symbol.h"

/* Stands for a function that this libc does not have. A program that was linked against the libc
 * it runs on never calls it. */
static long missing(void)
{
	return ENOSYS;
}

static void store(void *slot, const char *name)
{
	void *found = next_symbol_find(name);
	uintptr_t value = found ? (uintptr_t)found : (uintptr_t)missing;
	__atomic_store_n((uintptr_t *)slot, value, __ATOMIC_RELEASE);
}

/* Until an original was looked up its stand-in is called. */
#define HOOK(ret, name, params, args)                                                                        \
	static ret resolve_##name params                                                                     \
	{                                                                                                    \
		store(&real.name, #name);                                                                    \
		return real.name args;                                                                       \
	}
#include "hooks.def"
#undef HOOK

struct real_functions real = {
#define HOOK(ret, name, params, args) .name = resolve_##name,
#include "hooks.def"
#undef HOOK
};

void real_resolve(void)
{
	next_symbol_init();
#define HOOK(ret, name, params, args)
#define HOOK_JUMP(ret, name) store(&real.name, #name);
#include "hooks.def"
#undef HOOK
#undef HOOK_JUMP
}

void real_resolve_for_children(void)
{
	static _Atomic bool done;

	if (done)
		return;
#define HOOK(ret, name, params, args)                                                                        \
	if (real.name == resolve_##name)                                                                     \
		store(&real.name, #name);
#define HOOK_JUMP(ret, name)
#include "hooks.def"
#undef HOOK
#undef HOOK_JUMP
	done = true;
}

/* For hook_jump.S: where each original's pointer stands. */
#define HOOK(ret, name, params, args)
#define HOOK_JUMP(ret, name)                                                                                 \
	extern void (**const real_##name##_slot)(void) __attribute__((visibility("hidden")));                \
	void (**const real_##name##_slot)(void) = &real.name;
#include "hooks.def"
#undef HOOK
#undef HOOK_JUMP
