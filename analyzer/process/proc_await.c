#include "proc_await.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fnv.h"
#include "proc_descriptor.h"
#include "proc_maps.h"
#include "proc_memory.h"
#include "proc_stat.h"
#include "proc_tree.h"

enum await_call { AWAIT_NONE, AWAIT_READ, AWAIT_POLL, AWAIT_EPOLL };

static enum await_call call_of(const struct proc_wait *wait)
{
	const uint64_t *arguments = wait->arguments;

	switch (wait->call) {
	case SYS_read:
		return AWAIT_READ;
#ifdef SYS_poll
	case SYS_poll:
		return (int)arguments[2] < 0 ? AWAIT_POLL : AWAIT_NONE;
#endif
	case SYS_ppoll:
		return arguments[2] == 0 ? AWAIT_POLL : AWAIT_NONE;
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait:
		return (int)arguments[3] < 0 ? AWAIT_EPOLL : AWAIT_NONE;
	default:
		return AWAIT_NONE;
	}
}

bool proc_await_read(pid_t pid, struct proc_standstill *ret_standstill)
{
	struct proc_standstill standstill = {.hash = FNV_START, .thread_count = 1, .tid = pid};
	struct proc_wait *wait = &standstill.wait;

	proc_wait_read(pid, pid, wait);
	if (wait->state != PROC_WAIT_OTHER || !call_of(wait) || !proc_tree_has_one_thread(pid))
		return false;
	wait->state = PROC_WAIT_DESCRIPTORS;
	fnv_mix(&standstill.hash, (uint64_t)wait->call);
	for (int i = 0; i < 4; i++)
		fnv_mix(&standstill.hash, wait->arguments[i]);
	fnv_mix(&standstill.hash, wait->stack);
	standstill.hash |= 1;
	standstill.switches = proc_stat_switches(pid, pid);
	*ret_standstill = standstill;
	return standstill.switches > 0;
}

static bool add(pid_t pid, int fd, struct proc_descriptors *descriptors);

static bool add_polled(pid_t pid, const struct proc_wait *wait, struct proc_descriptors *descriptors)
{
	struct pollfd polled[PROC_DESCRIPTORS_MAX];
	uint64_t count = wait->arguments[1];

	if (count > PROC_DESCRIPTORS_MAX ||
	    !proc_memory_read(pid, wait->arguments[0], polled, count * sizeof(*polled)))
		return false;
	for (size_t i = 0; i < count; i++)
		if (polled[i].fd >= 0 && !add(pid, polled[i].fd, descriptors))
			return false;
	return true;
}

/* Of the members that were added under that number: -1 there is none, or it may not be asked. */
static long differs_from_member(pid_t pid, int epoll, int fd, uint32_t nth)
{
	struct kcmp_epoll_slot slot = {.efd = (uint32_t)epoll, .tfd = (uint32_t)fd, .toff = nth};

	return syscall(SYS_kcmp, pid, pid, KCMP_EPOLL_TFD, fd, &slot);
}

/* A set goes by files: under the number that was given another one may be open today. Clocks, events and
 * their like all have one inode. */
static bool is_still(pid_t pid, int epoll, int fd, uint64_t inode)
{
	char path[64];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	if (stat(path, &status) != 0 || status.st_ino != inode)
		return false;
	long differs = differs_from_member(pid, epoll, fd, 0);
	bool may_ask = differs >= 0 || errno == ENOENT;
	return !may_ask || (differs == 0 && differs_from_member(pid, epoll, fd, 1) < 0);
}

static bool add_members(pid_t pid, int epoll, struct proc_descriptors *descriptors)
{
	char path[64], line[256];
	bool good = true;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, epoll);
	FILE *file = fopen(path, "re");
	while (file && good && fgets(line, sizeof(line), file)) {
		const char *inode_text = strstr(line, "ino:");
		uint64_t inode;
		int fd;

		if (sscanf(line, "tfd: %d", &fd) == 1)
			good = inode_text && sscanf(inode_text, "ino:%" SCNx64, &inode) == 1 &&
			       is_still(pid, epoll, fd, inode) && add(pid, fd, descriptors);
	}
	if (file)
		fclose(file);
	return file && good;
}

/* A set may have sets as members, but itself in no way. */
static bool add(pid_t pid, int fd, struct proc_descriptors *descriptors)
{
	size_t at = descriptors->count;

	return proc_descriptors_add(pid, fd, descriptors) &&
	       (strcmp(descriptors->items[at].link, "anon_inode:[eventpoll]") != 0 ||
	        add_members(pid, fd, descriptors));
}

static bool is_socket(const struct proc_descriptors *descriptors)
{
	return strncmp(descriptors->items[0].link, "socket:", 7) == 0;
}

static bool find_awaited(pid_t pid, const struct proc_wait *wait, struct proc_descriptors *descriptors)
{
	int fd = (int)wait->arguments[0];

	switch (call_of(wait)) {
	case AWAIT_READ: /* a socket may have a time limit of its own */
		return proc_descriptors_add(pid, fd, descriptors) && !is_socket(descriptors);
	case AWAIT_POLL:
		return add_polled(pid, wait, descriptors) && descriptors->count > 0;
	case AWAIT_EPOLL:
		return add(pid, fd, descriptors) && descriptors->count > 1;
	default:
		return false;
	}
}

bool proc_await_is_hopeless(pid_t pid, const struct proc_wait *wait)
{
	struct proc_descriptors awaited = {0};
	struct proc_maps maps;

	if (!proc_maps_read(pid, &maps))
		return false;
	bool hopeless = !proc_maps_have_requests(&maps) && find_awaited(pid, wait, &awaited) &&
	                proc_descriptors_are_its_own(pid, &awaited);
	proc_maps_release(&maps);
	proc_descriptors_release(&awaited);
	return hopeless;
}
