#include "proc_descriptor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc_socket.h"
#include "proc_stat.h"
#include "proc_tree.h"

static bool read_link(pid_t pid, const char *fd, char *ret_link, size_t size_bytes)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", (int)pid, fd);
	ssize_t size = readlink(path, ret_link, size_bytes - 1);
	if (size < 0)
		return false;
	ret_link[size] = '\0';
	return true;
}

enum info_state { INFO_WHOLE, INFO_CUT, INFO_GONE, INFO_UNREADABLE };

/* But for the flags, of which one is the descriptor's and not the file's. */
static enum info_state read_info(pid_t pid, const char *fd, char *ret_info, size_t size_bytes)
{
	char path[64], line[256];
	size_t used = 0;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", (int)pid, fd);
	FILE *file = fopen(path, "re");
	if (!file)
		return errno == ENOENT || errno == ESRCH ? INFO_GONE : INFO_UNREADABLE;
	ret_info[0] = '\0';
	while (used < size_bytes && fgets(line, sizeof(line), file))
		if (strncmp(line, "flags:", 6) != 0)
			used += (size_t)snprintf(ret_info + used, size_bytes - used, "%s", line);
	fclose(file);
	return used < size_bytes ? INFO_WHOLE : INFO_CUT;
}

static bool is_event(const char *link)
{
	return strcmp(link, "anon_inode:[eventfd]") == 0 || strcmp(link, "anon_inode:[eventpoll]") == 0;
}

static struct proc_descriptor *append(struct proc_descriptors *descriptors)
{
	struct proc_descriptor *items =
	    reallocarray(descriptors->items, descriptors->count + 1, sizeof(*items));

	if (!items)
		return NULL;
	descriptors->items = items;
	items[descriptors->count] = (struct proc_descriptor){0};
	return &items[descriptors->count++];
}

/* True: the next one. */
typedef bool visit_descriptor(void *context, const char *fd, const char *link);

enum visit { VISIT_REFUSED, VISIT_STOPPED, VISIT_WHOLE };

static enum visit visit_all(pid_t pid, visit_descriptor *visit, void *context)
{
	char path[64], link[sizeof(((struct proc_descriptor *)NULL)->link)];
	bool goes_on = true;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	if (!folder)
		return VISIT_REFUSED;
	for (struct dirent *entry; goes_on && (entry = readdir(folder));)
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    read_link(pid, entry->d_name, link, sizeof(link)))
			goes_on = visit(context, entry->d_name, link);
	closedir(folder);
	return goes_on ? VISIT_WHOLE : VISIT_STOPPED;
}

static bool is_other(void *context, const char *fd, const char *link)
{
	(void)fd;
	return strcmp(context, link) != 0;
}

/* What one end gets comes from the other. */
static bool add_peer(pid_t pid, const char *link, struct proc_descriptors *descriptors)
{
	unsigned inode = 0;
	struct proc_descriptor *other = sscanf(link, "socket:[%u]", &inode) == 1 ? append(descriptors) : NULL;
	uint32_t peer = other ? proc_socket_peer(pid, inode) : 0;

	if (!peer)
		return false;
	snprintf(other->link, sizeof(other->link), "socket:[%u]", (unsigned)peer);
	return visit_all(pid, is_other, other->link) == VISIT_STOPPED;
}

struct pipe_search {
	pid_t pid;
	const char *link;
};

/* The link's mode is the descriptor's. */
static bool is_no_end_to_write_to(void *context, const char *fd, const char *link)
{
	const struct pipe_search *search = context;
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", (int)search->pid, fd);
	return strcmp(search->link, link) != 0 || lstat(path, &status) != 0 || !(status.st_mode & S_IWUSR);
}

/* Else who has it is hidden, for a pipe that nobody writes to is at its end. */
static bool has_end_to_write_to(pid_t pid, const char *link)
{
	return visit_all(pid, is_no_end_to_write_to, &(struct pipe_search){pid, link}) == VISIT_STOPPED;
}

bool proc_descriptors_add(pid_t pid, int fd, struct proc_descriptors *descriptors)
{
	struct proc_descriptor *one =
	    fd >= 0 && descriptors->count < PROC_DESCRIPTORS_MAX ? append(descriptors) : NULL;
	char name[16];

	snprintf(name, sizeof(name), "%d", fd);
	if (!one || !read_link(pid, name, one->link, sizeof(one->link)))
		return false;
	if (is_event(one->link))
		return read_info(pid, name, one->info, sizeof(one->info)) == INFO_WHOLE;
	if (strncmp(one->link, "pipe:[", 6) == 0)
		return has_end_to_write_to(pid, one->link);
	char link[sizeof(one->link)];
	memcpy(link, one->link, sizeof(link));
	return add_peer(pid, link, descriptors);
}

