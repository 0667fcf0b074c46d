/* The parts of the watch from outside that look at live processes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <libelf.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "library_state.h"
#include "proc_lock.h"
#include "proc_standstill.h"
#include "proc_stat.h"
#include "stack_call.h"
#include "stack_reader.h"
#include "stuck_fixture.h"
#include "stuck_parent.h"
#include "stuck_process.h"
#include "trace_format.h"
#include "watch.h"

Test(proc_standstill, is_seen_where_every_thread_waits, .timeout = 60)
{
	struct proc_standstill first, second;
	pid_t pid = stuck_fork_two_waiters(&stuck_private_word, 0);

	while (!proc_standstill_read(pid, &first))
		;
	cr_assert(proc_standstill_read(pid, &second));
	cr_assert(proc_standstill_equal(&first, &second));
	cr_assert_eq(first.thread_count, 2);
	cr_assert_eq(first.tid, pid);
	cr_assert_eq(first.wait.address, (uintptr_t)&stuck_private_word);
	stuck_end(pid);
	cr_assert_not(proc_standstill_read(pid, &second));
}

Test(proc_standstill, is_none_where_one_thread_could_go_on, .timeout = 60)
{
	struct proc_standstill standstill;
	pid_t pid = stuck_fork_two_waiters(&stuck_private_word, 1);

	cr_assert_not(proc_standstill_read(pid, &standstill));
	stuck_end(pid);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	cr_assert_not(proc_standstill_read(pid, &standstill));
	stuck_end(pid);
}

Test(proc_standstill, differs_after_a_wake_that_led_to_the_same_wait, .timeout = 60)
{
	struct proc_standstill before, after;
	pid_t pid = stuck_fork_waiter(stuck_shared_word);

	cr_assert(proc_standstill_read(pid, &before));
	cr_assert_eq(syscall(SYS_futex, stuck_shared_word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	do
		while (!proc_standstill_read(pid, &after))
			;
	while (proc_standstill_equal(&before, &after));
	cr_assert(proc_standstill_same_waits(&before, &after));
	stuck_end(pid);
}

Test(proc_lock, reads_who_has_what)
{
	static const struct {
		uint32_t kind;
		uint32_t words[8];
		enum proc_lock_state state;
		pid_t owner;
	} cases[] = {
	    {TRACE_LOCK_MUTEX, {0, 0, 0}, PROC_LOCK_FREE, 0},
	    {TRACE_LOCK_MUTEX, {2, 0, 0}, PROC_LOCK_TAKEN, 0},
	    {TRACE_LOCK_MUTEX, {2, 0, 0x7ffffff0}, PROC_LOCK_OWNED_BY_OTHER, 0x7ffffff0},
	    {TRACE_LOCK_RWLOCK, {0, 0, 0, 0, 0, 0, 0}, PROC_LOCK_FREE, 0},
	    {TRACE_LOCK_RWLOCK, {8, 0, 0, 0, 0, 0, 0}, PROC_LOCK_TAKEN, 0},
	    {TRACE_LOCK_RWLOCK, {1, 0, 0, 0, 0, 0, 0x7ffffff0}, PROC_LOCK_OWNED_BY_OTHER, 0x7ffffff0},
	    {TRACE_LOCK_SPINLOCK, {1}, PROC_LOCK_FREE, 0},
	    {TRACE_LOCK_SPINLOCK, {0}, PROC_LOCK_TAKEN, 0},
	    {TRACE_LOCK_SEMAPHORE, {1}, PROC_LOCK_FREE, 0},
	    {TRACE_LOCK_SEMAPHORE, {0}, PROC_LOCK_TAKEN, 0},
	    {TRACE_LOCK_CONDVAR, {0}, PROC_LOCK_UNKNOWN, 0},
	};
	pid_t owner;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_assert_eq(proc_lock_read(getpid(), cases[i].kind, (uintptr_t)cases[i].words, &owner),
		             cases[i].state, "case %zu", i);
		cr_assert_eq(owner, cases[i].owner, "case %zu", i);
	}
	uint32_t own[8] = {1, 0, (uint32_t)getpid()};
	cr_assert_eq(proc_lock_read(getpid(), TRACE_LOCK_MUTEX, (uintptr_t)own, &owner),
	             PROC_LOCK_OWNED_BY_LIVE);
	cr_assert_eq(proc_lock_read(getpid(), TRACE_LOCK_MUTEX, 8, &owner), PROC_LOCK_UNKNOWN);
}

static void *stay(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* Start times come in ticks. */
static void let_a_tick_pass(void)
{
	uint64_t start = 0;
	struct proc_stat stat;

	do {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		cr_assert(proc_stat_read(pid, 0, &stat));
		waitpid(pid, NULL, 0);
		start = start ? start : stat.start_ticks;
	} while (stat.start_ticks == start);
}

