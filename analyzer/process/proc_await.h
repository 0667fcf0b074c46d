/* A process whose only thread waits for descriptors (read, poll, epoll_wait) without a time limit, and those
 * that nobody could ever make ready. The process is not touched: a stop would end an epoll_wait() with EINTR.
 */
#ifndef AFTERFORK_PROC_AWAIT_H
#define AFTERFORK_PROC_AWAIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "proc_standstill.h"

/* The state of the wait is PROC_WAIT_DESCRIPTORS. False where it has other threads, or does anything else. */
bool proc_await_read(pid_t pid, struct proc_standstill *ret_standstill);
/* All that is waited for are pipes, eventfds and pairs of sockets, of which no other process has either end.
 * The wait is what proc_await_read() gave. */
bool proc_await_is_hopeless(pid_t pid, const struct proc_wait *wait);

#endif
