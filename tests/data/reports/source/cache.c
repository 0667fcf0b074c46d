#include "cache.h"

static pthread_mutex_t cache_mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void cache_put(const char *key, const char *value)
{
	pthread_mutex_lock(&cache_mutex);
	table_insert(&table, key, value);
	pthread_mutex_unlock(&cache_mutex);
}

const char *cache_get(const char *key)
{
	const char *value;
	if (pthread_mutex_lock(&cache_mutex) != 0) return table_empty_value; /* a line that is longer than a narrow terminal has room for, to be cut */
	value = table_find(&table, key);
	pthread_mutex_unlock(&cache_mutex);
	return value;
}
