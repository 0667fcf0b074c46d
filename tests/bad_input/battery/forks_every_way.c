/* forks_every_way: main, beside a worker, forks by every road that a symbol shows. Half of the children call
 * nothing that is intercepted, half take a lock of their own; some forks fail. The program prints how many
 * children there were: so many the report must count. */
#include "case.h"

#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pty.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int takes_lock, children;

static void *wait_for_ever(void *nothing)
{
	for (;;)
		pause();
	return nothing;
}

static int run_child(void *nothing)
{
	(void)nothing;
	if (takes_lock && (pthread_mutex_lock(&lock) != 0 || pthread_mutex_unlock(&lock) != 0))
		return 1;
	return 0;
}

static void end(pid_t pid)
{
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(run_child(NULL));
	int status = child_reap(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	children++;
}

static pid_t by_clone(void)
{
	static char stack[64 << 10] __attribute__((aligned(16)));
	return clone(run_child, stack + sizeof stack, SIGCHLD, NULL);
}

static pid_t by_clone3(void)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};
	return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

/* The terminal stays open: its end would be a signal to the child. */
static pid_t by_forkpty(void)
{
	int master;
	return forkpty(&master, NULL, NULL, NULL);
}

/* The caller's own process ends inside of daemon(). */
static void by_daemon(void)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(daemon(1, 1) == 0);
		_exit(run_child(NULL));
	}
	status = child_reap(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	children += 2;
}

/* A child's child, where the child has called nothing else. */
static void in_two_steps(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		end(fork());
		_exit(0);
	}
	int status = child_reap(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	children += 2;
}

/* From here on no process can be made. */
static void forbid_forks(void)
{
	struct sock_filter rules[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 2, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
	};
	struct sock_fprog program = {sizeof rules / sizeof *rules, rules};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
}

int main(void)
{
	pthread_t worker;

	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	CHECK(pthread_create(&worker, NULL, wait_for_ever, NULL) == 0);
	for (takes_lock = 0; takes_lock < 2; takes_lock++) {
		end(fork());
		end(_Fork());
		end((pid_t)syscall(SYS_fork));
		end((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
		end(by_clone3());
		end(by_clone());
		end(by_forkpty());
		by_daemon();
		in_two_steps();
	}
	forbid_forks();
	CHECK(fork() == -1 && errno == EAGAIN);
	CHECK(_Fork() == -1 && errno == EAGAIN);
	CHECK(by_clone() == -1 && errno == EAGAIN);
	CHECK(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == -1 && errno == EAGAIN);
	printf("%d\n", children);
	return 0;
}
