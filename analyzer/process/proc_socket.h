/* The other end of a connected socket of the Unix family, as the kernel's socket diagnosis tells it. */
#ifndef AFTERFORK_PROC_SOCKET_H
#define AFTERFORK_PROC_SOCKET_H

#include <stdint.h>
#include <sys/types.h>

/* inode is what /proc/PID/fd has as socket:[N]; the result is such a number, too. 0: not known, of another
 * family, a socket to which others could send, or in another network namespace than the caller. */
uint32_t proc_socket_peer(pid_t pid, uint32_t inode);

#endif
