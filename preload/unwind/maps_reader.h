/* Reads /proc/self/maps line by line with direct system calls, in bounded memory.
 *
 * Async-signal-safe, takes no lock, sets no errno, and uses under 300 bytes of stack: it may run on a small
 * signal stack. The buffer is mapped by maps_reader_open() and given back by maps_reader_close().
 */
#ifndef AFTERFORK_PRELOAD_MAPS_READER_H
#define AFTERFORK_PRELOAD_MAPS_READER_H

#include <stdbool.h>
#include <stdint.h>

enum { MAPS_READER_BUFFER_SIZE_BYTES = 32 * 1024 };

struct maps_entry {
	uint64_t start, end;
	uint64_t file_offset;
	uint64_t inode;
	bool readable, executable, shared;
	const char
	    *path; /* NUL-terminated, escapes as the kernel wrote them; "" if none; until the next call */
};

struct maps_reader {
	long fd;
	char *buffer;
	uint32_t next, filled; /* unread text is buffer[next..filled) */
	bool at_end;
};

/* False when the file cannot be opened or no memory is to be had; nothing is to be closed then. */
bool maps_reader_open(struct maps_reader *reader);
/* False at the end. Lines that are no mapping are skipped. */
bool maps_reader_next(struct maps_reader *reader, struct maps_entry *ret_entry);
void maps_reader_close(struct maps_reader *reader);

#endif
