/* Memory of another process, read from outside (/proc/PID/mem: needs ptrace rights, stops nothing). */
#ifndef AFTERFORK_PROC_MEMORY_H
#define AFTERFORK_PROC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

bool proc_memory_read(pid_t pid, uint64_t address, void *ret_bytes, size_t size_bytes);
/* True when /proc/PID/maps shows a private mapping at the address; false when shared or not known. */
bool proc_memory_is_private(pid_t pid, uint64_t address);

#endif
