#include "watch.h"

#include <stdlib.h>
#include <unistd.h>

#include "monotonic.h"
#include "proc_await.h"
#include "proc_stat.h"
#include "stuck_process.h"

#define MS UINT64_C(1000000)

enum {
	INTERVAL_MS = 500,
	PAUSE_MAX_MS = 2000, /* between looks at a process that is seen busy again and again */
	SELDOM_MS = 4000,    /* between rounds while there is no process to look at */
	FRESH_ROUNDS = 20,   /* until what was found out once is found out anew */
	CPU_SHARE = 200,     /* at most one part in so many of a CPU */
};

/* True: it has not moved since it was seen last. */
static bool stays(struct watched_wait *wait, const struct proc_standstill *standstill, uint64_t now_ns)
{
	if (proc_standstill_equal(standstill, &wait->standstill))
		return true;
	*wait = (struct watched_wait){.standstill = *standstill, .since_ns = now_ns};
	return false;
}

static void note_busy(struct watched_process *process, pid_t tid, uint64_t now_ns)
{
	process->busy_tid = tid;
	process->futexes = (struct watched_wait){0};
	process->pause_ms = process->pause_ms ? 2 * process->pause_ms : INTERVAL_MS;
	if (process->pause_ms > PAUSE_MAX_MS)
		process->pause_ms = PAUSE_MAX_MS;
	process->due_ns = now_ns + process->pause_ms * MS;
}

void watch_look(struct watched_process *process, uint64_t now_ns, watch_found *found, void *context)
{
	struct watched_wait *futexes = &process->futexes;
	struct proc_standstill standstill = {0};
	struct proc_wait wait = {0};

	/* Of a thousand threads, mostly the same one is not in a wait. */
	if (process->busy_tid) {
		proc_wait_read(process->pid, process->busy_tid, &wait);
		if (wait.state == PROC_WAIT_OTHER) {
			note_busy(process, process->busy_tid, now_ns);
			return;
		}
	}
	if (!proc_standstill_read(process->pid, &standstill)) {
		note_busy(process, standstill.tid, now_ns);
		return;
	}
	process->due_ns = now_ns;
	if (!stays(futexes, &standstill, now_ns)) {
		process->pause_ms = 0;
		return;
	}
	if (futexes->is_told)
		return;
	futexes->is_told = true;
	if (stuck_process_is_candidate(process->pid))
		found(context, process->pid, &standstill, futexes->since_ns);
}

static void look_for_loop(struct watched_process *process, const struct proc_stat *stat, uint64_t now_ns,
                          watch_found *found, void *context)
{
	struct spin_loop loop;
	uint64_t since_ns = process->spin.since_ns;

	if (!spin_watch_look(&process->spin, stat, now_ns, &loop))
		return;
	const struct proc_standstill standstill = {
	    .thread_count = 1,
	    .tid = stat->pid,
	    .wait = {.state = PROC_WAIT_OTHER,
	             .address = loop.word,
	             .stack = loop.registers[STACK_REGISTER_SP],
	             .pc = loop.registers[STACK_REGISTER_PC]},
	};

	found(context, stat->pid, &standstill, since_ns);
}

