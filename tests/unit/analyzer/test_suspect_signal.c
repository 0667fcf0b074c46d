/* What is known from outside of the signals that may reach a process. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc_signals.h"
#include "signal_classes.h"
#include "suspect_signal.h"

static void handler(int number)
{
	(void)number;
}

static void set_blocked(int how, int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	pthread_sigmask(how, &set, NULL);
}

Test(proc_signals, tells_what_is_caught_and_not_blocked)
{
	uint64_t before, after;

	cr_assert(proc_signals_caught(getpid(), &before));
	signal(SIGUSR2, handler);
	cr_assert(proc_signals_caught(getpid(), &after));
	cr_assert_eq(after, before | SIGNAL_BIT(SIGUSR2));
	set_blocked(SIG_BLOCK, SIGUSR2);
	cr_assert(proc_signals_caught(getpid(), &after));
	cr_assert_eq(after, before);
	set_blocked(SIG_UNBLOCK, SIGUSR2);
	signal(SIGUSR2, SIG_IGN);
	cr_assert(proc_signals_caught(getpid(), &after));
	cr_assert_eq(after, before);
	signal(SIGSEGV, handler);
	cr_assert(proc_signals_caught(getpid(), &after));
	cr_assert_eq(after, before);
	signal(SIGPWR, handler);
	cr_assert(proc_signals_caught(getpid(), &after));
	cr_assert_eq(after, before);
	cr_assert_not(proc_signals_caught(0x7ffffff0, &after));
}

static void *stay(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* Until it runs, a thread that is being made blocks everything. */
static pthread_barrier_t running;

static void *run(void *unused)
{
	pthread_barrier_wait(&running);
	return stay(unused);
}

Test(proc_signals, takes_a_signal_for_blocked_only_where_every_thread_blocks_it)
{
	uint64_t caught;
	pthread_t thread;

	signal(SIGUSR2, handler);
	pthread_barrier_init(&running, NULL, 2);
	pthread_create(&thread, NULL, run, NULL);
	pthread_barrier_wait(&running);
	set_blocked(SIG_BLOCK, SIGUSR2);
	cr_assert(proc_signals_caught(getpid(), &caught));
	cr_assert(caught & SIGNAL_BIT(SIGUSR2));
}

Test(proc_signals, tells_what_is_pending)
{
	uint64_t pending;

	set_blocked(SIG_BLOCK, SIGUSR1);
	cr_assert(proc_signals_pending(getpid(), &pending));
	cr_assert_not(pending & SIGNAL_BIT(SIGUSR1));
	kill(getpid(), SIGUSR1);
	cr_assert(proc_signals_pending(getpid(), &pending));
	cr_assert(pending & SIGNAL_BIT(SIGUSR1));
}

static void make_timer(int notify, int number)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = number};
	timer_t timer;

	cr_assert_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
}

Test(proc_signals, tells_what_timers_raise)
{
	uint64_t mask;

	if (access("/proc/self/timers", R_OK) != 0)
		cr_skip("the kernel does not list timers");
	cr_assert(proc_signals_of_timers(getpid(), &mask));
	cr_assert_eq(mask, 0);
	make_timer(SIGEV_NONE, SIGUSR2);
	make_timer(SIGEV_SIGNAL, SIGUSR1);
	make_timer(SIGEV_SIGNAL, SIGALRM);
	cr_assert(proc_signals_of_timers(getpid(), &mask));
	cr_assert_eq(mask, SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGALRM));
	cr_assert_not(proc_signals_of_timers(0x7ffffff0, &mask));
}

