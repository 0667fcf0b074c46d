#include "target_check.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "machine.h"

#if __SIZEOF_POINTER__ == 8
#define TARGET_ELF_CLASS ELFCLASS64
typedef Elf64_Ehdr elf_header;
typedef Elf64_Phdr elf_segment;
#else
#define TARGET_ELF_CLASS ELFCLASS32
typedef Elf32_Ehdr elf_header;
typedef Elf32_Phdr elf_segment;
#endif

enum {
	SCRIPT_LINE_SIZE_BYTES = 256, /* as the kernel reads it (BINPRM_BUF_SIZE) */
	SCRIPT_DEPTH_MAX = 5,         /* deeper, execve() says ELOOP */
};

__attribute__((format(printf, 3, 4))) static void refuse(struct target *target, enum target_state state,
                                                         const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	target->state = state;
	if (vasprintf(&target->error, format, arguments) < 0)
		target->error = NULL;
	va_end(arguments);
}

/* 0 or the errno value that execve() would give for the file itself. */
static int file_error(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? EISDIR : EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static bool is_missing(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ESTALE || error == ENODEV ||
	       error == ETIMEDOUT;
}

static void refuse_file(struct target *target, const char *command, const char *path, int error)
{
	if (is_missing(error))
		refuse(target, TARGET_NOT_FOUND, "%s: no such file; check the path", command);
	else if (error == EISDIR)
		refuse(target, TARGET_NOT_EXECUTABLE, "%s is a folder, not a program; check the path", path);
	else
		refuse(target, TARGET_NOT_EXECUTABLE,
		       "%s cannot be executed: %s; check its mode (chmod +x) and its file system (noexec)",
		       path, strerror(error));
}

static void search_path(struct target *target, const char *command)
{
	const char *folders = getenv("PATH");
	char *refused = NULL;
	int refused_error = 0;

	if (!folders)
		folders = "/bin:/usr/bin";
	for (const char *folder = folders; folder;
	     folder = strchr(folder, ':') ? strchr(folder, ':') + 1 : NULL) {
		size_t size = strcspn(folder, ":");
		char *path = NULL;

		if (asprintf(&path, "%.*s%s%s", (int)size, folder, size ? "/" : "", command) < 0)
			break;
		int error = file_error(path);
		if (!error) {
			target->path = path;
			free(refused);
			return;
		}
		if (!is_missing(error) && !refused) {
			refused = path;
			refused_error = error;
		} else {
			free(path);
		}
	}
	if (refused)
		refuse_file(target, command, refused, refused_error);
	else
		refuse(target, TARGET_NOT_FOUND,
		       "%s: no such command in PATH; check the name, or give a path", command);
	free(refused);
}

static void find_file(struct target *target, const char *command)
{
	if (!strchr(command, '/') && *command) {
		search_path(target, command);
		return;
	}
	int error = file_error(command);
	if (error)
		refuse_file(target, *command ? command : "'' (an empty name)", command, error);
	else
		target->path = strdup(command);
}

/* The kernel starts a program in secure mode (the loader then ignores LD_PRELOAD) when its ids or
 * capabilities rise by exec. A mount with nosuid and a process without new privileges ignore the bits. */
static const char *privilege_gained(int fd, const struct stat *status)
{
	uid_t real_uid = getuid(), uid = geteuid();
	gid_t real_gid = getgid(), gid = getegid();
	struct statvfs mount;
	bool ignored = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
	               (fstatvfs(fd, &mount) == 0 && (mount.f_flag & ST_NOSUID));

	if (!ignored) {
		if (status->st_mode & S_ISUID)
			uid = status->st_uid;
		if ((status->st_mode & S_ISGID) && (status->st_mode & S_IXGRP))
			gid = status->st_gid;
	}
	if (uid != real_uid)
		return "set-user-ID";
	if (gid != real_gid)
		return "set-group-ID";
	if (!ignored && real_uid != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return "file capabilities";
	return NULL;
}

/* PT_INTERP's string into interpreter. False: there is none, or it cannot be read. */
static bool read_interpreter(int fd, const elf_header *header, char interpreter[PATH_MAX])
{
	for (unsigned i = 0; i < header->e_phnum; i++) {
		elf_segment segment;
		off_t offset = header->e_phoff + (off_t)i * header->e_phentsize;

		if (pread(fd, &segment, sizeof(segment), offset) != (ssize_t)sizeof(segment))
			return false;
		if (segment.p_type != PT_INTERP)
			continue;
		size_t size = segment.p_filesz < PATH_MAX ? segment.p_filesz : PATH_MAX - 1;
		ssize_t got = pread(fd, interpreter, size, segment.p_offset);
		interpreter[got > 0 ? got : 0] = '\0';
		return got > 0;
	}
	return false;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* `/lib64/ld-linux-x86-64.so.2 PROGRAM` has no interpreter: it is one, and honours LD_PRELOAD. */
static bool is_loader(const char *path)
{
	char *real = realpath(path, NULL);
	bool loader =
	    starts_with(base_name(path), "ld-linux") || (real && starts_with(base_name(real), "ld-linux"));

	free(real);
	return loader;
}

static void check_interpreter(struct target *target, const char *path, const char *interpreter)
{
	const char *base = base_name(interpreter);
	const char *library = starts_with(base, "ld-musl-")    ? "musl"
	                      : starts_with(base, "ld-uClibc") ? "uClibc"
	                      : starts_with(base, "linker")    ? "Android's libc"
	                                                       : NULL;

	if (library)
		refuse(target, TARGET_NOT_COVERED,
		       "%s uses %s, and the library is made for glibc: afterfork cannot watch it; build the "
		       "program for glibc",
		       path, library);
	else if (access(interpreter, F_OK) != 0)
		refuse(target, TARGET_NOT_FOUND, "%s: its program interpreter %s is missing: %s; install it",
		       path, interpreter, strerror(errno));
}

static void check_elf(struct target *target, const char *path, int fd, const elf_header *header)
{
	char interpreter[PATH_MAX];

	if (header->e_ident[EI_CLASS] != TARGET_ELF_CLASS)
		refuse(target, TARGET_NOT_COVERED,
		       "%s is a %s-bit program and the library a %zu-bit one: afterfork cannot watch it; use "
		       "an afterfork built for it",
		       path, header->e_ident[EI_CLASS] == ELFCLASS32 ? "32" : "64", 8 * sizeof(void *));
	else if (header->e_ident[EI_DATA] !=
	             (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB) ||
	         header->e_machine != MACHINE_OWN)
		refuse(target, TARGET_NOT_COVERED,
		       "%s is made for another processor (ELF machine %u, the library is for %u): afterfork "
		       "cannot watch it; use an afterfork built for it",
		       path, (unsigned)header->e_machine, (unsigned)MACHINE_OWN);
	else if (read_interpreter(fd, header, interpreter))
		check_interpreter(target, path, interpreter);
	else if (!is_loader(path))
		refuse(target, TARGET_NOT_COVERED,
		       "%s is statically linked, so no library can be loaded into it: afterfork cannot watch "
		       "it; link it dynamically (without -static)",
		       path);
	target->machine = header->e_machine;
}

/* The interpreter that a #! line names, into interpreter. */
static bool read_script_line(const char *head, size_t size, char interpreter[SCRIPT_LINE_SIZE_BYTES])
{
	size_t from = 2;

	if (size < 2 || head[0] != '#' || head[1] != '!')
		return false;
	while (from < size && (head[from] == ' ' || head[from] == '\t'))
		from++;
	size_t to = from;
	while (to < size && head[to] && !isspace((unsigned char)head[to]))
		to++;
	memcpy(interpreter, head + from, to - from);
	interpreter[to - from] = '\0';
	return to > from;
}

static void check_privilege(struct target *target, const char *path, int fd, const struct stat *status)
{
	const char *privilege = privilege_gained(fd, status);

	if (privilege)
		refuse(target, TARGET_NOT_COVERED,
		       "%s gains privileges when it starts (%s), and the loader then ignores preloaded "
		       "libraries: afterfork cannot watch it; run it as the user that it becomes, or run a "
		       "copy without them",
		       path, privilege);
}

/* Returns true when interpreter now names what to look at next. */
static bool check_file(struct target *target, const char *path, char interpreter[SCRIPT_LINE_SIZE_BYTES])
{
	union {
		char bytes[SCRIPT_LINE_SIZE_BYTES];
		elf_header elf;
	} head = {0};
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	/* What may be executed but not read can be preloaded all the same. */
	if (fd < 0)
		return false;
	ssize_t size = pread(fd, head.bytes, sizeof(head.bytes), 0);
	bool script = size > 0 && read_script_line(head.bytes, size, interpreter);
	bool elf = size >= (ssize_t)sizeof(head.elf) && memcmp(head.bytes, ELFMAG, SELFMAG) == 0;
	if (elf && fstat(fd, &status) == 0) {
		check_elf(target, path, fd, &head.elf);
		if (!target->error)
			check_privilege(target, path, fd, &status);
	}
	close(fd);
	if (elf || size < 0)
		return false;
	/* Like execvp(), and like every shell: a text without a #! line is for /bin/sh. */
	if (!script)
		strcpy(interpreter, "/bin/sh");
	return true;
}

void target_check(struct target *ret_target, const char *command)
{
	char interpreter[SCRIPT_LINE_SIZE_BYTES];
	char path[PATH_MAX];

	*ret_target = (struct target){.state = TARGET_COVERED};
	find_file(ret_target, command);
	if (!ret_target->path)
		return;
	snprintf(path, sizeof(path), "%s", ret_target->path);
	for (int depth = 0; check_file(ret_target, path, interpreter); depth++) {
		int error = depth < SCRIPT_DEPTH_MAX ? file_error(interpreter) : ELOOP;

		if (error) {
			refuse(ret_target, is_missing(error) ? TARGET_NOT_FOUND : TARGET_NOT_EXECUTABLE,
			       "%s: its interpreter %s cannot be run: %s; correct its #! line or install the "
			       "interpreter",
			       path, interpreter, strerror(error));
			return;
		}
		snprintf(path, sizeof(path), "%s", interpreter);
	}
}

void target_release(struct target *target)
{
	free(target->path);
	free(target->error);
	*target = (struct target){0};
}
