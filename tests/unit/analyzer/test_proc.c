#include <criterion/criterion.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc_memory.h"
#include "proc_namespace.h"
#include "proc_stat.h"
#include "proc_tree.h"
#include "proc_wait.h"

static void expect_wait(const char *line, enum proc_wait_state state, uint64_t address, uint32_t operation)
{
	struct proc_wait wait;

	proc_wait_parse(line, &wait);
	cr_assert_eq(wait.state, state, "%s: state %d", line, wait.state);
	cr_assert_eq(wait.address, address, "%s", line);
	cr_assert_eq(wait.operation, operation, "%s", line);
}

Test(proc_wait, tells_futex_waits_that_only_a_wake_can_end)
{
	if (SYS_futex != 202)
		cr_skip("the lines are those of x86-64");
	expect_wait("202 0x4040a0 0x80 0x2 0x0 0x0 0x4040a0 0x7ffc0 0x7f11\n", PROC_WAIT_FUTEX, 0x4040a0,
	            FUTEX_WAIT);
	expect_wait("202 0x4040a0 0x189 0x2 0x0 0x0 0xffffffff 0x7ffc0 0x7f11\n", PROC_WAIT_FUTEX, 0x4040a0,
	            FUTEX_WAIT_BITSET);
	expect_wait("202 0x4040a0 0x86 0x0 0x0 0x0 0x0 0x7ffc0 0x7f11\n", PROC_WAIT_FUTEX, 0x4040a0,
	            FUTEX_LOCK_PI);
}

Test(proc_wait, leaves_alone_what_ends_by_itself)
{
	/* With a time limit; a wake; another call; running; between calls; nothing. */
	expect_wait("202 0x4040a0 0x189 0x2 0x7ffd0 0x0 0xffffffff 0x7ffc0 0x7f11\n", PROC_WAIT_OTHER, 0, 0);
	expect_wait("202 0x4040a0 0x81 0x1 0x0 0x0 0x0 0x7ffc0 0x7f11\n", PROC_WAIT_OTHER, 0, 0);
	expect_wait("7 0x4040a0 0x0 0x1 0x0 0x0 0x0 0x7ffc0 0x7f11\n", PROC_WAIT_OTHER, 0, 0);
	expect_wait("running\n", PROC_WAIT_OTHER, 0, 0);
	expect_wait("-1 0x7ffc0 0x7f11\n", PROC_WAIT_OTHER, 0, 0);
	expect_wait("", PROC_WAIT_OTHER, 0, 0);
}

static uint32_t futex_word;

static pid_t fork_futex_waiter(const struct timespec *limit)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "a) R 1 (b");
		for (;;)
			syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, limit, NULL, 0);
	}
	cr_assert_gt(pid, 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(proc_wait, reads_a_live_process, .timeout = 60)
{
	struct proc_wait wait;
	pid_t pid = fork_futex_waiter(NULL);

	do
		proc_wait_read(pid, pid, &wait);
	while (wait.state == PROC_WAIT_OTHER);
	cr_assert_eq(wait.state, PROC_WAIT_FUTEX);
	cr_assert_eq(wait.address, (uintptr_t)&futex_word);
	cr_assert_eq(wait.operation, FUTEX_WAIT);
	end(pid);
	proc_wait_read(pid, pid, &wait);
	cr_assert_eq(wait.state, PROC_WAIT_GONE);
}

Test(proc_stat, is_not_misled_by_a_name, .timeout = 60)
{
	struct proc_wait wait;
	struct proc_stat stat;
	pid_t pid = fork_futex_waiter(NULL);

	do
		proc_wait_read(pid, pid, &wait);
	while (wait.state == PROC_WAIT_OTHER);
	cr_assert(proc_stat_read(pid, 0, &stat));
	cr_assert_str_eq(stat.name, "a) R 1 (b");
	cr_assert_eq(stat.state, 'S');
	cr_assert_eq(stat.ppid, getpid());
	cr_assert_eq(stat.process_group, getpgrp());
	cr_assert(stat.forked_without_exec);
	cr_assert(proc_stat_is_alive(pid, stat.start_ticks));
	cr_assert_not(proc_stat_is_alive(pid, stat.start_ticks + 1));
	cr_assert_gt(proc_stat_switches(pid, pid), 0);
	cr_assert_not(proc_stat_is_dumping_core(pid));
	kill(pid, SIGKILL);
	siginfo_t info;
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	cr_assert_not(proc_stat_is_alive(pid, stat.start_ticks), "a zombie is not alive");
	waitpid(pid, NULL, 0);
	cr_assert_not(proc_stat_read(pid, 0, &stat));
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

Test(proc_stat, converts_start_times_to_the_monotonic_clock)
{
	struct proc_stat stat;
	uint64_t before_ns = now();
	pid_t pid = fork_futex_waiter(NULL);
	uint64_t after_ns = now();

	cr_assert(proc_stat_read(pid, 0, &stat));
	uint64_t started_ns = proc_stat_started_ns(stat.start_ticks);
	end(pid);
	cr_assert_leq(started_ns, after_ns + 20000000u);
	/* The two clocks are read one after the other, and between them the CPU may be taken away. */
	cr_assert_geq(started_ns, before_ns - 5000000000u);
}

Test(proc_stat, tells_an_executed_image_from_a_forked_one, .timeout = 60)
{
	struct proc_stat stat;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(127);
	}
	do
		cr_assert(proc_stat_read(pid, 0, &stat));
	while (strcmp(stat.name, "sleep") != 0);
	cr_assert_not(stat.forked_without_exec);
	end(pid);
}

Test(proc_tree, lists_descendants_and_threads, .timeout = 60)
{
	struct proc_list list;
	int ends[2];
	pid_t grandchild, child;

	cr_assert_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		grandchild = fork_futex_waiter(NULL);
		cr_assert_eq(write(ends[1], &grandchild, sizeof(grandchild)), (ssize_t)sizeof(grandchild));
		for (;;)
			pause();
	}
	cr_assert_eq(read(ends[0], &grandchild, sizeof(grandchild)), (ssize_t)sizeof(grandchild));
	proc_tree_descendants(getpid(), &list);
	cr_assert_eq(list.count, 2);
	cr_assert(proc_list_has(&list, child));
	cr_assert(proc_list_has(&list, grandchild));
	cr_assert_not(proc_list_has(&list, getpid()));
	proc_list_release(&list);
	cr_assert(proc_tree_descends(grandchild, getpid()));
	cr_assert_not(proc_tree_descends(child, grandchild));
	cr_assert_not(proc_tree_descends(getpid(), getpid()));
	cr_assert(proc_namespace_is_ours(child));
	proc_tree_threads(child, &list);
	cr_assert_eq(list.count, 1);
	cr_assert_eq(list.pids[0], child);
	proc_list_release(&list);
	end(child);
	kill(grandchild, SIGKILL);
}

