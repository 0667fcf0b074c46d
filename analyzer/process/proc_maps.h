/* /proc/PID/maps, read whole: what is mapped where in another process at one moment. */
#ifndef AFTERFORK_PROC_MAPS_H
#define AFTERFORK_PROC_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_map {
	uint64_t start, end, file_offset;
	bool readable, writable, executable, is_private;
	const char
	    *path; /* "" for anonymous memory; as the kernel tells it: "[stack]", "/lib/x.so (deleted)" */
};

struct proc_maps {
	struct proc_map *items; /* rising addresses */
	size_t count;
	char *text; /* the file as it was read, for others who parse it; paths are copies */
	size_t text_size_bytes;
	char *paths;
};

/* False, with *ret_maps empty, when the process is gone, may not be looked at, or memory ran out. */
bool proc_maps_read(pid_t pid, struct proc_maps *ret_maps);
/* The same from the text of such a file, which is copied. */
bool proc_maps_parse(const char *text, size_t size_bytes, struct proc_maps *ret_maps);
/* NULL: nothing is mapped there. */
const struct proc_map *proc_maps_find(const struct proc_maps *maps, uint64_t address);
/* Requests (io_uring, aio) may be under way, of which the kernel tells the results by itself. */
bool proc_maps_have_requests(const struct proc_maps *maps);
/* A zeroed or released one is a no-op. */
void proc_maps_release(struct proc_maps *maps);

/* The part of the path behind the last slash. */
const char *proc_map_base_name(const struct proc_map *map);

#endif
