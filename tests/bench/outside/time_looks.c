/* How long a process is stopped for a look at the loop that it is in, and what the look costs:
 * spin_proof_find(), LOOKS times for each kind of process. */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc_stop.h"
#include "spin_proof.h"

enum { LOOKS = 401, MANY = 65536 };

static volatile int lock = 1;
static volatile double sum;
static volatile uint64_t table[MANY];

static void spins(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
}

static void tries_and_sleeps(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		usleep(100);
}

static void computes_fractions(void)
{
	for (uint64_t i = 1;; i++)
		sum += 1.0 / (double)i;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void sorts(void)
{
	for (uint64_t seed = 1;;) {
		for (int i = 0; i < MANY; i++)
			table[i] = seed = seed * 6364136223846793005u + 1;
		qsort((void *)table, MANY, sizeof(*table), compare);
	}
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Stands in for the two by the linker's option --wrap. */
bool __real_proc_stop_begin(pid_t tid, struct user_regs_struct *ret_registers);
void __real_proc_stop_end(pid_t tid);
static uint64_t begun_ns, stopped_ns;

bool __wrap_proc_stop_begin(pid_t tid, struct user_regs_struct *ret_registers)
{
	begun_ns = now_ns(CLOCK_MONOTONIC);
	return __real_proc_stop_begin(tid, ret_registers);
}

void __wrap_proc_stop_end(pid_t tid)
{
	__real_proc_stop_end(tid);
	stopped_ns = now_ns(CLOCK_MONOTONIC) - begun_ns;
}

static void print_spread(uint64_t *values)
{
	qsort(values, LOOKS, sizeof(*values), compare);
	printf(" %8.0f (%.0f to %.0f, most %.0f)", (double)values[LOOKS / 2] / 1e3,
	       (double)values[LOOKS / 4] / 1e3, (double)values[LOOKS * 3 / 4] / 1e3,
	       (double)values[LOOKS - 1] / 1e3);
}

static void look_at(const char *name, void (*run)(void))
{
	static uint64_t stopped[LOOKS], used[LOOKS];
	unsigned proven = 0;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run();
		_exit(0);
	}
	for (int i = 0; i < LOOKS; i++) {
		struct spin_loop loop;
		uint64_t before_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);

		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
		proven += spin_proof_find(pid, &loop);
		used[i] = now_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
		stopped[i] = stopped_ns;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("%-20s", name);
	print_spread(stopped);
	print_spread(used);
	printf(" %4u of %d\n", proven, LOOKS);
}

int main(void)
{
	printf("microseconds: stopped (at most), CPU of the look; proven endless\n");
	look_at("spins", spins);
	look_at("tries and sleeps", tries_and_sleeps);
	look_at("computes fractions", computes_fractions);
	look_at("sorts", sorts);
	return 0;
}
