/* Memory that is freed all at once. Blocks are zeroed, aligned for any type, and never move. */
#ifndef AFTERFORK_POOL_H
#define AFTERFORK_POOL_H

#include <stddef.h>

struct pool_chunk;
struct pool {
	struct pool_chunk *chunks;
};

/* NULL when out of memory. */
void *pool_take(struct pool *pool, size_t size_bytes);
/* A copy of the text up to its NUL, at most size_max bytes. NULL when out of memory. */
char *pool_string(struct pool *pool, const char *text, size_t size_max);
void pool_release(struct pool *pool);

#endif