Test(stuck_parent, shows_the_threads_that_its_child_lacks, .timeout = 60)
{
	struct stuck_parent parent;
	struct proc_maps maps;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, stay, NULL), 0);
	let_a_tick_pass();
	pid_t pid = stuck_fork_waiter(&stuck_private_word);
	cr_assert(proc_maps_read(pid, &maps));
	stuck_parent_read(getpid(), pid, &maps, (uint64_t)pthread_self(), &parent);
	cr_assert(parent.is_same_program);
	cr_assert_eq(parent.forking_tid, gettid());
	cr_assert(parent.has_other_contents);
	cr_assert_geq(parent.count, 2); /* the test's runner may have threads, too */
	cr_assert(stuck_parent_has(&parent, gettid()));
	/* Not the parent, but another program. */
	stuck_parent_read(getppid() > 1 ? 1 : getppid(), pid, &maps, 0, &parent);
	cr_assert_not(parent.is_same_program);
	cr_assert_eq(parent.count, 0);
	stuck_end(pid);
	proc_maps_release(&maps);
}

__attribute__((noinline)) static int calls_getppid(void)
{
	return getppid() + 1;
}

Test(stack_call, names_the_function_of_another_module)
{
	enum { CODE_BYTES = 24 };
	char name[64] = "";
	struct proc_maps maps;
	struct stack_frame place;
	int fd = open("/proc/self/exe", O_RDONLY);

	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	cr_assert_not_null(elf);
	cr_assert(proc_maps_read(getpid(), &maps));
	struct stack_reader *reader = stack_reader_new(&maps);
	stack_reader_describe(reader, (uintptr_t)calls_getppid, true, &place);
	unsigned found = 0;
	for (unsigned at = 1; at < CODE_BYTES; at++)
		if (stack_call_symbol(elf, (uintptr_t)calls_getppid + at - place.module_bias, name,
		                      sizeof(name))) {
			found++;
			cr_assert_str_eq(name, "getppid");
		}
	cr_assert_eq(found, 1);
	cr_assert_not(stack_call_symbol(elf, 0, name, sizeof(name)));
	cr_assert_gt(calls_getppid(), 0);
	stack_reader_free(reader);
	proc_maps_release(&maps);
	elf_end(elf);
	close(fd);
}

Test(library_state, is_none_where_the_library_is_not)
{
	struct library_state state;
	struct proc_maps maps;

	cr_assert(proc_maps_read(getpid(), &maps));
	cr_assert_not(library_state_read(getpid(), &maps, &state));
	proc_maps_release(&maps);
}

Test(stuck_process, is_taken_with_its_stack_and_left_as_it_was, .timeout = 60)
{
	struct stack_frame *frames = calloc(TRACE_STACK_FRAMES_MAX, sizeof(*frames));
	struct proc_standstill before, after;
	struct stuck_process process;
	unsigned flags;
	pid_t pid = stuck_fork_waiter(&stuck_private_word);

	cr_assert(proc_standstill_read(pid, &before));
	cr_assert(stuck_process_take(pid, NULL, 1, 2, &process));
	cr_assert_eq(process.thread_count, 1);
	cr_assert_eq(process.threads[0].tid, pid);
	cr_assert_eq(process.threads[0].wait.address, (uintptr_t)&stuck_private_word);
	cr_assert_not(process.has_library);
	cr_assert_null(process.image_name);
	while (!proc_standstill_read(pid, &after))
		;
	cr_assert(proc_standstill_same_waits(&before, &after));
	/* What was taken is enough: the process may be gone. */
	stuck_end(pid);
	struct stack_reader *reader = stack_reader_new(&process.maps);
	cr_assert_not_null(reader);
	size_t count =
	    stack_reader_walk(reader, &process.threads[0].source, frames, TRACE_STACK_FRAMES_MAX, &flags);
	cr_assert_geq(count, 3);
	cr_assert_str_eq(frames[0].function, "stuck_wait_inner");
	cr_assert_str_eq(frames[1].function, "stuck_wait_outer");
	cr_assert_str_eq(frames[2].function, "stuck_fork_waiter");
	cr_assert(frames[0].has_module);
	cr_assert_gt(frames[0].build_id_size_bytes, 0);
	cr_assert_not(flags & TRACE_STACK_CUT);
	count = stack_reader_walk(reader, &process.threads[0].source, frames, 2, &flags);
	cr_assert_eq(count, 2);
	cr_assert_eq(flags, TRACE_STACK_TRUNCATED);
	stack_reader_free(reader);
	stuck_process_release(&process);
	free(frames);
}

Test(stuck_process, is_not_taken_while_it_runs, .timeout = 60)
{
	struct stuck_process process;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	cr_assert_not(stuck_process_take(pid, NULL, 1, 2, &process));
	stuck_end(pid);
	cr_assert_not(stuck_process_take(pid, NULL, 1, 2, &process));
}

static unsigned told;

static void count_told(void *context, pid_t pid, const struct proc_standstill *standstill, uint64_t since_ns)
{
	(void)context, (void)pid, (void)standstill, (void)since_ns;
	told++;
}

