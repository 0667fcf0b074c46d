#include "lock_word.h"

#include "trace_format.h"

/* Bits of __kind, glibc nptl/pthreadP.h. */
enum {
	KIND_TYPE = 3,
	KIND_ROBUST = 16,
	KIND_PRIO_INHERIT = 32,
	KIND_PRIO_PROTECT = 64,
	KIND_PSHARED = 128,
	WORD_TID = 0x3fffffff, /* FUTEX_TID_MASK */
};

static uint32_t flags_of(int kind)
{
	uint32_t flags = 0;
	flags |= kind & KIND_PSHARED ? TRACE_LOCK_PSHARED : 0;
	flags |= kind & KIND_ROBUST ? TRACE_LOCK_ROBUST : 0;
	flags |= kind & KIND_PRIO_INHERIT ? TRACE_LOCK_PRIO_INHERIT : 0;
	flags |= kind & KIND_PRIO_PROTECT ? TRACE_LOCK_PRIO_PROTECT : 0;
	return flags;
}

struct lock_state lock_word_of_mutex(const pthread_mutex_t *mutex)
{
	int kind = __atomic_load_n(&mutex->__data.__kind, __ATOMIC_RELAXED);
	uint32_t word = (uint32_t)__atomic_load_n(&mutex->__data.__lock, __ATOMIC_ACQUIRE);
	struct lock_state state = {
	    .word = word, .type = (uint32_t)(kind & KIND_TYPE), .flags = flags_of(kind)};
	if (state.flags & (TRACE_LOCK_ROBUST | TRACE_LOCK_PRIO_INHERIT)) {
		state.owner_tid = (int32_t)(word & WORD_TID);
		state.locked = state.owner_tid != 0;
	} else if (state.flags & TRACE_LOCK_PRIO_PROTECT) {
		/* The word carries the ceiling in its upper bits. */
		state.locked = (word & 0x7ffff) != 0;
		state.owner_tid = __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED);
	} else {
		state.locked = word != 0;
		state.owner_tid = __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED);
	}
	if (!state.locked)
		state.owner_tid = 0;
	return state;
}

bool lock_word_checks_owner(const struct lock_state *state)
{
	return state->type == TRACE_MUTEX_RECURSIVE || state->type == TRACE_MUTEX_ERRORCHECK ||
	       (state->flags & (TRACE_LOCK_ROBUST | TRACE_LOCK_PRIO_INHERIT)) != 0;
}
