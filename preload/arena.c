#include "arena.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "raw_syscall.h"

enum {
	ARENA_CHUNK_SIZE_BYTES = 1 << 20,
	ARENA_LARGE_SIZE_BYTES =
	    1 << 18, /* from here on a mapping of its own: a chunk's rest is never lost to it */
	ARENA_ALIGNMENT_BYTES = 64,
	ARENA_PAGE_SIZE_BYTES = 4096,
};

/* Stands at its end, and is used up from there to its start: a new mapping lies below the one before, so what is
 * in use of both lies together, and shares pages of page tables. */
struct arena_chunk {
	_Atomic uint64_t used_bytes; /* runs past the size once the chunk is used up */
};

static _Atomic(struct arena_chunk *) current_chunk;

static void *arena_map(size_t size_bytes)
{
	long address = raw_syscall6(SYS_mmap, 0, (long)size_bytes, PROT_READ | PROT_WRITE,
	                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (address < 0 && address > -ARENA_PAGE_SIZE_BYTES)
		return NULL;
	return (void *)address;
}

static void *arena_place(struct arena_chunk *chunk, uint64_t end_bytes)
{
	return (char *)chunk + ARENA_ALIGNMENT_BYTES - end_bytes;
}

/* Maps a chunk of which size_bytes are taken already. NULL with *ret_retry set: another thread was faster. */
static void *arena_add_chunk(struct arena_chunk *used_up, size_t size_bytes, int *ret_retry)
{
	char *memory = arena_map(ARENA_CHUNK_SIZE_BYTES);
	if (!memory)
		return NULL;
	struct arena_chunk *chunk = (void *)(memory + ARENA_CHUNK_SIZE_BYTES - ARENA_ALIGNMENT_BYTES);
	uint64_t end_bytes = ARENA_ALIGNMENT_BYTES + size_bytes;
	atomic_store_explicit(&chunk->used_bytes, end_bytes, memory_order_relaxed);
	if (atomic_compare_exchange_strong(&current_chunk, &used_up, chunk))
		return arena_place(chunk, end_bytes);
	raw_syscall2(SYS_munmap, (long)memory, ARENA_CHUNK_SIZE_BYTES);
	*ret_retry = 1;
	return NULL;
}

void *arena_alloc(size_t size_bytes)
{
	if (size_bytes > SIZE_MAX - ARENA_PAGE_SIZE_BYTES)
		return NULL;
	if (size_bytes >= ARENA_LARGE_SIZE_BYTES)
		return arena_map((size_bytes + ARENA_PAGE_SIZE_BYTES - 1) &
		                 ~(size_t)(ARENA_PAGE_SIZE_BYTES - 1));
	size_bytes = (size_bytes + ARENA_ALIGNMENT_BYTES - 1) & ~(size_t)(ARENA_ALIGNMENT_BYTES - 1);
	for (;;) {
		struct arena_chunk *chunk = atomic_load_explicit(&current_chunk, memory_order_acquire);
		if (chunk) {
			uint64_t at =
			    atomic_fetch_add_explicit(&chunk->used_bytes, size_bytes, memory_order_relaxed);
			if (at + size_bytes <= ARENA_CHUNK_SIZE_BYTES)
				return arena_place(chunk, at + size_bytes);
		}
		int retry = 0;
		void *memory = arena_add_chunk(chunk, size_bytes, &retry);
		if (memory || !retry)
			return memory;
	}
}
