#include "own_memory.h"

#include <errno.h>
#include <fcntl.h>
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

/* The filters of some containers refuse process_vm_readv(), but not files. */
static long read_by_file(uint64_t address, void *ret_bytes, size_t size_bytes)
{
	long fd = raw_syscall3(SYS_openat, AT_FDCWD, (long)"/proc/self/mem", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	long count = raw_syscall4(SYS_pread64, fd, (long)ret_bytes, (long)size_bytes, (long)address);
	raw_syscall1(SYS_close, fd);
	return count;
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
	long count = raw_syscall6(SYS_process_vm_readv, process.pid, (long)&here, 1, (long)&there, 1, 0);
	if (count == -EPERM || count == -ENOSYS)
		count = read_by_file(address, ret_bytes, size_bytes);
	return count == (long)size_bytes;
}

bool own_memory_is_private(uint64_t address)
{
	return is_module_data(address, 1) || module_map_sharing(address) == MAPPING_PRIVATE;
}
