#include "proc_standstill.h"

#include "fnv.h"
#include "proc_stat.h"
#include "proc_tree.h"

static bool add_thread(struct proc_standstill *standstill, pid_t pid, pid_t tid)
{
	struct proc_wait wait;

	proc_wait_read(pid, tid, &wait);
	if (wait.state != PROC_WAIT_FUTEX)
		return false;
	uint64_t switches = proc_stat_switches(pid, tid);
	if (!switches)
		return false;
	if (!standstill->thread_count++) {
		standstill->tid = tid;
		standstill->wait = wait;
	}
	fnv_mix(&standstill->hash, (uint64_t)tid);
	fnv_mix(&standstill->hash, wait.address);
	fnv_mix(&standstill->hash, wait.stack);
	standstill->switches += switches;
	return true;
}

bool proc_standstill_read(pid_t pid, struct proc_standstill *ret_standstill)
{
	struct proc_standstill standstill = {.hash = FNV_START};
	struct proc_wait wait;
	struct proc_list threads;

	proc_wait_read(pid, pid, &wait);
	/* An initial thread that called pthread_exit() is a zombie: the others decide. */
	if (wait.state == PROC_WAIT_OTHER || wait.state == PROC_WAIT_UNREADABLE) {
		ret_standstill->tid = pid;
		return false;
	}
	proc_tree_threads(pid, &threads);
	bool all = threads.count > 0;
	for (size_t i = 0; i < threads.count && all; i++) {
		struct proc_stat stat;

		if (threads.pids[i] == pid && proc_stat_read(pid, pid, &stat) && stat.state == 'Z')
			continue;
		all = add_thread(&standstill, pid, threads.pids[i]);
		if (!all)
			ret_standstill->tid = threads.pids[i];
	}
	proc_list_release(&threads);
	if (!all || !standstill.thread_count)
		return false;
	standstill.hash |= 1;
	*ret_standstill = standstill;
	return true;
}
