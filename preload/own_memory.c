#include "own_memory.h"

#include <sys/uio.h>

#include "fork_snapshot.h"
#include "module_map.h"
#include "raw_syscall.h"
#include "trace_writer.h"

static bool is_module_data(uint64_t address, size_t size_bytes)
{
	const struct module *module = module_map_find_data(address);
	return module && size_bytes <= module->end - address;
}

/* A module may have been unloaded since the map was read, or have holes: its bytes are asked for as all
 * others are where that is possible. */
bool own_memory_read(uint64_t address, void *ret_bytes, size_t size_bytes)
{
	if (trace_writer_is_sealed()) {
		if (!is_module_data(address, size_bytes))
			return false;
		__builtin_memcpy(ret_bytes, (const void *)(uintptr_t)address, size_bytes);
		return true;
	}
	struct iovec here = {.iov_base = ret_bytes, .iov_len = size_bytes};
	struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = size_bytes};
	return raw_syscall6(SYS_process_vm_readv, process.pid, (long)&here, 1, (long)&there, 1, 0) ==
	       (long)size_bytes;
}

bool own_memory_is_private(uint64_t address)
{
	return is_module_data(address, 1) || module_map_sharing(address) == MAPPING_PRIVATE;
}
