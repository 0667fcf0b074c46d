/* Modules that go away: what was learned of their code is forgotten. */
#include "hook.h"
#include "module_map.h"

HOOK_EXPORT int dlclose(void *handle)
{
	int result = real.dlclose(handle);
	if (result == 0)
		module_map_invalidate();
	return result;
}
