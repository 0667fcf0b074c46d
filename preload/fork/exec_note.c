#include "exec_note.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "fork_snapshot.h"
#include "line.h"
#include "notice.h"
#include "raw_syscall.h"
#include "trace_file.h"
#include "trace_writer.h"

enum { HEAD_SIZE_BYTES = 2048 };

static bool carries_library(char *const environment[])
{
	const char *preload = config_variable(environment, "LD_PRELOAD");
	return preload && strstr(preload, "libafterfork");
}

static bool is_elf(const char *head, long size)
{
	return size >= (long)sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* The name of the ELF interpreter that follows `head`, or NULL where there is none. */
static const char *interpreter_of(const char *head, long size)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)head;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		uint64_t at = header->e_phoff + (uint64_t)i * sizeof(Elf64_Phdr);
		if (at + sizeof(Elf64_Phdr) > (uint64_t)size)
			return "";
		const Elf64_Phdr *segment = (const Elf64_Phdr *)(head + at);
		if (segment->p_type == PT_INTERP)
			return segment->p_offset < (uint64_t)size ? head + segment->p_offset : "";
	}
	return NULL;
}

static bool gains_privilege(int fd)
{
	struct stat status;
	if (raw_syscall2(SYS_fstat, fd, (long)&status) != 0)
		return false;
	if ((status.st_mode & S_ISUID) && status.st_uid != (uid_t)raw_syscall0(SYS_getuid))
		return true;
	if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
	    status.st_gid != (gid_t)raw_syscall0(SYS_getgid))
		return true;
	return raw_syscall4(SYS_fgetxattr, fd, (long)"security.capability", 0, 0) > 0 &&
	       raw_syscall0(SYS_getuid) != 0;
}

/* 0, or why the file cannot be covered. */
static uint32_t judge(int fd)
{
	char head[HEAD_SIZE_BYTES + 1] __attribute__((aligned(16)));
	long size = raw_syscall4(SYS_pread64, fd, (long)head, HEAD_SIZE_BYTES, 0);
	if (!is_elf(head, size))
		return 0;
	head[size] = 0;
	if (head[EI_CLASS] != ELFCLASS64 || ((const Elf64_Ehdr *)head)->e_machine != EM_X86_64)
		return TRACE_NOTICE_EXEC_FOREIGN;
	const char *interpreter = interpreter_of(head, size);
	if (!interpreter)
		return TRACE_NOTICE_EXEC_STATIC;
	if (strstr(interpreter, "ld-musl"))
		return TRACE_NOTICE_EXEC_FOREIGN;
	return gains_privilege(fd) ? TRACE_NOTICE_EXEC_PRIVILEGED : 0;
}

static bool may_open(int folder, const char *path)
{
	struct stat status;
	return raw_syscall3(SYS_faccessat, folder, (long)path, X_OK) == 0 &&
	       raw_syscall4(SYS_newfstatat, folder, (long)path, (long)&status, 0) == 0 &&
	       S_ISREG(status.st_mode);
}

/* What is no regular file is not opened: a FIFO would block, a device might act. */
static int open_program(int folder, const char *path)
{
	enum { FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };
	return may_open(folder, path) ? (int)raw_syscall4(SYS_openat, folder, (long)path, FLAGS, 0) : -1;
}

/* Leaves the path found in `ret_path`. The next PATH element is tried as execvp does. */
static int open_searched(const char *file, char *ret_path, size_t size_bytes)
{
	const char *element = config_variable(environ, "PATH");
	while (element && *element) {
		size_t length = strcspn(element, ":");
		struct line line = line_on(ret_path, size_bytes);
		for (size_t i = 0; i < length; i++)
			line_char(&line, element[i]);
		line_text(&line, length ? "/" : "./");
		line_text(&line, file);
		int fd = line.truncated ? -1 : open_program(AT_FDCWD, ret_path);
		if (fd >= 0)
			return fd;
		element += length + (element[length] == ':');
	}
	return -1;
}

static void say(uint32_t kind, const char *path)
{
	fork_snapshot_postfork_child();
	trace_writer_add(&trace_writer_run()->execs_uncovered, 1);
	if (notice_say(kind, path))
		trace_writer_notify();
}

static void note(int fd, const char *path, char *const environment[])
{
	uint32_t kind = judge(fd);
	if (!kind && !carries_library(environment))
		kind = TRACE_NOTICE_EXEC_WITHOUT_LIBRARY;
	else if (!kind && trace_file_is_run_denied(config.trace_folder))
		kind = TRACE_NOTICE_EXEC_AS_STRANGER;
	if (kind)
		say(kind, path);
}

static bool is_wanted(void)
{
	return config.trace_folder && !trace_writer_is_sealed();
}

void exec_note(const char *file, char *const environment[], bool search)
{
	if (!is_wanted() || !file)
		return;
	char found[TRACE_PATH_SIZE_BYTES];
	bool searched = search && !strchr(file, '/');
	int fd = searched ? open_searched(file, found, sizeof found) : open_program(AT_FDCWD, file);
	if (fd < 0)
		return;
	note(fd, searched ? found : file, environment);
	raw_syscall1(SYS_close, fd);
}

void exec_note_at(int folder, const char *path, char *const environment[])
{
	int fd = is_wanted() && path ? open_program(folder, path) : -1;
	if (fd < 0)
		return;
	note(fd, path, environment);
	raw_syscall1(SYS_close, fd);
}

void exec_note_fd(int fd, char *const environment[])
{
	if (is_wanted())
		note(fd, "a program given by its descriptor", environment);
}
