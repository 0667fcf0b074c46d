/* Reads memory of this process that may be gone: what a record of another thread points to. */
#ifndef AFTERFORK_PRELOAD_OWN_MEMORY_H
#define AFTERFORK_PRELOAD_OWN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False when it cannot be read. Data of modules is read as it is, everything else by a system call that
 * faults in the kernel's stead; in a sandbox that is not made. Async-signal-safe. */
bool own_memory_read(uint64_t address, void *ret_bytes, size_t size_bytes);
/* True when it is known that no other process shares the page. */
bool own_memory_is_private(uint64_t address);

#endif
