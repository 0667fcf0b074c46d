/* Memory of another process, read from outside (/proc/PID/mem: needs ptrace rights, stops nothing). */
#ifndef AFTERFORK_PROC_MEMORY_H
#define AFTERFORK_PROC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

bool proc_memory_read(pid_t pid, uint64_t address, void *ret_bytes, size_t size_bytes);
/* Reads as many words of [start, end) as there are, count_max at most. Returns how many; 0: not readable. */
size_t proc_memory_read_words(pid_t pid, uint64_t start, uint64_t end, uint64_t *ret_words, size_t count_max);
/* True when /proc/PID/maps shows a private mapping at the address; false when shared or not known. */
bool proc_memory_is_private(pid_t pid, uint64_t address);

enum proc_memory_same { PROC_MEMORY_NOT_KNOWN, PROC_MEMORY_SAME, PROC_MEMORY_DIFFERS };
/* Do the two processes run in one memory, as parent and child of vfork() or clone(CLONE_VM) do? */
enum proc_memory_same proc_memory_is_same(pid_t a, pid_t b);

#endif