static void look_for_await(struct watched_process *process, uint64_t now_ns, watch_found *found,
                           void *context)
{
	struct watched_wait *descriptors = &process->descriptors;
	struct proc_standstill standstill;

	if (!proc_await_read(process->pid, &standstill)) {
		*descriptors = (struct watched_wait){0};
		return;
	}
	if (!stays(descriptors, &standstill, now_ns) || descriptors->is_told ||
	    now_ns - descriptors->since_ns < PAUSE_MAX_MS * MS)
		return;
	descriptors->is_told = true;
	if (stuck_process_awaits_work(process->pid, &standstill.wait))
		found(context, process->pid, &standstill, descriptors->since_ns);
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

/* Pids are given again. And who was told may have been let be for what was true in that moment only. */
static void forget(struct watch *watch)
{
	proc_list_release(&watch->foreign);
	for (size_t i = 0; i < watch->count; i++)
		watch->processes[i].futexes.is_told = watch->processes[i].descriptors.is_told = false;
	watch->rounds = 0;
}

static void scan(struct watch *watch, uint64_t now_ns, watch_found *found, void *context)
{
	struct proc_list tree;
	struct proc_stat stat;
	size_t count = 0;

	if (++watch->rounds >= FRESH_ROUNDS)
		forget(watch);
	proc_tree_descendants_beside(getpid(), &watch->foreign, &tree);
	struct watched_process *processes = calloc(tree.count ? tree.count : 1, sizeof(*processes));
	for (size_t i = 0; processes && i < tree.count; i++) {
		if (!proc_stat_read(tree.pids[i], 0, &stat) || !stat.forked_without_exec)
			continue;
		struct watched_process *process = &processes[count++];

		*process = (struct watched_process){.pid = stat.pid, .start_ticks = stat.start_ticks};
		carry_over(watch, process);
		/* Stopped by job control or a debugger: somebody looks after it. */
		if (process->due_ns <= now_ns && stat.state == 'S') {
			watch_look(process, now_ns, found, context);
			if (!process->futexes.standstill.hash)
				look_for_await(process, now_ns, found, context);
		}
		if (stat.state == 'R' || !process->futexes.standstill.hash)
			look_for_loop(process, &stat, now_ns, found, context);
	}
	proc_list_release(&tree);
	if (!processes)
		return;
	free(watch->processes);
	watch->processes = processes;
	watch->count = count;
}

/* Of those that were seen at a standstill once. */
static uint64_t due_of_second_look(const struct watched_process *process)
{
	bool wanted = process->futexes.standstill.hash && !process->futexes.is_told;

	return wanted ? process->futexes.since_ns + INTERVAL_MS * MS : UINT64_MAX;
}

/* Rounds over many processes are far apart: what may be stuck need not wait for the next one. */
static void look_again(struct watch *watch, uint64_t now_ns, watch_found *found, void *context)
{
	for (size_t i = 0; i < watch->count; i++)
		if (due_of_second_look(&watch->processes[i]) <= now_ns)
			watch_look(&watch->processes[i], now_ns, found, context);
}

static uint64_t next_second_look(const struct watch *watch)
{
	uint64_t due_ns = UINT64_MAX;

	for (size_t i = 0; i < watch->count; i++) {
		uint64_t due_of_this_ns = due_of_second_look(&watch->processes[i]);

		due_ns = due_of_this_ns < due_ns ? due_of_this_ns : due_ns;
	}
	return due_ns;
}

static void set_pause(struct watch *watch)
{
	watch->pause_ms = watch->count ? INTERVAL_MS : watch->pause_ms ? 2 * watch->pause_ms : INTERVAL_MS;
	if (watch->pause_ms > SELDOM_MS)
		watch->pause_ms = SELDOM_MS;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t watch_step(struct watch *watch, uint64_t now_ns, watch_found *found, void *context)
{
	if (watch->due_ns > now_ns)
		return watch->due_ns;
	uint64_t before_ns = monotonic_used_ns();
	bool is_round = watch->round_due_ns <= now_ns;
	if (is_round)
		scan(watch, now_ns, found, context);
	else
		look_again(watch, now_ns, found, context);
	uint64_t rest_ns = now_ns + (monotonic_used_ns() - before_ns) * CPU_SHARE;
	if (is_round) {
		set_pause(watch);
		watch->round_due_ns = later(rest_ns, now_ns + watch->pause_ms * MS);
	}
	/* A round was paid for with the time to the next one; a second look pays for itself. */
	uint64_t second_ns = next_second_look(watch);
	if (!is_round)
		second_ns = later(second_ns, rest_ns);
	watch->due_ns = second_ns < watch->round_due_ns ? second_ns : watch->round_due_ns;
	return watch->due_ns;
}

void watch_note_forks(struct watch *watch, uint64_t forks, uint64_t now_ns)
{
	uint64_t soon_ns = now_ns + INTERVAL_MS * MS;

	if (forks == watch->forks)
		return;
	watch->forks = forks;
	watch->pause_ms = 0;
	if (!watch->count && watch->due_ns > soon_ns)
		watch->due_ns = watch->round_due_ns = soon_ns;
}

void watch_release(struct watch *watch)
{
	free(watch->processes);
	proc_list_release(&watch->foreign);
	*watch = (struct watch){0};
}
