#include "stuck_fixture.h"

#include <criterion/criterion.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc_stat.h"
#include "proc_tree.h"
#include "proc_wait.h"

uint32_t *stuck_shared_word;
uint32_t stuck_private_word;
static int second_sleeps;

__attribute__((constructor)) static void map_word(void)
{
	stuck_shared_word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* Inline: no function of libc between the wait and its caller. */
__attribute__((noinline)) void stuck_wait_inner(uint32_t *word)
{
	long result = SYS_futex;
	register long no_limit __asm__("r10") = 0;

	__asm__ volatile("syscall"
	                 : "+a"(result)
	                 : "D"(word), "S"((long)FUTEX_WAIT), "d"(0L), "r"(no_limit)
	                 : "rcx", "r11", "memory");
}

__attribute__((noinline)) void stuck_wait_outer(uint32_t *word)
{
	for (;;)
		stuck_wait_inner(word);
}

static void *second(void *word)
{
	while (second_sleeps)
		pause();
	stuck_wait_outer(word);
	return NULL;
}

static void wait_until_asleep(pid_t pid, uint32_t *word)
{
	struct proc_wait wait;

	do
		proc_wait_read(pid, pid, &wait);
	while (wait.state != PROC_WAIT_FUTEX || wait.address != (uintptr_t)word);
}

pid_t stuck_fork_waiter(uint32_t *word)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		stuck_wait_outer(word);
	}
	wait_until_asleep(pid, word);
	return pid;
}

pid_t stuck_fork_two_waiters(uint32_t *word, int sleeps)
{
	pid_t pid = fork();
	struct proc_list threads;
	struct proc_stat stat = {.state = 'R'};

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		second_sleeps = sleeps;
		pthread_create(&thread, NULL, second, word);
		stuck_wait_outer(word);
	}
	wait_until_asleep(pid, word);
	while (stat.state != 'S') {
		proc_tree_threads(pid, &threads);
		if (threads.count == 2)
			proc_stat_read(pid, threads.pids[1], &stat);
		proc_list_release(&threads);
	}
	return pid;
}

void stuck_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
