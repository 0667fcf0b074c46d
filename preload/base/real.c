#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Until an original was looked up its stand-in is called. */
static void store(void *slot, const char *name);
#define HOOK(ret, name, params, args)                                                                        \
	static ret resolve_##name params                                                                     \
	{                                                                                                    \
		real_resolve();                                                                              \
		return real.name args;                                                                       \
	}
#define HOOK_SELDOM(ret, name, params, args)                                                                 \
	static ret resolve_##name params                                                                     \
	{                                                                                                    \
		store(&real.name, #name);                                                                    \
		return real.name args;                                                                       \
	}
#include "hooks.def"
#undef HOOK
#undef HOOK_SELDOM

/* Stands for a function that this libc does not have. A program that was linked against the libc
 * it runs on never calls it. */
static long missing(void)
{
	return ENOSYS;
}

struct real_functions real = {
#define HOOK(ret, name, params, args) .name = resolve_##name,
#include "hooks.def"
#undef HOOK
};

/* These have a LinuxThreads version besides the one in use (glibc's nptl/Versions, GLIBC_2.3.2). */
static bool is_renewed(const char *name)
{
	static const char *const renewed[] = {"pthread_cond_wait",   "pthread_cond_timedwait",
	                                      "pthread_cond_signal", "pthread_cond_broadcast",
	                                      "pthread_cond_init",   "pthread_cond_destroy"};
	for (size_t i = 0; i < sizeof renewed / sizeof *renewed; i++) {
		if (!strcmp(name, renewed[i]))
			return true;
	}
	return false;
}

/* glibc before 2.36 may hand out the LinuxThreads version to an unversioned dlsym(RTLD_NEXT): only then the
 * later one is asked for by name. Whatever else comes first, a sanitizer's wrapper say, is what the program
 * would call. Nothing that may be missing is asked by version: a failing look-up allocates its error text
 * with the program's malloc. */
static void *find(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	bool is_old = found && is_renewed(name) && found == dlvsym(RTLD_NEXT, name, "GLIBC_2.2.5");
	return is_old ? dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2") : found;
}

static void store(void *slot, const char *name)
{
	int saved_errno = errno;
	void *found = find(name);
	uintptr_t value = found ? (uintptr_t)found : (uintptr_t)missing;
	__atomic_store_n((uintptr_t *)slot, value, __ATOMIC_RELEASE);
	errno = saved_errno;
}

void real_resolve(void)
{
#define HOOK(ret, name, params, args) store(&real.name, #name);
#define HOOK_SELDOM(ret, name, params, args)
#define HOOK_JUMP(ret, name) store(&real.name, #name);
#include "hooks.def"
#undef HOOK
#undef HOOK_SELDOM
#undef HOOK_JUMP
}

/* For hook_jump.S: where each original's pointer stands. */
#define HOOK(ret, name, params, args)
#define HOOK_JUMP(ret, name)                                                                                 \
	extern void (**const real_##name##_slot)(void) __attribute__((visibility("hidden")));                \
	void (**const real_##name##_slot)(void) = &real.name;
#include "hooks.def"
#undef HOOK
#undef HOOK_JUMP
