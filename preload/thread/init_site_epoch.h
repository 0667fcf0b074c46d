/* How many initialisations and destructions of locks there were: a use of a lock that is noted with a count
 * not before that of its initialisation was a use of this very object. */
#ifndef AFTERFORK_PRELOAD_INIT_SITE_EPOCH_H
#define AFTERFORK_PRELOAD_INIT_SITE_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

extern _Atomic uint32_t init_site_epoch_now __attribute__((visibility("hidden")));

static inline uint32_t init_site_epoch(void)
{
	return atomic_load_explicit(&init_site_epoch_now, memory_order_relaxed);
}

#endif
