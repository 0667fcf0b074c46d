/* Modules that go away: what was learned of their code is forgotten. */
#include <string.h>

#include "hook.h"
#include "hook_libc.h"
#include "loaded_module.h"
#include "module_map.h"
#include "own_memory.h"

struct module_mark {
	uint64_t address;
	Elf64_Dyn first;
	bool is_known;
};

/* A handle is the module's link_map, which is gone after the call if the module is. */
static struct module_mark mark_module(const void *handle)
{
	struct module_mark mark = {0};
	if (!handle || !hook_thread() || module_map_is_sealed())
		return mark;
	mark.address = (uint64_t)(uintptr_t)((const struct loaded_module *)handle)->dynamic;
	mark.is_known = own_memory_read(mark.address, &mark.first, sizeof mark.first);
	return mark;
}

/* One that stays keeps those that it depends on. */
static bool is_still_loaded(const struct module_mark *mark)
{
	Elf64_Dyn first;
	return mark->is_known && own_memory_read(mark->address, &first, sizeof first) &&
	       memcmp(&first, &mark->first, sizeof first) == 0;
}

HOOK_EXPORT int dlclose(void *handle)
{
	LIBC_ENTER(loader, dlclose);
	struct module_mark mark = mark_module(handle);
	int result = real.dlclose(handle);
	LIBC_LEAVE(loader);
	if (result == 0 && !is_still_loaded(&mark))
		module_map_invalidate();
	return result;
}
