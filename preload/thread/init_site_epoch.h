/* How many initialisations of locks there were: a use of a lock that is noted with a count not before that of
 * its initialisation was a use of this very object. */
#ifndef AFTERFORK_PRELOAD_INIT_SITE_EPOCH_H
#define AFTERFORK_PRELOAD_INIT_SITE_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

extern _Atomic uint32_t init_site_epoch_now __attribute__((visibility("hidden")));

static inline uint32_t init_site_epoch(void)
{
	return atomic_load_explicit(&init_site_epoch_now, memory_order_relaxed);
}

/* Programs that run for days initialise more than 2^32. */
static inline bool init_site_is_before(uint32_t epoch, uint32_t other)
{
	return (int32_t)(epoch - other) < 0;
}

#endif
