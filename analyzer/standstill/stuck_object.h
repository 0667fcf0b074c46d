/* A piece of memory of a stuck process, and of its parent: what it is, and whether the fork copied it. */
#ifndef AFTERFORK_STUCK_OBJECT_H
#define AFTERFORK_STUCK_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc_maps.h"

enum { STUCK_OBJECT_SIZE_BYTES = 128, STUCK_OBJECT_MIDDLE = STUCK_OBJECT_SIZE_BYTES / 2 };

struct stuck_object {
	uint64_t address; /* of the byte at STUCK_OBJECT_MIDDLE */
	unsigned char bytes[STUCK_OBJECT_SIZE_BYTES], parents[STUCK_OBJECT_SIZE_BYTES];
	bool is_known, is_known_of_parent;
};

/* parent is one that still runs the program that forked; 0: none is there. */
void stuck_object_read(pid_t pid, pid_t parent, uint64_t address, struct stuck_object *ret_object);
/* What the child made for itself after the fork no vanished thread knows. A static variable was there before;
 * a block of the heap was if its neighbourhood still looks like the parent's. sp is of the thread that waits.
 */
bool stuck_object_was_there_at_fork(const struct stuck_object *object, const struct proc_maps *maps,
                                    uint64_t sp);
/* The mapping, with a file behind it, of the module whose static variables the address is among; NULL: none.
 */
const struct proc_map *stuck_object_module_data(const struct proc_maps *maps, uint64_t address);

#endif
