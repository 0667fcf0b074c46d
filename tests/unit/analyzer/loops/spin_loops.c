/* Home-made locks, all of them taken, and what looks like them; built once for each level of optimisation:
 * LEVEL is the suffix. */
#include "spin_loops.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PASTE(a, b) a##b
#define NAME(a, b)  PASTE(a, b)
#define LOOPS       NAME(spin_loops_, LEVEL)
#define NOINLINE    static __attribute__((noinline))

enum { TRIES = 65535, SPINS = 100, LOCKED = 1 };

static int taken = LOCKED;
static atomic_flag flag;
static volatile int never_set;
static struct {
	long other;
	unsigned next, serving;
} ticket = {7, 5, 3};
static struct node {
	struct node *next;
	int locked;
} node = {NULL, 1};
static struct node *tail = &node;
static uint64_t spins;
static double result;
static unsigned random_seed = 1;

static void pause_a_little(void)
{
	__builtin_ia32_pause();
}

static void exchanges(void)
{
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE))
		pause_a_little();
}

static void sets_a_flag(void)
{
	atomic_flag_test_and_set(&flag);
	while (atomic_flag_test_and_set_explicit(&flag, memory_order_acquire))
		;
}

static void yields(void)
{
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void sleeps(void)
{
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE))
		usleep(10);
}

static void sleeps_by_clock(void)
{
	const struct timespec pause = {.tv_nsec = 1000};
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE))
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static void tests_first(void)
{
	for (;;) {
		if (!__atomic_load_n(&taken, __ATOMIC_RELAXED) &&
		    !__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE))
			return;
		for (int i = 0; i < SPINS; i++)
			pause_a_little();
	}
}

static void backs_off(void)
{
	unsigned delay = 1;
	int is_free = 0;
	while (
	    !__atomic_compare_exchange_n(&taken, &is_free, LOCKED, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		for (unsigned i = 0; i < delay; i++)
			pause_a_little();
		delay = delay < SPINS ? 2 * delay : delay;
		is_free = 0;
	}
}

static void takes_a_ticket(void)
{
	unsigned mine = __atomic_fetch_add(&ticket.next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&ticket.serving, __ATOMIC_ACQUIRE) != mine)
		pause_a_little();
}

static void waits_for_node(void)
{
	const struct node *before = __atomic_load_n(&tail, __ATOMIC_ACQUIRE);
	while (__atomic_load_n(&before->locked, __ATOMIC_ACQUIRE))
		pause_a_little();
}

static void sets_a_bit(void)
{
	while (__atomic_fetch_or(&taken, 1, __ATOMIC_ACQUIRE) & 1)
		pause_a_little();
}

static void waits_for_a_flag(void)
{
	while (!never_set)
		;
}

NOINLINE int try_it(int *word)
{
	return !__atomic_exchange_n(word, LOCKED, __ATOMIC_ACQUIRE);
}

static void yields_at_times_and_counts(void)
{
	for (unsigned i = 0; !try_it(&taken); i++) {
		if (i % 16 == 15)
			sched_yield();
		else if (i > SPINS)
			sched_yield();
		spins++;
	}
}

static void sleeps_on_it_with_a_limit(void)
{
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE)) {
		random_seed = random_seed * 1103515245 + 12345;
		const struct timespec limit = {.tv_nsec = 1 + random_seed % 1024};
		syscall(SYS_futex, &taken, FUTEX_WAIT_PRIVATE, LOCKED, &limit, NULL, 0);
	}
}

static void tests_first_and_sleeps(void)
{
	while (__atomic_load_n(&taken, __ATOMIC_RELAXED) ||
	       __atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE))
		usleep(10);
}

static void sleeps_until_a_flag_is_set(void)
{
	while (!never_set)
		usleep(10);
}

/* Twice, so that its function is left to two places. */
static void yields_in_two_places(void)
{
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE)) {
		sched_yield();
		spins += 3;
		sched_yield();
	}
}

static void computes_for_ever(void)
{
	for (;;)
		spins = spins * 3 + 1;
}

static void gives_up(void)
{
	for (int i = 0; i < TRIES * 1000; i++) {
		if (!__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE))
			return;
		pause_a_little();
	}
}

static void computes(void)
{
	for (volatile uint64_t i = 0; i < UINT64_C(1) << 40; i++)
		spins += i ^ spins;
}

static void computes_in_a_register(void)
{
	uint64_t sum = 1;
	for (uint64_t i = 0; i < UINT64_C(1) << 40; i++) {
		sum = sum * 3 + i;
		__asm__ volatile("" : "+r"(sum));
	}
	spins = sum;
}

static void computes_fractions(void)
{
	while (result < 1e300)
		result += 1e-3;
}

static void waits_for_others(void)
{
	while (!*spin_loops_shared)
		pause_a_little();
}

/* Of a file that the process has mapped for itself and not written to. */
static void waits_for_a_file_to_change(void)
{
	while (!*spin_loops_of_file)
		pause_a_little();
}

static void waits_for_others_too(void)
{
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE) && !*spin_loops_shared)
		sched_yield();
}

static void waits_for_a_file(void)
{
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE)) {
		if (access("/nowhere/at/all", F_OK) == 0)
			return;
	}
}

static void has_a_deadline(void)
{
	struct timespec now = {0};
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE) && now.tv_sec < 1000000000)
		clock_gettime(CLOCK_MONOTONIC, &now);
}

static void has_a_deadline_in_ticks(void)
{
	while (__atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE)) {
		if (__builtin_ia32_rdtsc() == 1)
			return;
	}
}

static void lets_go_itself(void)
{
	for (spins = 0; __atomic_exchange_n(&taken, LOCKED, __ATOMIC_ACQUIRE);) {
		if (++spins == UINT64_C(1) << 40)
			__atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
	}
}

static void searches(void)
{
	for (const volatile int *at = &never_set; !*at; at += sched_getcpu() > 1000)
		pause_a_little();
}

#define CASE(run, word)                                                                                      \
	{                                                                                                    \
#run, run, true, word, false                                                                 \
	}
#define ENDS(run)                                                                                            \
	{                                                                                                    \
#run, run, false, NULL, false                                                                \
	}

const struct spin_loop_case LOOPS[] = {
    CASE(exchanges, &taken),
    CASE(sets_a_flag, &flag),
    CASE(yields, &taken),
    CASE(sleeps, &taken),
    CASE(sleeps_by_clock, &taken),
    CASE(tests_first, &taken),
    CASE(backs_off, &taken),
    CASE(takes_a_ticket, &ticket.serving),
    CASE(waits_for_node, &node.locked),
    CASE(sets_a_bit, &taken),
    CASE(waits_for_a_flag, &never_set),
    CASE(yields_at_times_and_counts, &taken),
    {"sleeps_on_it_with_a_limit", sleeps_on_it_with_a_limit, true, &taken, true},
    CASE(tests_first_and_sleeps, &taken),
    CASE(sleeps_until_a_flag_is_set, NULL),
    CASE(yields_in_two_places, &taken),
    CASE(computes_for_ever, NULL),
    ENDS(gives_up),
    ENDS(computes),
    ENDS(computes_in_a_register),
    ENDS(computes_fractions),
    ENDS(waits_for_others),
    ENDS(waits_for_others_too),
    ENDS(waits_for_a_file_to_change),
    ENDS(waits_for_a_file),
    ENDS(has_a_deadline),
    ENDS(has_a_deadline_in_ticks),
    ENDS(lets_go_itself),
    ENDS(searches),
    {NULL, NULL, false, NULL, false},
};
