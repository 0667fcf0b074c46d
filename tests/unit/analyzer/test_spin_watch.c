/* Which processes are stopped to look for a loop that nothing ends, and how often at most. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monotonic.h"
#include "proc_stat.h"
#include "proc_stop.h"
#include "proc_wait.h"
#include "spin_watch.h"

#define MS UINT64_C(1000000)

enum { ROUND_MS = 500, ROUNDS = 100000, LOOKS = 12 };

static volatile int lock = 1, *is_there;

static void spins(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		;
}

static void computes(void)
{
	for (volatile uint64_t i = 0; i < UINT64_C(1) << 50; i++)
		;
}

static void sleeps_long(void)
{
	for (;;)
		sleep(1000);
}

static void waits(void)
{
	for (;;)
		pause();
}

static void *stay(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* From a process in which a thread vanishes. */
static pid_t start(void (*run)(void))
{
	pthread_t thread;

	is_there = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(is_there, MAP_FAILED);
	cr_assert_eq(pthread_create(&thread, NULL, stay, NULL), 0);
	/* The parent's threads have to be seen to be older than the child. */
	nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		*is_there = 1;
		run();
		_exit(0);
	}
	while (!*is_there)
		sched_yield();
	return pid;
}

static void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static bool look(struct spin_watch *watch, pid_t pid, uint64_t now_ns, struct spin_loop *ret_loop)
{
	struct proc_stat stat;

	cr_assert(proc_stat_read(pid, 0, &stat));
	return spin_watch_look(watch, &stat, now_ns, ret_loop);
}

Test(spin_watch, finds_one_that_spins_after_two_seconds, .timeout = 60)
{
	struct spin_watch watch = {0};
	struct spin_loop loop;
	uint64_t now_ns = 1000 * MS;
	pid_t pid = start(spins);

	cr_expect_not(look(&watch, pid, now_ns, &loop));
	nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
	cr_expect_not(look(&watch, pid, now_ns + 1999 * MS, &loop));
	cr_expect_eq(watch.looks, 0);
	/* On a busy machine it may not have been given a CPU since. */
	bool found = false;
	for (int i = 0; i < 1000 && !found; i++, now_ns += 10000 * MS) {
		found = look(&watch, pid, now_ns + 2000 * MS, &loop);
		nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
	}
	cr_expect(found);
	cr_expect_eq(loop.word, (uintptr_t)&lock);
	finish(pid);
}

Test(spin_watch, stops_one_that_computes_ever_more_seldom, .timeout = 120)
{
	struct spin_watch watch = {0};
	struct spin_loop loop;
	uint64_t now_ns = 1000 * MS, last_ns = 0, pause_ns = 0;
	pid_t pid = start(computes);

	for (unsigned i = 0; i < ROUNDS && watch.looks < LOOKS; i++, now_ns += ROUND_MS * MS) {
		unsigned looks = watch.looks;

		/* A tick of CPU has to be used between two looks. */
		if (watch.since_ns && now_ns - watch.since_ns >= watch.span_ns)
			nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
		cr_assert_not(look(&watch, pid, now_ns, &loop));
		if (watch.looks == looks)
			continue;
		cr_assert_geq(now_ns - last_ns, 2 * pause_ns, "look %u", looks);
		pause_ns = looks ? now_ns - last_ns : 1000 * MS;
		last_ns = now_ns;
	}
	cr_expect_eq(watch.looks, LOOKS);
	cr_assert_not(look(&watch, pid, now_ns * 1000, &loop));
	cr_expect_eq(watch.looks, LOOKS);
	finish(pid);
}

static void is_never_stopped(void (*run)(void))
{
	struct spin_watch watch = {0};
	struct spin_loop loop;
	uint64_t now_ns = 1000 * MS;
	struct proc_wait wait;
	pid_t pid = start(run);

	do
		proc_wait_read(pid, pid, &wait);
	while (wait.call < 0);
	for (unsigned i = 0; i < 1000; i++, now_ns += ROUND_MS * MS)
		cr_assert_not(look(&watch, pid, now_ns, &loop));
	cr_expect_eq(watch.looks, 0);
	finish(pid);
}

Test(spin_watch, never_stops_one_that_waits, .timeout = 60)
{
	is_never_stopped(waits);
}

Test(spin_watch, never_stops_one_that_sleeps_on_and_on, .timeout = 60)
{
	is_never_stopped(sleeps_long);
}

static void handle(int number)
{
	(void)number;
}

Test(spin_watch, takes_nobody_for_alone_who_has_a_handler_or_a_thread, .timeout = 60)
{
	pid_t pid = start(spins);

	cr_expect(spin_watch_is_alone(pid));
	finish(pid);
	cr_expect_not(spin_watch_is_alone(getpid()), "it has a thread");
	signal(SIGUSR1, handle);
	pid = start(spins);
	cr_expect_not(spin_watch_is_alone(pid));
	finish(pid);
}

Test(proc_wait, tells_the_system_call)
{
	struct proc_wait wait;

	proc_wait_parse("running\n", &wait);
	cr_expect_eq(wait.state, PROC_WAIT_OTHER);
	cr_expect_eq(wait.call, -1);
	proc_wait_parse("35 0x10 0x20 0x30 0x40 0x50 0x60 0x7ffe 0x4000\n", &wait);
	cr_expect_eq(wait.state, PROC_WAIT_OTHER);
	cr_expect_eq(wait.call, 35);
	cr_expect_eq(wait.arguments[0], 0x10);
	cr_expect_eq(wait.arguments[5], 0x60);
}

/* It gives up on a thread that somebody else has stopped, and what comes later goes on. */
Test(proc_stop, lets_a_thread_go_on, .timeout = 60)
{
	struct user_regs_struct user;
	pid_t pid = start(spins);
	int status;

	cr_assert(proc_stop_begin(pid, &user));
	cr_expect_not(proc_stop_begin(pid, &user), "it is stopped already");
	proc_stop_end(pid);
	cr_assert(proc_stop_begin(pid, &user));
	proc_stop_end(pid);
	/* As after a stop that came too late. */
	cr_assert_eq(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	cr_assert_eq(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	proc_stop_end_late(pid, status);
	/* A signal that was to be given is given. */
	cr_assert_eq(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	cr_assert_eq(kill(pid, SIGTERM), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSTOPPED(status));
	proc_stop_end_late(pid, status);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