Test(watch, looks_at_a_busy_process_ever_more_seldom, .timeout = 60)
{
	const uint64_t ms = 1000000;
	uint64_t now_ns = 1000 * ms;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	struct watched_process process = {.pid = pid};
	for (unsigned expected_ms = 500; expected_ms <= 2000; expected_ms *= 2) {
		watch_look(&process, now_ns, count_told, NULL);
		cr_assert_eq(process.due_ns, now_ns + expected_ms * ms);
	}
	watch_look(&process, now_ns, count_told, NULL);
	cr_assert_eq(process.due_ns, now_ns + 2000 * ms);
	stuck_end(pid);
}

Test(watch, does_not_tell_of_a_process_that_lacks_no_threads, .timeout = 60)
{
	struct watched_process process = {0};
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	pid_t parent = fork(); /* which has one thread, unlike the test's runner */
	if (parent == 0) {
		pid_t pid = stuck_fork_waiter(&stuck_private_word);

		cr_assert_eq(write(ends[1], &pid, sizeof(pid)), sizeof(pid));
		for (;;)
			pause();
	}
	cr_assert_eq(read(ends[0], &process.pid, sizeof(process.pid)), sizeof(process.pid));
	watch_look(&process, 1, count_told, NULL);
	cr_assert_not(process.futexes.is_told);
	watch_look(&process, 2, count_told, NULL);
	cr_assert(process.futexes.is_told);
	cr_assert_eq(process.futexes.since_ns, 1);
	cr_assert_eq(told, 0);
	cr_assert_eq(kill(process.pid, SIGKILL), 0);
	stuck_end(parent);
}

Test(watch, makes_rounds_seldom_until_something_forked)
{
	const uint64_t second_ns = UINT64_C(1000000000);
	struct watch watch = {0};
	uint64_t due_ns = second_ns;

	for (int i = 0; i < 8; i++)
		due_ns = watch_step(&watch, due_ns, count_told, NULL);
	uint64_t now_ns = due_ns;
	due_ns = watch_step(&watch, now_ns, count_told, NULL);
	cr_assert_geq(due_ns, now_ns + 4 * second_ns);
	watch_note_forks(&watch, 0, now_ns);
	cr_assert_eq(watch.due_ns, due_ns);
	watch_note_forks(&watch, 1, now_ns);
	cr_assert_eq(watch.due_ns, now_ns + second_ns / 2);
	watch_release(&watch);
}

Test(watch, looks_again_without_waiting_for_the_next_round, .timeout = 60)
{
	const uint64_t second_ns = UINT64_C(1000000000);
	struct watch watch = {0};
	pid_t pid = stuck_fork_waiter(&stuck_private_word);

	watch_step(&watch, second_ns, count_told, NULL);
	watch.round_due_ns = 100 * second_ns; /* as over very many processes */
	watch.due_ns = second_ns * 3 / 2;
	cr_assert_not(watch.processes[0].futexes.is_told);
	watch_step(&watch, watch.due_ns, count_told, NULL);
	cr_assert_eq(watch.rounds, 1);
	cr_assert(watch.processes[0].futexes.is_told);
	cr_assert_eq(watch.due_ns, 100 * second_ns);
	stuck_end(pid);
	watch_release(&watch);
}

Test(watch, tells_again_of_what_was_told_long_ago, .timeout = 60)
{
	struct watch watch = {0};
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, stay, NULL), 0);
	let_a_tick_pass();
	pid_t pid = stuck_fork_waiter(&stuck_private_word);
	uint64_t now_ns = watch_step(&watch, 1, count_told, NULL);
	now_ns = watch_step(&watch, now_ns, count_told, NULL);
	cr_assert_eq(told, 1);
	for (int round = 2; round < 19; round++)
		now_ns = watch_step(&watch, now_ns, count_told, NULL);
	cr_assert_eq(told, 1);
	for (int round = 0; round < 3; round++)
		now_ns = watch_step(&watch, now_ns, count_told, NULL);
	cr_assert_eq(told, 2);
	stuck_end(pid);
	watch_release(&watch);
}

Test(watch, keeps_what_it_knows_of_forked_processes_only, .timeout = 60)
{
	struct watch watch = {0};
	pid_t pid = stuck_fork_waiter(&stuck_private_word);

	uint64_t due_ns = watch_step(&watch, UINT64_C(1000000000), count_told, NULL);
	cr_assert_geq(due_ns, UINT64_C(1500000000));
	cr_assert_eq(watch.count, 1);
	cr_assert_eq(watch.processes[0].pid, pid);
	/* Not due: nothing happens. */
	stuck_end(pid);
	cr_assert_eq(watch_step(&watch, due_ns - 1, count_told, NULL), due_ns);
	cr_assert_eq(watch.count, 1);
	watch_step(&watch, watch.round_due_ns, count_told, NULL);
	cr_assert_eq(watch.count, 0);
	watch_release(&watch);
	watch_release(&watch);
}
