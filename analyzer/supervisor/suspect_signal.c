#include "suspect_signal.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "library_state.h"
#include "proc_maps.h"
#include "proc_signals.h"
#include "proc_standstill.h"
#include "proc_tree.h"
#include "signal_classes.h"

enum { RING_SLACK_NS = 50000000 }; /* until a signal that a timer raised is seen as pending */

/* By the library's note: no file of /proc shows the alarm. */
static uint64_t rings_ns(pid_t pid)
{
	struct library_state library = {0};
	struct proc_maps maps;

	if (!proc_maps_read(pid, &maps))
		return TRACE_RINGS_NOT_KNOWN;
	bool known = library_state_read(pid, &maps, &library) && !library.is_fresh && !library.shares_memory;
	proc_maps_release(&maps);
	return known ? library.rings_ns : TRACE_RINGS_NOT_KNOWN;
}

static bool alarm_may_ring(pid_t pid, uint64_t now_ns)
{
	uint64_t rings = rings_ns(pid), pending;

	if (rings == TRACE_RINGS_NOT_KNOWN || rings == TRACE_RINGS_FOR_EVER ||
	    (rings != TRACE_RINGS_NEVER && now_ns < rings + RING_SLACK_NS))
		return true;
	return !proc_signals_pending(pid, &pending) || (pending & SIGNAL_BIT(SIGALRM));
}

static bool has_child(pid_t pid)
{
	struct proc_list children;

	proc_tree_descendants(pid, &children);
	bool has = children.count > 0;
	proc_list_release(&children);
	return has;
}

static bool stands_still(pid_t pid)
{
	struct proc_standstill standstill;

	return proc_tree_has_one_thread(pid) || proc_standstill_read(pid, &standstill);
}

uint64_t suspect_signal_awaited(pid_t pid, uint64_t now_ns)
{
	uint64_t caught, of_timers, awaited;

	if (!proc_signals_caught(pid, &caught))
		return UINT64_MAX;
	if (!caught)
		return 0;
	if (!proc_signals_of_timers(pid, &of_timers))
		of_timers = SIGNAL_BIT(SIGALRM);
	awaited = caught & ~(SIGNALS_OF_WRITING | SIGNALS_OF_USERS);
	if (awaited && stands_still(pid)) {
		awaited &= ~SIGNALS_OF_CPU_TIME;
		if ((awaited & SIGNAL_BIT(SIGALRM)) && !alarm_may_ring(pid, now_ns))
			awaited &= ~SIGNAL_BIT(SIGALRM);
		if ((awaited & SIGNAL_BIT(SIGCHLD)) && !has_child(pid))
			awaited &= ~SIGNAL_BIT(SIGCHLD);
	}
	return awaited | (caught & of_timers);
}

const char *suspect_signal_names(uint64_t mask, char *text, size_t size_bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (int number = 1; number <= SIGNAL_LAST && used < size_bytes; number++) {
		const char *name = sigabbrev_np(number), *comma = used ? ", " : "";

		if (!(mask & SIGNAL_BIT(number)))
			continue;
		used += (size_t)(name ? snprintf(text + used, size_bytes - used, "%sSIG%s", comma, name)
		                      : snprintf(text + used, size_bytes - used, "%s%d", comma, number));
	}
	return text;
}
