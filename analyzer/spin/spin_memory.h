/* The memory of a process that was stopped, read as it is asked for, a page at a time: what nobody but its
 * one thread changes is known, the rest is not. */
#ifndef AFTERFORK_SPIN_MEMORY_H
#define AFTERFORK_SPIN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc_maps.h"

enum { SPIN_PAGE_BYTES = 4096, SPIN_PAGES_MAX = 64, SPIN_LOADS_MAX = 16 };
enum spin_access { SPIN_READ, SPIN_WRITE, SPIN_RUN };

struct spin_range {
	uint64_t address;
	uint32_t size_bytes;
};

struct spin_memory {
	int memory_fd, pagemap_fd;
	struct proc_maps maps;
	struct spin_range changing; /* by the kernel: which CPU the thread is on */
	struct spin_range hidden;   /* taken as unknown for a trial; size 0: nothing */
	bool hidden_is_stored_to;
	/* Addresses on the thread's stack, and where libc's own data of it begin. */
	uint64_t stack, thread;
	struct spin_page {
		uint64_t address;
		bool is_known;
		unsigned char bytes[SPIN_PAGE_BYTES];
	} * pages;
	unsigned page_count;
	/* Variables that were read before anything was stored into them: none that are the thread's own. */
	struct spin_range loads[SPIN_LOADS_MAX];
	unsigned load_count;
	bool is_lost; /* what is not there was read, or there is too much of it */
};

/* False where it may not be read, or where the kernel could write into it at any time. */
bool spin_memory_open(pid_t pid, uint64_t stack, uint64_t thread, struct spin_memory *ret_memory);
/* A zeroed or closed one is a no-op. */
void spin_memory_close(struct spin_memory *memory);
/* Would the process be let do that? A write or a run is allowed in private memory only. */
bool spin_memory_may(const struct spin_memory *memory, uint64_t address, size_t size_bytes,
                     enum spin_access access);
/* Eight bytes, and which of them are known (bit i). */
void spin_memory_read(struct spin_memory *memory, uint64_t address, unsigned char ret_bytes[8],
                      uint8_t *ret_known);
/* As they are, for code. */
bool spin_memory_copy(struct spin_memory *memory, uint64_t address, void *ret_bytes, size_t size_bytes);
void spin_memory_note_load(struct spin_memory *memory, uint64_t address, unsigned size_bytes);
void spin_memory_note_store(struct spin_memory *memory, uint64_t address, unsigned size_bytes);

#endif
