/* What the descriptors of a process stand for, and whether other processes have the same. */
#ifndef AFTERFORK_PROC_DESCRIPTOR_H
#define AFTERFORK_PROC_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROC_DESCRIPTORS_MAX = 64 };

/* Things in the kernel by which threads wake each other. */
struct proc_descriptor {
	char link[64];   /* of /proc/PID/fd/N: pipe:[N], socket:[N], anon_inode:[eventfd], ... */
	char info[4000]; /* what /proc/PID/fdinfo/N tells of it; pipes and sockets need none */
};

struct proc_descriptors {
	struct proc_descriptor *items;
	size_t count;
};

/* Adds what the descriptor stands for: an eventfd, an epoll set (without its members), or both ends of a
 * pipe or a pair of sockets that are open in the process. False: anything else, which others could make
 * ready. */
bool proc_descriptors_add(pid_t pid, int fd, struct proc_descriptors *descriptors);
/* True where no other process that can be looked at has one of them, none below the caller is hidden from it,
 * and the kernel does no work for the process by itself (io_uring, KVM and their like). */
bool proc_descriptors_are_its_own(pid_t pid, const struct proc_descriptors *descriptors);
/* A zeroed or released one is a no-op. */
void proc_descriptors_release(struct proc_descriptors *descriptors);

#endif
