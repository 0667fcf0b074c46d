#include "frame.h"

#include <string.h>

const char *frame_module_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool frame_is_libc(const struct frame *frame)
{
	static const char *const prefixes[] = {"libc.so", "libc-2", "ld-linux", "libpthread"};
	const char *name = frame->module ? frame_module_base_name(frame->module) : "";

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

bool frame_is_std_thread_start(const char *start_routine)
{
	return start_routine && (!strncmp(start_routine, "libstdc++.so", 12) ||
	                         !strcmp(start_routine, "execute_native_thread_routine") ||
	                         strstr(start_routine, "std::__1::__thread_proxy<"));
}
