#include "watch.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "proc_stat.h"
#include "stuck_process.h"

#define MS UINT64_C(1000000)

enum {
	INTERVAL_MS = 500,
	PAUSE_MAX_MS = 8000, /* between looks at a process that is seen busy again and again */
	SELDOM_MS = 4000,    /* between rounds while there is no process to look at */
	FOREIGN_ROUNDS = 20, /* until processes of others are looked at again */
	CPU_SHARE = 200,     /* at most one part in so many of a CPU */
};

/* Of CPU that was used, not of time that went by: on a busy machine a round takes long and costs no more. */
static uint64_t cpu_now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000 * MS + (uint64_t)time.tv_nsec;
}

static void note_busy(struct watched_process *process, uint64_t now_ns)
{
	process->standstill = (struct proc_standstill){0};
	process->is_told = false;
	process->pause_ms = process->pause_ms ? 2 * process->pause_ms : INTERVAL_MS;
	if (process->pause_ms > PAUSE_MAX_MS)
		process->pause_ms = PAUSE_MAX_MS;
	process->due_ns = now_ns + process->pause_ms * MS;
}

void watch_look(struct watched_process *process, uint64_t now_ns, watch_found *found, void *context)
{
	struct proc_standstill standstill;

	if (!proc_standstill_read(process->pid, &standstill)) {
		note_busy(process, now_ns);
		return;
	}
	process->due_ns = now_ns;
	if (!proc_standstill_equal(&standstill, &process->standstill)) {
		process->standstill = standstill;
		process->since_ns = now_ns;
		process->is_told = false;
		process->pause_ms = 0;
		return;
	}
	if (process->is_told)
		return;
	process->is_told = true;
	if (stuck_process_is_candidate(process->pid))
		found(context, process->pid, &standstill, process->since_ns);
}

/* What is known of the pids of before; a pid that was given again starts anew. */
static void carry_over(const struct watch *watch, struct watched_process *ret_process)
{
	size_t low = 0, high = watch->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct watched_process *known = &watch->processes[middle];

		if (known->pid == ret_process->pid) {
			if (known->start_ticks == ret_process->start_ticks)
				*ret_process = *known;
			return;
		}
		if (known->pid < ret_process->pid)
			low = middle + 1;
		else
			high = middle;
	}
}

static void scan(struct watch *watch, uint64_t now_ns, watch_found *found, void *context)
{
	struct proc_list tree;
	struct proc_stat stat;
	size_t count = 0;

	/* Pids are given again. */
	if (++watch->rounds >= FOREIGN_ROUNDS) {
		proc_list_release(&watch->foreign);
		watch->rounds = 0;
	}
	proc_tree_descendants_beside(getpid(), &watch->foreign, &tree);
	struct watched_process *processes = calloc(tree.count ? tree.count : 1, sizeof(*processes));
	for (size_t i = 0; processes && i < tree.count; i++) {
		if (!proc_stat_read(tree.pids[i], 0, &stat) || !stat.forked_without_exec)
			continue;
		struct watched_process *process = &processes[count++];

		*process = (struct watched_process){.pid = stat.pid, .start_ticks = stat.start_ticks};
		carry_over(watch, process);
		/* Stopped by job control or a debugger: somebody looks after it. */
		if (process->due_ns <= now_ns && stat.state == 'S')
			watch_look(process, now_ns, found, context);
	}
	proc_list_release(&tree);
	if (!processes)
		return;
	free(watch->processes);
	watch->processes = processes;
	watch->count = count;
}

uint64_t watch_step(struct watch *watch, uint64_t now_ns, watch_found *found, void *context)
{
	if (watch->due_ns > now_ns)
		return watch->due_ns;
	uint64_t before_ns = cpu_now_ns();
	scan(watch, now_ns, found, context);
	uint64_t share_ns = (cpu_now_ns() - before_ns) * CPU_SHARE;
	watch->pause_ms = watch->count ? INTERVAL_MS : watch->pause_ms ? 2 * watch->pause_ms : INTERVAL_MS;
	if (watch->pause_ms > SELDOM_MS)
		watch->pause_ms = SELDOM_MS;
	uint64_t pause_ns = watch->pause_ms * MS;
	watch->due_ns = now_ns + (share_ns > pause_ns ? share_ns : pause_ns);
	return watch->due_ns;
}

void watch_note_forks(struct watch *watch, uint64_t forks, uint64_t now_ns)
{
	if (forks == watch->forks)
		return;
	watch->forks = forks;
	watch->pause_ms = 0;
	if (!watch->count && watch->due_ns > now_ns + INTERVAL_MS * MS)
		watch->due_ns = now_ns + INTERVAL_MS * MS;
}

void watch_release(struct watch *watch)
{
	free(watch->processes);
	proc_list_release(&watch->foreign);
	*watch = (struct watch){0};
}
