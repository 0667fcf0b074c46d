#include "spin_watch.h"

#include <sys/syscall.h>

#include "proc_signals.h"
#include "proc_tree.h"
#include "proc_wait.h"
#include "spin_call.h"
#include "stuck_process.h"

#define MS UINT64_C(1000000)

enum { FIRST_SPAN_MS = 2000, PAUSE_MIN_MS = 500, PAUSE_MAX_MS = 8000, LOOKS_MAX = 12 };

static bool may_be_in_loop(const struct proc_stat *stat)
{
	struct proc_wait wait;

	if (stat->state != 'R' && stat->state != 'S')
		return false;
	proc_wait_read(stat->pid, stat->pid, &wait);
	return wait.state == PROC_WAIT_OTHER &&
	       (wait.call < 0
	            ? stat->state == 'R'
	            : wait.call == SYS_restart_syscall || spin_call_is_pastime(wait.call, wait.arguments));
}

static void rest(struct spin_watch *watch, uint64_t now_ns)
{
	watch->since_ns = 0;
	watch->pause_ms = watch->pause_ms ? 2 * watch->pause_ms : PAUSE_MIN_MS;
	if (watch->pause_ms > PAUSE_MAX_MS)
		watch->pause_ms = PAUSE_MAX_MS;
	watch->due_ns = now_ns + watch->pause_ms * MS;
}

static void begin(struct spin_watch *watch, const struct proc_stat *stat, uint64_t now_ns)
{
	if (!watch->span_ns)
		watch->span_ns = FIRST_SPAN_MS * MS;
	watch->since_ns = now_ns;
	watch->pause_ms = 0;
	watch->switches = proc_stat_switches(stat->pid, stat->pid);
	watch->cpu_ticks = stat->cpu_ticks;
}

/* One that sleeps on and on in one call is none. */
static bool has_gone_round(const struct spin_watch *watch, const struct proc_stat *stat)
{
	enum { WAKES_MIN = 2 };

	return stat->cpu_ticks > watch->cpu_ticks ||
	       proc_stat_switches(stat->pid, stat->pid) >= watch->switches + WAKES_MIN;
}

bool spin_watch_is_alone(pid_t pid)
{
	uint64_t caught;

	return proc_tree_has_one_thread(pid) && proc_signals_caught(pid, &caught) && !caught &&
	       !stuck_process_has_other_in_memory(pid);
}

bool spin_watch_look(struct spin_watch *watch, const struct proc_stat *stat, uint64_t now_ns,
                     struct spin_loop *ret_loop)
{
	if (watch->due_ns > now_ns || watch->looks == LOOKS_MAX)
		return false;
	if (!may_be_in_loop(stat)) {
		rest(watch, now_ns);
		return false;
	}
	if (!watch->since_ns) {
		begin(watch, stat, now_ns);
		return false;
	}
	if (now_ns - watch->since_ns < watch->span_ns || !has_gone_round(watch, stat))
		return false;
	watch->looks++;
	watch->span_ns *= 2;
	begin(watch, stat, now_ns);
	return spin_watch_is_alone(stat->pid) && stuck_process_is_candidate(stat->pid) &&
	       spin_proof_find(stat->pid, ret_loop) && ret_loop->word;
}
