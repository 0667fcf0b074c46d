#include "proc_memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

bool proc_memory_read(pid_t pid, uint64_t address, void *ret_bytes, size_t size_bytes)
{
	char path[64];

	/* Not process_vm_readv(): seccomp filters of containers refuse it where this file may be read. */
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t size = pread(fd, ret_bytes, size_bytes, (off_t)address);
	close(fd);
	return size == (ssize_t)size_bytes;
}

size_t proc_memory_read_words(pid_t pid, uint64_t start, uint64_t end, uint64_t *ret_words, size_t count_max)
{
	size_t left = (size_t)(end - start) / sizeof(*ret_words);
	size_t count = left < count_max ? left : count_max;

	return proc_memory_read(pid, start, ret_words, count * sizeof(*ret_words)) ? count : 0;
}

bool proc_memory_is_private(pid_t pid, uint64_t address)
{
	char path[64], flags[8], *line = NULL;
	size_t size_bytes = 0;
	uint64_t start, end;
	bool is_private = false;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");
	if (!maps)
		return false;
	while (getline(&line, &size_bytes, maps) > 0) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &start, &end, flags) != 3 ||
		    address < start || address >= end)
			continue;
		is_private = flags[3] == 'p';
		break;
	}
	free(line);
	fclose(maps);
	return is_private;
}

enum proc_memory_same proc_memory_is_same(pid_t a, pid_t b)
{
	long order = syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0);

	return order < 0 ? PROC_MEMORY_NOT_KNOWN : order == 0 ? PROC_MEMORY_SAME : PROC_MEMORY_DIFFERS;
}
