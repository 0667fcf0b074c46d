#include "deadlock_action.h"

#include <signal.h>

#include "child_wait.h"
#include "config.h"
#include "raw_syscall.h"
#include "trace_writer.h"

static bool is_fork_deadlock(const struct incident *incident)
{
	return incident->observed == TRACE_BLOCKS_ON_VANISHED ||
	       incident->observed == TRACE_BLOCKS_ON_PARENT_OWNER ||
	       incident->observed == TRACE_BLOCKS_IN_ATFORK_HANDLER ||
	       (incident->observed == TRACE_WAITS_IN_ATFORK_HANDLER &&
	        (incident->proof & TRACE_PROOF_ONLY_THREAD)) ||
	       incident->observed == TRACE_SPINS_ON_VANISHED;
}

void deadlock_action(const struct incident *incident)
{
	if (!is_fork_deadlock(incident) || trace_writer_is_supervised() || trace_writer_is_sealed() ||
	    config.on_deadlock == TRACE_ACTION_REPORT || child_wait_handler_could_leave())
		return;
	int number = config.on_deadlock == TRACE_ACTION_ABORT ? SIGABRT : SIGKILL;
	raw_syscall3(SYS_tgkill, process.pid, incident->victim->tid, number);
}
