/* Modules that go away: what was learned of their code is forgotten. */
#include "hook_libc.h"
#include "module_map.h"

HOOK_EXPORT int dlclose(void *handle)
{
	LIBC_ENTER(loader, dlclose);
	int result = real.dlclose(handle);
	LIBC_LEAVE(loader);
	if (result == 0)
		module_map_invalidate();
	return result;
}
