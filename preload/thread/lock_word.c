#include "lock_word.h"

/* Bits of __kind, glibc nptl/pthreadP.h. */
enum {
	KIND_TYPE = 3,
	KIND_ROBUST = 16,
	KIND_PRIO_INHERIT = 32,
	KIND_PRIO_PROTECT = 64,
	KIND_PSHARED = 128,
	WORD_TID = 0x3fffffff, /* FUTEX_TID_MASK */
};

/* Bits of __readers, glibc nptl/pthread_rwlock_common.c. */
enum {
	READERS_WRPHASE = 1,
	READERS_WRLOCKED = 2,
	READERS_SHIFT = 3,
};

/* Of a C++ guard, libstdc++'s libsupc++/guard.cc. */
enum {
	GUARD_DONE = 0xff, /* the byte that compiled code looks at */
	GUARD_PENDING = 0x100,
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
	struct lock_state state = {.word = word,
	                           .kind = TRACE_LOCK_MUTEX,
	                           .type = (uint32_t)(kind & KIND_TYPE),
	                           .flags = flags_of(kind)};
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

static struct lock_state mutex_state(const struct lock_ref *lock)
{
	return lock_word_of_mutex(lock->address);
}

/* In the write phase the count of readers is that of those who wait. A reader waits for a writer that has the
 * lock, and, where writers come first, for one that is still waiting for other readers. */
static struct lock_state rwlock_state(const struct lock_ref *lock)
{
	const pthread_rwlock_t *rwlock = lock->address;
	uint32_t readers = __atomic_load_n(&rwlock->__data.__readers, __ATOMIC_ACQUIRE);
	bool write_phase = readers & READERS_WRPHASE, writer = readers & READERS_WRLOCKED;
	uint32_t count = write_phase ? 0 : readers >> READERS_SHIFT;
	struct lock_state state = {
	    .word = readers,
	    .kind = TRACE_LOCK_RWLOCK,
	    .flags = __atomic_load_n(&rwlock->__data.__shared, __ATOMIC_RELAXED) ? TRACE_LOCK_PSHARED : 0,
	};
	if (write_phase && writer)
		state.owner_tid = __atomic_load_n(&rwlock->__data.__cur_writer, __ATOMIC_RELAXED);
	bool writers_first = rwlock->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
	if (lock->shared)
		state.locked = writer && (write_phase || (writers_first && count > 0));
	else
		state.locked = writer || count > 0;
	state.names_nobody = !write_phase && count > 0;
	state.holders = count;
	return state;
}

static struct lock_state spinlock_state(const struct lock_ref *lock)
{
	int32_t word = __atomic_load_n((const int32_t *)lock->address, __ATOMIC_ACQUIRE);
	return (struct lock_state){
	    .locked = word <= 0,
	    .names_nobody = true,
	    .word = (uint32_t)word,
	    .kind = TRACE_LOCK_SPINLOCK,
	    .holders = word <= 0,
	};
}

/* The value is the lower half of a 64-bit word; `private` is 128 for a shared one. */
static struct lock_state semaphore_state(const struct lock_ref *lock)
{
	struct semaphore {
		uint64_t data;
		int32_t private;
	};
	const struct semaphore *semaphore = lock->address;
	uint32_t value = (uint32_t)__atomic_load_n(&semaphore->data, __ATOMIC_ACQUIRE);
	return (struct lock_state){
	    .locked = value == 0,
	    .names_nobody = true,
	    .word = value,
	    .kind = TRACE_LOCK_SEMAPHORE,
	    .flags = __atomic_load_n(&semaphore->private, __ATOMIC_RELAXED) ? TRACE_LOCK_PSHARED : 0,
	    .holders = value == 0,
	};
}

static struct lock_state static_init_state(const struct lock_ref *lock)
{
	uint32_t word = __atomic_load_n((const uint32_t *)lock->address, __ATOMIC_ACQUIRE);
	bool open = !(word & GUARD_DONE) && (word & GUARD_PENDING);
	return (struct lock_state){
	    .locked = open,
	    .names_nobody = true,
	    .word = word,
	    .kind = TRACE_LOCK_STATIC_INIT,
	    .holders = open,
	};
}

struct lock_state lock_word_of(const struct lock_ref *lock)
{
	static struct lock_state (*const readers[])(const struct lock_ref *lock) = {
	    [TRACE_LOCK_MUTEX] = mutex_state,
	    [TRACE_LOCK_RWLOCK] = rwlock_state,
	    [TRACE_LOCK_SPINLOCK] = spinlock_state,
	    [TRACE_LOCK_SEMAPHORE] = semaphore_state,
	    [TRACE_LOCK_STATIC_INIT] = static_init_state,
	};
	bool known = lock->kind < sizeof readers / sizeof *readers && readers[lock->kind];
	return known ? readers[lock->kind](lock) : (struct lock_state){.kind = lock->kind};
}

bool lock_word_checks_owner(const struct lock_state *state)
{
	if (state->kind == TRACE_LOCK_RWLOCK)
		return true;
	return state->type == TRACE_MUTEX_RECURSIVE || state->type == TRACE_MUTEX_ERRORCHECK ||
	       (state->flags & (TRACE_LOCK_ROBUST | TRACE_LOCK_PRIO_INHERIT)) != 0;
}

size_t lock_word_size_of(enum trace_lock_kind kind)
{
	switch (kind) {
	case TRACE_LOCK_MUTEX:
		return sizeof(pthread_mutex_t);
	case TRACE_LOCK_RWLOCK:
		return sizeof(pthread_rwlock_t);
	case TRACE_LOCK_SPINLOCK:
		return sizeof(pthread_spinlock_t);
	case TRACE_LOCK_SEMAPHORE:
		return sizeof(sem_t);
	case TRACE_LOCK_STATIC_INIT:
		return sizeof(int64_t);
	default:
		return 0;
	}
}
