#include "library_link.h"

#include "fnv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool library_link_is_needless(const char *path)
{
	return !strpbrk(path, ": $");
}

/* One link for each path (FNV-1a). exec_note.c knows the library by the first letters. */
static void name_link(const char *path, char *ret_name, size_t size)
{
	uint64_t hash = FNV_START;

	for (; *path; path++)
		fnv_mix(&hash, (unsigned char)*path);
	(void)!snprintf(ret_name, size, "libafterfork-%016" PRIx64 ".so", hash);
}

/* This user's folder of links, opened; -1 where another user could change what is in it. */
static int open_folder(const char *folder)
{
	struct stat status;

	/* A program that gives up its rights has to get in, whatever the umask says. */
	if (mkdir(folder, 0755) == 0 && chmod(folder, 0755) != 0)
		return -1;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
	               !(status.st_mode & (S_IWGRP | S_IWOTH))))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

static bool leads_to(int folder_fd, const char *name, const char *path)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(folder_fd, name, target, sizeof(target));

	return size >= 0 && (size_t)size == strlen(path) && memcmp(target, path, size) == 0;
}

char *library_link_make(const char *path)
{
	char folder[64], name[64], *link = NULL;

	(void)!snprintf(folder, sizeof(folder), "/tmp/afterfork-%u", (unsigned)geteuid());
	name_link(path, name, sizeof(name));
	int fd = open_folder(folder);
	if (fd < 0)
		return NULL;
	if ((symlinkat(path, fd, name) == 0 || errno == EEXIST) && leads_to(fd, name, path) &&
	    asprintf(&link, "%s/%s", folder, name) < 0)
		link = NULL;
	close(fd);
	return link;
}