Test(proc_signals, takes_no_cpu_time_for_gone_by_where_nothing_runs)
{
	uint64_t before, after;

	if (access("/proc/self/timers", R_OK) != 0)
		cr_skip("the kernel does not list timers");
	cr_assert(proc_signals_caught(getpid(), &before));
	signal(SIGPROF, handler);
	signal(SIGUSR2, handler);
	cr_assert(proc_signals_caught(getpid(), &after));
	cr_assert_eq(after, before | SIGNAL_BIT(SIGPROF) | SIGNAL_BIT(SIGUSR2));
	cr_assert(proc_signals_caught_asleep(getpid(), &after));
	cr_assert_eq(after, before | SIGNAL_BIT(SIGUSR2));
	make_timer(SIGEV_SIGNAL, SIGPROF);
	cr_assert(proc_signals_caught_asleep(getpid(), &after));
	cr_assert_eq(after, before | SIGNAL_BIT(SIGPROF) | SIGNAL_BIT(SIGUSR2));
	cr_assert_not(proc_signals_caught_asleep(0x7ffffff0, &after));
}

/* What is awaited in a child that caught the signal, with one thread, and did what else was asked for. */
static uint64_t awaited_of(int number, void (*prepare)(void))
{
	int ready[2];
	char byte;

	cr_assert_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int other = 1; other < 32; other++)
			signal(other, SIG_DFL);
		signal(number, handler);
		if (prepare)
			prepare();
		cr_assert_eq(write(ready[1], "", 1), 1);
		stay(NULL);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	uint64_t awaited = suspect_signal_awaited(pid, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return awaited;
}

static void have_a_child(void)
{
	pid_t parent = getpid();

	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			stay(NULL);
		_exit(0);
	}
}

static void have_a_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, stay, NULL);
}

static void have_a_timer_for_sigterm(void)
{
	make_timer(SIGEV_SIGNAL, SIGTERM);
}

Test(suspect_signal, awaits_what_others_may_send, .timeout = 60)
{
	cr_assert_eq(awaited_of(SIGUSR1, NULL), SIGNAL_BIT(SIGUSR1));
	cr_assert_eq(awaited_of(SIGUSR2, NULL), SIGNAL_BIT(SIGUSR2));
	cr_assert_eq(awaited_of(SIGRTMIN, NULL), SIGNAL_BIT(SIGRTMIN));
	cr_assert_eq(suspect_signal_awaited(0x7ffffff0, 0), UINT64_MAX);
}

Test(suspect_signal, does_not_await_who_asks_a_program_to_end_or_to_stop, .timeout = 60)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, SIGCONT};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		cr_assert_eq(awaited_of(numbers[i], NULL), 0, "signal %d", numbers[i]);
	cr_assert_eq(awaited_of(SIGTERM, have_a_timer_for_sigterm), SIGNAL_BIT(SIGTERM));
}

Test(suspect_signal, awaits_an_alarm_unless_it_is_known_that_none_is_set, .timeout = 60)
{
	cr_assert_eq(awaited_of(SIGALRM, NULL), SIGNAL_BIT(SIGALRM));
}

Test(suspect_signal, awaits_the_end_of_a_child_where_there_is_one, .timeout = 60)
{
	cr_assert_eq(awaited_of(SIGCHLD, NULL), 0);
	cr_assert_eq(awaited_of(SIGCHLD, have_a_child), SIGNAL_BIT(SIGCHLD));
}

Test(suspect_signal, awaits_cpu_time_where_a_thread_may_use_some, .timeout = 60)
{
	cr_assert_eq(awaited_of(SIGVTALRM, NULL), 0);
	cr_assert_eq(awaited_of(SIGVTALRM, have_a_thread), SIGNAL_BIT(SIGVTALRM));
}

Test(suspect_signal, names_signals)
{
	char text[64];

	cr_assert_str_eq(suspect_signal_names(0, text, sizeof(text)), "");
	cr_assert_str_eq(suspect_signal_names(SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGALRM) | SIGNAL_BIT(40),
	                                      text, sizeof(text)),
	                 "SIGUSR1, SIGALRM, 40");
	cr_assert_str_eq(suspect_signal_names(UINT64_MAX, text, 10), "SIGHUP, S");
}