Test(proc_memory, reads_what_is_there_and_nothing_else, .timeout = 60)
{
	static int value = 4711;
	int copy = 0;
	pid_t pid = fork_futex_waiter(NULL);

	cr_assert(proc_memory_read(pid, (uintptr_t)&value, &copy, sizeof(copy)));
	cr_assert_eq(copy, 4711);
	cr_assert_not(proc_memory_read(pid, 16, &copy, sizeof(copy)));
	end(pid);
	cr_assert_not(proc_memory_read(pid, (uintptr_t)&value, &copy, sizeof(copy)));
}

Test(proc_memory, tells_private_from_shared_mappings)
{
	void *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *mine = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_not(proc_memory_is_private(getpid(), (uintptr_t)shared));
	cr_assert(proc_memory_is_private(getpid(), (uintptr_t)mine));
	cr_assert_not(proc_memory_is_private(getpid(), 16));
}

Test(proc_tree, looks_at_strangers_only_once, .timeout = 60)
{
	struct proc_list foreign = {0}, tree;

	proc_tree_descendants_beside(getpid(), &foreign, &tree);
	cr_assert(proc_list_has(&foreign, getppid()));
	cr_assert_not(proc_list_has(&foreign, getpid()));
	proc_list_release(&tree);
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	proc_tree_descendants_beside(getpid(), &foreign, &tree);
	cr_assert(proc_list_has(&tree, pid));
	cr_assert(proc_list_has(&foreign, getppid()));
	cr_assert_not(proc_list_has(&foreign, pid));
	proc_list_release(&tree);
	/* One that is said to be a stranger is believed. */
	pid_t *one = malloc(sizeof(*one));
	*one = pid;
	proc_list_release(&foreign);
	foreign = (struct proc_list){one, 1};
	proc_tree_descendants_beside(getpid(), &foreign, &tree);
	cr_assert_not(proc_list_has(&tree, pid));
	cr_assert(proc_list_has(&foreign, pid));
	proc_list_release(&tree);
	proc_list_release(&foreign);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	waitpid(pid, NULL, 0);
}

static void *stay(void *ret_tid)
{
	__atomic_store_n((pid_t *)ret_tid, gettid(), __ATOMIC_RELEASE);
	for (;;)
		pause();
	return NULL;
}

Test(proc_namespace, knows_the_numbers_of_its_own)
{
	pid_t tid = 0;
	pthread_t thread;

	pthread_create(&thread, NULL, stay, &tid);
	while (!__atomic_load_n(&tid, __ATOMIC_ACQUIRE))
		sched_yield();
	cr_assert_eq(proc_namespace_inner(getpid(), 0), getpid());
	cr_assert_eq(proc_namespace_inner(getpid(), tid), tid);
	cr_assert_eq(proc_namespace_find_thread(getpid(), tid), tid);
	cr_assert_eq(proc_namespace_find_thread(getpid(), 0x7ffffff0), 0);
	cr_assert_eq(proc_namespace_inner(0x7ffffff0, 0), 0);
	cr_assert_eq(proc_namespace_find_process(getpid(), 1, 1), 0);
}

/* The first process of a new pid namespace, which is number 1 there. */
static pid_t fork_into_namespace(void)
{
	int ready[2];
	char byte;

	cr_assert_eq(pipe(ready), 0);
	pid_t maker = fork();

	if (maker == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
			_exit(0);
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)!write(ready[1], "", 1);
		}
		for (;;)
			pause();
	}
	close(ready[1]);
	/* The end of the pipe where it may not be made. */
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	return maker;
}

Test(proc_namespace, finds_the_one_process_that_has_a_number_in_its_own_namespace, .timeout = 60)
{
	pid_t makers[2] = {fork_into_namespace()}, found = 0;

	while (!found && waitpid(makers[0], NULL, WNOHANG) == 0)
		found = proc_namespace_find_process(getpid(), 1, 1);
	if (!found)
		cr_skip_test("needs the right to make a pid namespace");
	cr_assert_not(proc_namespace_is_ours(found));
	cr_assert_eq(proc_namespace_inner(found, 0), 1);
	cr_assert(proc_tree_has_thread(found, 1));
	cr_assert_not(proc_tree_has_thread(found, found));
	/* With a second one nobody can tell which is meant. */
	makers[1] = fork_into_namespace();
	while (proc_namespace_find_process(getpid(), 1, 1))
		;
	for (int i = 0; i < 2; i++) {
		kill(makers[i], SIGKILL);
		waitpid(makers[i], NULL, 0);
	}
}
