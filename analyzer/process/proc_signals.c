#include "proc_signals.h"

#include <stdio.h>
#include <string.h>

#include "proc_stat.h"
#include "proc_tree.h"
#include "signal_classes.h"

static bool blocked_by_all(pid_t pid, uint64_t *ret_mask)
{
	struct proc_list threads;
	uint64_t blocked = UINT64_MAX, mask;

	proc_tree_threads(pid, &threads);
	for (size_t i = 0; i < threads.count; i++)
		blocked &= proc_stat_mask(pid, threads.pids[i], "SigBlk", &mask) ? mask : 0;
	*ret_mask = blocked;
	bool known = threads.count > 0;
	proc_list_release(&threads);
	return known;
}

bool proc_signals_caught(pid_t pid, uint64_t *ret_mask)
{
	uint64_t caught, blocked;

	if (!proc_stat_mask(pid, 0, "SigCgt", &caught))
		return false;
	caught &= ~(SIGNALS_OF_FAULTS | SIGNALS_OF_LIBC | SIGNALS_OF_COLLECTORS);
	if (caught && blocked_by_all(pid, &blocked))
		caught &= ~blocked;
	*ret_mask = caught;
	return true;
}

bool proc_signals_pending(pid_t pid, uint64_t *ret_mask)
{
	return proc_stat_mask(pid, 0, "ShdPnd", ret_mask);
}

bool proc_signals_of_timers(pid_t pid, uint64_t *ret_mask)
{
	char path[64], line[128];
	uint64_t mask = 0;
	int signal = 0;

	snprintf(path, sizeof(path), "/proc/%d/timers", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "signal: %d", &signal) == 1 || strncmp(line, "notify:", 7) != 0)
			continue;
		if (!strstr(line, "none") && signal >= 1 && signal <= SIGNAL_LAST)
			mask |= SIGNAL_BIT(signal);
	}
	bool whole = !ferror(file);
	fclose(file);
	*ret_mask = mask;
	return whole;
}

bool proc_signals_caught_asleep(pid_t pid, uint64_t *ret_mask)
{
	uint64_t of_timers;

	if (!proc_signals_caught(pid, ret_mask))
		return false;
	if ((*ret_mask & SIGNALS_OF_CPU_TIME) && proc_signals_of_timers(pid, &of_timers))
		*ret_mask &= ~SIGNALS_OF_CPU_TIME | of_timers;
	return true;
}
