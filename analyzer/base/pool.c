#include "pool.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024, ALIGNMENT_BYTES = 16 };

struct pool_chunk {
	struct pool_chunk *next;
	size_t used, size;
	_Alignas(ALIGNMENT_BYTES) char bytes[];
};

static struct pool_chunk *add_chunk(struct pool *pool, size_t size_bytes)
{
	size_t size = size_bytes > CHUNK_BYTES ? size_bytes : CHUNK_BYTES;
	struct pool_chunk *chunk = calloc(1, sizeof *chunk + size);

	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	return chunk;
}

void *pool_take(struct pool *pool, size_t size_bytes)
{
	size_t rounded = (size_bytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
	struct pool_chunk *chunk = pool->chunks;
	void *block;

	if (!chunk || chunk->size - chunk->used < rounded)
		chunk = add_chunk(pool, rounded);
	if (!chunk)
		return NULL;
	block = chunk->bytes + chunk->used;
	chunk->used += rounded;
	return block;
}

char *pool_string(struct pool *pool, const char *text, size_t size_max)
{
	size_t length = strnlen(text, size_max);
	char *copy = pool_take(pool, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

void pool_release(struct pool *pool)
{
	while (pool->chunks) {
		struct pool_chunk *next = pool->chunks->next;

		free(pool->chunks);
		pool->chunks = next;
	}
}
