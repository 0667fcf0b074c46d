/* The intercepted functions as traces number them. */
#ifndef AFTERFORK_PRELOAD_CALL_ID_H
#define AFTERFORK_PRELOAD_CALL_ID_H

#include <stdbool.h>

enum call_id {
#define CALL(id, name) CALL_##name = id,
#include "trace_calls.def"
#undef CALL
};

static inline bool call_id_is_write_lock(unsigned call)
{
	return call >= CALL_pthread_rwlock_wrlock && call <= CALL_pthread_rwlock_clockwrlock;
}

static inline bool call_id_is_read_lock(unsigned call)
{
	return call >= CALL_pthread_rwlock_rdlock && call <= CALL_pthread_rwlock_clockrdlock;
}

#endif
