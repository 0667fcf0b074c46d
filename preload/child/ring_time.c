#include "ring_time.h"

#include <sys/time.h>

#include "clock.h"
#include "fork_snapshot.h"
#include "raw_syscall.h"
#include "trace_writer.h"

static uint64_t now(void)
{
	struct itimerval alarm;
	if (trace_writer_is_sealed() || raw_syscall2(SYS_getitimer, ITIMER_REAL, (long)&alarm) != 0)
		return TRACE_RINGS_NOT_KNOWN;
	if (!alarm.it_value.tv_sec && !alarm.it_value.tv_usec)
		return TRACE_RINGS_NEVER;
	if (alarm.it_interval.tv_sec || alarm.it_interval.tv_usec)
		return TRACE_RINGS_FOR_EVER;
	return trace_writer_now_ns() + (uint64_t)alarm.it_value.tv_sec * 1000000000 +
	       (uint64_t)alarm.it_value.tv_usec * 1000;
}

void ring_time_note(void)
{
	atomic_store(&process.rings_ns, now());
}

void ring_time_changed(void)
{
	/* A child of vfork() has alarms of its own, and this memory not to itself. */
	if (atomic_load_explicit(&process.rings_ns, memory_order_relaxed) != TRACE_RINGS_NOT_KNOWN &&
	    fork_snapshot_is_own_process())
		ring_time_note();
}
