#include "trace_file.h"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <elf.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "clock.h"
#include "fork_snapshot.h"
#include "line.h"
#include "raw_syscall.h"

enum { IMAGE_NAMES_MAX = 1000, ERROR_MAX = 4096 };

static bool is_error(long result)
{
	return result < 0 && result > -ERROR_MAX;
}

static int join(char *ret_path, size_t size_bytes, const char *folder, const char *name, int64_t pid,
                int64_t serial)
{
	struct line line = line_on(ret_path, size_bytes);
	line_text(&line, folder);
	line_text(&line, "/");
	line_text(&line, name);
	if (pid >= 0) {
		line_number(&line, pid);
		line_text(&line, "-");
		line_number(&line, serial);
	}
	return line.truncated ? ENAMETOOLONG : 0;
}

static int map_shared(int fd, uint64_t size_bytes, void **ret_address)
{
	long address = raw_syscall6(SYS_mmap, 0, (long)size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (is_error(address))
		return (int)-address;
	*ret_address = (void *)address;
	return 0;
}

/* Writing past RLIMIT_FSIZE raises SIGXFSZ in the program: ask before. */
static int check_size_limit(uint64_t size_bytes)
{
	struct rlimit limit = {0};
	long result = raw_syscall4(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit);
	return !is_error(result) && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < size_bytes ? EFBIG
	                                                                                           : 0;
}

/* For file systems without fallocate: every block is written. */
static int write_zeros(int fd, uint64_t size_bytes)
{
	static const char zeros[4096];
	for (uint64_t done = 0; done < size_bytes;) {
		uint64_t left = size_bytes - done;
		long count = raw_syscall4(SYS_pwrite64, fd, (long)zeros,
		                          (long)(left < sizeof zeros ? left : sizeof zeros), (long)done);
		if (is_error(count) && count != -EINTR)
			return (int)-count;
		if (count == 0)
			return ENOSPC;
		done += count > 0 ? (uint64_t)count : 0;
	}
	return 0;
}

static int allocate(int fd, uint64_t size_bytes)
{
	long result;
	do
		result = raw_syscall4(SYS_fallocate, fd, 0, 0, (long)size_bytes);
	while (result == -EINTR);
	return result == -EOPNOTSUPP || result == -ENOSYS ? write_zeros(fd, size_bytes) : (int)-result;
}

static int create(const char *path, uint64_t size_bytes, void **ret_address)
{
	int error = check_size_limit(size_bytes);
	if (error)
		return error;
	long fd = raw_syscall4(SYS_openat, AT_FDCWD, (long)path,
	                       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (is_error(fd))
		return (int)-fd;
	error = allocate((int)fd, size_bytes);
	if (!error)
		error = map_shared((int)fd, size_bytes, ret_address);
	if (error)
		raw_syscall1(SYS_unlink, (long)path);
	raw_syscall1(SYS_close, fd);
	return error;
}

static void fill_header(struct trace_file_header *file, enum trace_file_kind kind, uint64_t size_bytes,
                        uint64_t run_id)
{
	file->version = TRACE_VERSION;
	file->byte_order = TRACE_BYTE_ORDER;
	file->kind = kind;
	file->machine = EM_X86_64;
	file->header_size_bytes = TRACE_HEADER_SIZE_BYTES;
	file->granule_bytes = TRACE_GRANULE_BYTES;
	file->file_size_bytes = size_bytes;
	file->run_id = run_id;
	file->tail_bytes = TRACE_HEADER_SIZE_BYTES;
	file->started_realtime_ns = clock_read_ns(CLOCK_REALTIME);
	file->started_monotonic_ns = clock_now_ns();
	__builtin_memcpy(file->magic, TRACE_MAGIC, sizeof file->magic);
}

static void read_command(char *ret_command, uint32_t *ret_size_bytes, uint32_t *ret_truncated)
{
	long fd = raw_syscall4(SYS_openat, AT_FDCWD, (long)"/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
	if (is_error(fd))
		return;
	uint32_t size_bytes = 0;
	while (size_bytes < TRACE_COMMAND_SIZE_BYTES) {
		long count = raw_syscall3(SYS_read, fd, (long)(ret_command + size_bytes),
		                          TRACE_COMMAND_SIZE_BYTES - size_bytes);
		if (count <= 0)
			break;
		size_bytes += (uint32_t)count;
	}
	raw_syscall1(SYS_close, fd);
	if (size_bytes == TRACE_COMMAND_SIZE_BYTES) {
		*ret_truncated = 1;
		ret_command[size_bytes - 1] = 0;
	}
	*ret_size_bytes = size_bytes;
}

static int check_run(const struct trace_run *run, uint64_t size_bytes)
{
	if (size_bytes < TRACE_HEADER_SIZE_BYTES ||
	    __builtin_memcmp(run->file.magic, TRACE_MAGIC, sizeof run->file.magic) != 0)
		return EINVAL;
	if (run->file.version != TRACE_VERSION || run->file.kind != TRACE_FILE_RUN ||
	    run->file.file_size_bytes > size_bytes)
		return EINVAL;
	return 0;
}

int trace_file_open_run(const char *folder, struct trace_run **ret_run)
{
	char path[TRACE_PATH_SIZE_BYTES];
	int error = join(path, sizeof path, folder, TRACE_RUN_FILE_NAME, -1, 0);
	if (error)
		return error;
	long fd = raw_syscall4(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0);
	if (is_error(fd))
		return (int)-fd;
	struct stat status;
	long result = raw_syscall2(SYS_fstat, fd, (long)&status);
	void *mapped = NULL;
	error = is_error(result) ? (int)-result : map_shared((int)fd, (uint64_t)status.st_size, &mapped);
	raw_syscall1(SYS_close, fd);
	if (error)
		return error;
	error = check_run(mapped, (uint64_t)status.st_size);
	if (error)
		raw_syscall2(SYS_munmap, (long)mapped, (long)status.st_size);
	else
		*ret_run = mapped;
	return error;
}

/* Only its owner and root may open it. What this process may by its capabilities, the next image may not. */
bool trace_file_is_run_denied(const char *folder)
{
	char path[TRACE_PATH_SIZE_BYTES];
	struct stat status;
	uid_t user = (uid_t)raw_syscall0(SYS_geteuid);
	if (user == 0 || join(path, sizeof path, folder, TRACE_RUN_FILE_NAME, -1, 0))
		return false;
	long result = raw_syscall4(SYS_newfstatat, AT_FDCWD, (long)path, (long)&status, 0);
	return result == -EACCES || (result == 0 && status.st_uid != user);
}

int trace_file_make_folder(const char *folder)
{
	return (int)-raw_syscall3(SYS_mkdirat, AT_FDCWD, (long)folder, 0700);
}

int trace_file_create_run(const char *folder, uint64_t size_bytes, struct trace_run **ret_run)
{
	char path[TRACE_PATH_SIZE_BYTES];
	int error = join(path, sizeof path, folder, TRACE_RUN_FILE_NAME, -1, 0);
	void *mapped = NULL;
	if (!error)
		error = create(path, size_bytes, &mapped);
	if (error)
		return error;
	struct trace_run *run = mapped;
	uint64_t run_id = clock_read_ns(CLOCK_REALTIME) ^ (uint64_t)process.pid << 40;
	fill_header(&run->file, TRACE_FILE_RUN, size_bytes, run_id);
	run->size_reserved_bytes = size_bytes;
	run->exit_code = -1;
	struct line version = line_on(run->library_version, sizeof run->library_version);
	line_text(&version, AFTERFORK_VERSION);
	read_command(run->command, &run->command_size_bytes, &run->command_truncated);
	*ret_run = run;
	return 0;
}

static void fill_image(struct trace_image *image)
{
	image->pid = process.pid;
	image->ppid = (int32_t)raw_syscall0(SYS_getppid);
	struct line version = line_on(image->libc_version, sizeof image->libc_version);
	line_text(&version, "glibc ");
	line_text(&version, gnu_get_libc_version());
	long size = raw_syscall4(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)image->exe,
	                         sizeof image->exe - 1);
	image->exe[is_error(size) ? 0 : size] = 0;
	read_command(image->command, &image->command_size_bytes, &image->command_truncated);
}

int trace_file_create_image(const char *folder, uint64_t size_bytes, uint64_t run_id,
                            struct trace_image **ret_image)
{
	char path[TRACE_PATH_SIZE_BYTES];
	void *mapped = NULL;
	int error = EEXIST;
	for (int64_t serial = 0; error == EEXIST && serial < IMAGE_NAMES_MAX; serial++) {
		error = join(path, sizeof path, folder, TRACE_IMAGE_FILE_PREFIX, process.pid, serial);
		if (!error)
			error = create(path, size_bytes, &mapped);
	}
	if (error)
		return error;
	struct trace_image *image = mapped;
	fill_header(&image->file, TRACE_FILE_IMAGE, size_bytes, run_id);
	fill_image(image);
	*ret_image = image;
	return 0;
}
