#include "frame.h"

#include <string.h>

const char *frame_module_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
