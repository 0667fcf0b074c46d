/* What another thread of this process sleeps on, as the kernel tells. */
#ifndef AFTERFORK_PRELOAD_TASK_WAIT_H
#define AFTERFORK_PRELOAD_TASK_WAIT_H

#include <stdint.h>

/* The address of the futex on which the thread waits without a time limit; 0: it does not, or it cannot be
 * known. Makes system calls; async-signal-safe. */
uint64_t task_wait_address(int32_t tid);
/* The same from the text of /proc/self/task/TID/syscall, NUL-terminated. */
uint64_t task_wait_parse(const char *text);

#endif
