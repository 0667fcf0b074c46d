#include "trace_terms.h"

#include "trace_format.h"

static const enum lock_kind lock_kinds[] = {
    [TRACE_LOCK_MUTEX] = LOCK_MUTEX,       [TRACE_LOCK_RWLOCK] = LOCK_RWLOCK,
    [TRACE_LOCK_SPINLOCK] = LOCK_SPINLOCK, [TRACE_LOCK_SEMAPHORE] = LOCK_SEMAPHORE,
    [TRACE_LOCK_CONDVAR] = LOCK_CONDVAR,   [TRACE_LOCK_BARRIER] = LOCK_BARRIER,
    [TRACE_LOCK_THREAD] = LOCK_THREAD,     [TRACE_LOCK_FUTEX] = LOCK_FUTEX,
    [TRACE_LOCK_LIBC] = LOCK_LIBC,         [TRACE_LOCK_STATIC_INIT] = LOCK_STATIC_INIT,
    [TRACE_LOCK_STDIO] = LOCK_STDIO,
};
static const enum mutex_type mutex_types[] = {
    [TRACE_MUTEX_NORMAL] = MUTEX_NORMAL,
    [TRACE_MUTEX_RECURSIVE] = MUTEX_RECURSIVE,
    [TRACE_MUTEX_ERRORCHECK] = MUTEX_ERRORCHECK,
    [TRACE_MUTEX_ADAPTIVE] = MUTEX_ADAPTIVE,
};
static const enum observed observations[] = {
    [TRACE_BLOCKS_ON_VANISHED] = OBSERVED_BLOCKS_ON_VANISHED,
    [TRACE_TIMED_WAIT_ON_VANISHED] = OBSERVED_TIMED_WAIT_ON_VANISHED,
    [TRACE_TRY_FAILED_ON_VANISHED] = OBSERVED_TRY_FAILED_ON_VANISHED,
    [TRACE_BLOCKS_ON_PARENT_OWNER] = OBSERVED_BLOCKS_ON_PARENT_OWNER,
    [TRACE_UNLOCK_REFUSED] = OBSERVED_UNLOCK_REFUSED,
    [TRACE_FOREIGN_UNLOCK] = OBSERVED_FOREIGN_UNLOCK,
    [TRACE_BLOCKS_ON_SELF] = OBSERVED_BLOCKS_ON_SELF,
    [TRACE_BLOCKS_ON_ENDED_THREAD] = OBSERVED_BLOCKS_ON_ENDED_THREAD,
    [TRACE_BLOCKS_IN_CYCLE] = OBSERVED_BLOCKS_IN_CYCLE,
    [TRACE_RELOCK_REFUSED] = OBSERVED_RELOCK_REFUSED,
    [TRACE_BLOCKS_IN_ATFORK_HANDLER] = OBSERVED_BLOCKS_IN_ATFORK_HANDLER,
    [TRACE_HELD_AT_FORK] = OBSERVED_HELD_AT_FORK,
    [TRACE_SHARED_WITH_VANISHED] = OBSERVED_SHARED_WITH_VANISHED,
    [TRACE_WAITS_FOR_VANISHED] = OBSERVED_WAITS_FOR_VANISHED,
    [TRACE_UNLOCK_WITHOUT_EFFECT] = OBSERVED_UNLOCK_WITHOUT_EFFECT,
    [TRACE_SPINS_ON_VANISHED] = OBSERVED_SPINS_ON_VANISHED,
    [TRACE_ABORTS_ON_VANISHED] = OBSERVED_ABORTS_ON_VANISHED,
    [TRACE_STATIC_INIT_LEFT_OPEN] = OBSERVED_STATIC_INIT_LEFT_OPEN,
    [TRACE_ENTERS_LIBC_LEFT_LOCKED] = OBSERVED_ENTERS_LIBC,
    [TRACE_STUCK_FOR_ANOTHER_REASON] = OBSERVED_STUCK_FOR_ANOTHER_REASON,
    [TRACE_STUCK_ON_VANISHED] = OBSERVED_STUCK_ON_VANISHED,
    [TRACE_WAITS_IN_ATFORK_HANDLER] = OBSERVED_WAITS_IN_ATFORK_HANDLER,
    [TRACE_WAITS_FOR_HANDED_WORK] = OBSERVED_WAITS_FOR_HANDED_WORK,
};
static const enum notice_kind notice_kinds[] = {
    [TRACE_NOTICE_EXEC_WITHOUT_LIBRARY] = NOTICE_EXEC_WITHOUT_LIBRARY,
    [TRACE_NOTICE_EXEC_STATIC] = NOTICE_EXEC_STATIC,
    [TRACE_NOTICE_EXEC_PRIVILEGED] = NOTICE_EXEC_PRIVILEGED,
    [TRACE_NOTICE_EXEC_FOREIGN] = NOTICE_EXEC_FOREIGN,
    [TRACE_NOTICE_UNRECORDED] = NOTICE_UNRECORDED,
    [TRACE_NOTICE_FORK_BEFORE_INIT] = NOTICE_FORK_BEFORE_INIT,
    [TRACE_NOTICE_FORK_SKIPS_HANDLERS] = NOTICE_FORK_SKIPS_HANDLERS,
    [TRACE_NOTICE_VFORK_SKIPS_HANDLERS] = NOTICE_VFORK_SKIPS_HANDLERS,
    [TRACE_NOTICE_EXEC_AS_STRANGER] = NOTICE_EXEC_AS_STRANGER,
};
enum { BRIEF = 1, LOCKED = 0, LENGTHY = 0 };
static const struct libc_family libc_families[] = {
#define LIBC_FAMILY(id, tag, name, length, takes, beside, until) [id] = {name, length},
#include "trace_libc_families.def"
#undef LIBC_FAMILY
};
#define TRANSLATE(table, number) ((number) < sizeof(table) / sizeof(table)[0] ? (table)[number] : 0)

enum lock_kind trace_terms_lock_kind(uint32_t number)
{
	return TRANSLATE(lock_kinds, number);
}

enum mutex_type trace_terms_mutex_type(uint32_t number)
{
	return TRANSLATE(mutex_types, number);
}

enum observed trace_terms_observed(uint32_t number)
{
	return TRANSLATE(observations, number);
}

enum notice_kind trace_terms_notice_kind(uint32_t number)
{
	return TRANSLATE(notice_kinds, number);
}

const char *trace_terms_call_name(uint32_t id)
{
	static const char *const names[] = {
#define CALL(id, name) [id] = #name,
#include "trace_calls.def"
#undef CALL
	};

	return TRANSLATE(names, id);
}

const struct libc_family *trace_terms_libc_family(uint32_t number)
{
	return number < sizeof libc_families / sizeof libc_families[0] ? &libc_families[number] : NULL;
}
