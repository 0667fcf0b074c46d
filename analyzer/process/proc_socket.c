#include "proc_socket.h"

#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static bool is_in_our_network(pid_t pid)
{
	char path[64], ours[PATH_MAX], theirs[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	ssize_t size = readlink(path, theirs, sizeof(theirs));
	return size > 0 && readlink("/proc/self/ns/net", ours, sizeof(ours)) == size &&
	       memcmp(ours, theirs, (size_t)size) == 0;
}

static uint32_t peer_in(struct nlmsghdr *header, int size)
{
	const struct unix_diag_msg *found = NLMSG_DATA(header);
	uint32_t peer = 0;

	if (!NLMSG_OK(header, (unsigned)size) || header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    (found->udiag_type != SOCK_STREAM && found->udiag_type != SOCK_SEQPACKET))
		return 0;
	int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(*found)));
	struct rtattr *attribute =
	    (struct rtattr *)(void *)((char *)NLMSG_DATA(header) + NLMSG_ALIGN(sizeof(*found)));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(attribute) >= sizeof(peer))
			memcpy(&peer, RTA_DATA(attribute), sizeof(peer));
	return peer;
}

uint32_t proc_socket_peer(pid_t pid, uint32_t inode)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} question = {
	    .header = {.nlmsg_len = sizeof(question),
	               .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	               .nlmsg_flags = NLM_F_REQUEST},
	    .request = {.sdiag_family = AF_UNIX,
	                .udiag_states = UINT32_MAX,
	                .udiag_ino = inode,
	                .udiag_show = UDIAG_SHOW_PEER,
	                .udiag_cookie = {UINT32_MAX, UINT32_MAX}},
	};
	const struct timeval patience = {.tv_sec = 1};
	union {
		struct nlmsghdr header;
		char bytes[1024];
	} answer;

	int fd = is_in_our_network(pid) ? socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG) : -1;
	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ssize_t size = send(fd, &question, sizeof(question), 0) == sizeof(question)
	                   ? recv(fd, &answer, sizeof(answer), 0)
	                   : -1;
	close(fd);
	return size > 0 ? peer_in(&answer.header, (int)size) : 0;
}
