/* The families of locks inside libc, by number: trace_lock.type of a lock of kind TRACE_LOCK_LIBC. */
#ifndef AFTERFORK_TRACE_LIBC_H
#define AFTERFORK_TRACE_LIBC_H

enum libc_family {
	LIBC_none = 0,
#define LIBC_FAMILY(id, tag, name, length, takes, beside, until) LIBC_##tag = id,
#include "trace_libc_families.def"
#undef LIBC_FAMILY
	LIBC_FAMILY_LIMIT = 64, /* all ids are below */
};

#endif
