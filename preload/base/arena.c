#include "arena.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "raw_syscall.h"

enum {
	ARENA_CHUNK_SIZE_BYTES = 1 << 20,
	ARENA_SANDBOX_SIZE_BYTES = 4 << 20, /* kept ready for what may come in a sandbox: some 200 threads */
	ARENA_LARGE_SIZE_BYTES =
	    1 << 18, /* from here on a mapping of its own: a chunk's rest is never lost to it */
	ARENA_ALIGNMENT_BYTES = 64,
};

/* Stands at its end, and is used up from there to its start: a new mapping lies below the one before, so what
 * is in use of both lies together, and shares pages of page tables. */
struct arena_chunk {
	_Atomic uint64_t used_bytes;
	uint64_t size_bytes;
};

static _Atomic(struct arena_chunk *) current_chunk;
static _Atomic bool sealed;

static void *arena_map(size_t size_bytes)
{
	if (arena_is_sealed())
		return NULL;
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

/* Maps a chunk of which end_bytes are taken already. NULL with *ret_retry set: another thread was faster. */
static void *arena_add_chunk(struct arena_chunk *used_up, uint64_t size_bytes, uint64_t end_bytes,
                             bool *ret_retry)
{
	char *memory = arena_map(size_bytes);
	if (!memory)
		return NULL;
	struct arena_chunk *chunk = (void *)(memory + size_bytes - ARENA_ALIGNMENT_BYTES);
	atomic_store_explicit(&chunk->used_bytes, end_bytes, memory_order_relaxed);
	chunk->size_bytes = size_bytes;
	if (atomic_compare_exchange_strong(&current_chunk, &used_up, chunk))
		return arena_place(chunk, end_bytes);
	raw_syscall2(SYS_munmap, (long)memory, (long)size_bytes);
	*ret_retry = true;
	return NULL;
}

static uint64_t round_up(uint64_t size_bytes, uint64_t alignment_bytes)
{
	return (size_bytes + alignment_bytes - 1) & ~(alignment_bytes - 1);
}

/* Chunks end at a page's end. */
static void *arena_take(size_t size_bytes, uint64_t alignment_bytes)
{
	if (size_bytes > SIZE_MAX - ARENA_PAGE_SIZE_BYTES)
		return NULL;
	if (size_bytes >= ARENA_LARGE_SIZE_BYTES && !arena_is_sealed())
		return arena_map(round_up(size_bytes, ARENA_PAGE_SIZE_BYTES));
	for (;;) {
		struct arena_chunk *chunk = atomic_load_explicit(&current_chunk, memory_order_acquire);
		uint64_t used = chunk ? atomic_load_explicit(&chunk->used_bytes, memory_order_relaxed) : 0;
		uint64_t end = round_up(used + size_bytes, alignment_bytes);
		if (chunk && end <= chunk->size_bytes) {
			if (atomic_compare_exchange_weak(&chunk->used_bytes, &used, end))
				return arena_place(chunk, end);
			continue;
		}
		bool retry = false;
		end = round_up(ARENA_ALIGNMENT_BYTES + size_bytes, alignment_bytes);
		void *memory = arena_add_chunk(chunk, ARENA_CHUNK_SIZE_BYTES, end, &retry);
		if (memory || !retry)
			return memory;
	}
}

void *arena_alloc(size_t size_bytes)
{
	return arena_take(size_bytes, ARENA_ALIGNMENT_BYTES);
}

void *arena_alloc_pages(size_t size_bytes)
{
	return arena_take(size_bytes, ARENA_PAGE_SIZE_BYTES);
}

void arena_seal(bool on)
{
	struct arena_chunk *chunk = atomic_load(&current_chunk);
	bool has_room =
	    chunk && atomic_load(&chunk->used_bytes) + ARENA_SANDBOX_SIZE_BYTES / 2 <= chunk->size_bytes;
	bool other_was_faster;
	if (on && !has_room)
		arena_add_chunk(chunk, ARENA_SANDBOX_SIZE_BYTES, ARENA_ALIGNMENT_BYTES, &other_was_faster);
	atomic_store(&sealed, on);
}

bool arena_is_sealed(void)
{
	return atomic_load_explicit(&sealed, memory_order_relaxed);
}