struct search {
	pid_t pid;
	bool is_ours; /* of the tree: what is under way to others is theirs */
	const struct proc_descriptors *descriptors;
};

/* Those of which the kernel tells the same may be one. */
static bool is_same_event(pid_t pid, const char *fd, const struct proc_descriptor *one)
{
	char info[sizeof(one->info)];

	switch (read_info(pid, fd, info, sizeof(info))) {
	case INFO_WHOLE:
		return strcmp(one->info, info) == 0;
	case INFO_UNREADABLE:
		return true;
	default:
		return false;
	}
}

/* What was sent over a socket, and not taken yet, is open nowhere. */
static bool is_on_its_way(pid_t pid, const char *fd)
{
	char info[sizeof(((struct proc_descriptor *)NULL)->info)];
	const char *sent =
	    read_info(pid, fd, info, sizeof(info)) == INFO_WHOLE ? strstr(info, "scm_fds:") : NULL;

	return sent && strtoul(sent + strlen("scm_fds:"), NULL, 10) > 0;
}

static bool is_none_of(void *context, const char *fd, const char *link)
{
	const struct search *search = context;

	if (search->is_ours && strncmp(link, "socket:", 7) == 0 && is_on_its_way(search->pid, fd))
		return false;
	for (size_t i = 0; i < search->descriptors->count; i++) {
		const struct proc_descriptor *one = &search->descriptors->items[i];

		if (strcmp(one->link, link) == 0 && (!is_event(link) || is_same_event(search->pid, fd, one)))
			return false;
	}
	return true;
}

static bool starts_with_one_of(const char *text, const char *const starts[])
{
	for (size_t i = 0; starts[i]; i++)
		if (strncmp(text, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* By the kernel's own work, and that of drivers: an instance of io_uring, a virtual machine and their like
 * do. */
static bool signals_no_other(void *context, const char *fd, const char *link)
{
	static const char *const harmless[] = {"anon_inode:[eventfd]",
	                                       "anon_inode:[eventpoll]",
	                                       "anon_inode:[timerfd]",
	                                       "anon_inode:[signalfd]",
	                                       "anon_inode:inotify",
	                                       "anon_inode:[pidfd]",
	                                       "/dev/null",
	                                       "/dev/zero",
	                                       "/dev/full",
	                                       "/dev/random",
	                                       "/dev/urandom",
	                                       "/dev/tty",
	                                       "/dev/pts/",
	                                       "/dev/ptmx",
	                                       "/dev/console",
	                                       "/dev/shm/",
	                                       NULL};
	static const char *const drivers[] = {"anon_inode:", "/dev/", NULL};

	(void)context;
	(void)fd;
	return starts_with_one_of(link, harmless) || !starts_with_one_of(link, drivers);
}

static bool has_none(pid_t pid, const struct proc_descriptors *descriptors)
{
	struct search search = {pid, pid == getpid() || proc_tree_descends(pid, getpid()), descriptors};
	enum visit visit = visit_all(pid, is_none_of, &search);
	struct proc_stat stat;

	if (visit != VISIT_REFUSED)
		return visit == VISIT_WHOLE;
	/* Gone, dead, or a stranger's. */
	return !proc_stat_read(pid, 0, &stat) || stat.state == 'Z' || stat.state == 'X' ||
	       !proc_tree_descends(pid, getpid());
}

/* Where the initial thread has ended, the descriptors are listed under the others alone. */
static bool threads_have_none(pid_t pid, const struct proc_descriptors *descriptors)
{
	struct proc_list threads = {0};
	struct proc_stat stat;
	bool none = true;

	if (!proc_stat_read(pid, 0, &stat) || stat.state != 'Z')
		return true;
	proc_tree_threads(pid, &threads);
	for (size_t i = 0; i < threads.count && none; i++)
		none = threads.pids[i] == pid || has_none(threads.pids[i], descriptors);
	proc_list_release(&threads);
	return none;
}

bool proc_descriptors_are_its_own(pid_t pid, const struct proc_descriptors *descriptors)
{
	bool alone = visit_all(pid, signals_no_other, NULL) == VISIT_WHOLE;
	DIR *folder = opendir("/proc");

	if (!folder)
		return false;
	for (struct dirent *entry; alone && (entry = readdir(folder));) {
		pid_t other = (pid_t)strtol(entry->d_name, NULL, 10);

		alone = other <= 0 || other == pid ||
		        (has_none(other, descriptors) && threads_have_none(other, descriptors));
	}
	closedir(folder);
	return alone;
}

void proc_descriptors_release(struct proc_descriptors *descriptors)
{
	free(descriptors->items);
	*descriptors = (struct proc_descriptors){0};
}
