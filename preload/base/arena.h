/* Memory of the library inside the traced process: anonymous mappings of its own, never
 * freed, never moved, taken from no allocator of the program.
 *
 * Thread-safe and async-signal-safe (no lock; mmap by a direct system call when a
 * chunk is used up). Usable in a forked child: no lock exists that could be left behind.
 */
#ifndef AFTERFORK_PRELOAD_ARENA_H
#define AFTERFORK_PRELOAD_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* Returns size_bytes zeroed bytes aligned to 64, or NULL when the kernel gives no memory. */
void *arena_alloc(size_t size_bytes);
/* The same, aligned to a page. */
void *arena_alloc_pages(size_t size_bytes);

/* The program enters a sandbox: some memory is made ready, and none is asked of the kernel from then on.
 * False again where it could not enter. */
void arena_seal(bool on);
bool arena_is_sealed(void);

enum { ARENA_PAGE_SIZE_BYTES = 4096 };

#endif
