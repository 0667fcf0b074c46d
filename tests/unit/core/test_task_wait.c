#include <criterion/criterion.h>
#include <sched.h>
#include <unistd.h>

#include "core_fixture.h"
#include "task_wait.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile pid_t waiter_tid;

Test(task_wait, reads_a_wait_without_a_time_limit)
{
	cr_assert_eq(task_wait_parse("202 0x5555c0 0x80 0x2 0x0 0x0 0x0 0x7fff10 0x7fff20\n"), 0x5555c0);
	cr_assert_eq(task_wait_parse("202 0x7ffabcdef018 0x189 0x0 0x0 0x0 0xffffffff 0x1 0x2\n"),
	             0x7ffabcdef018);
	cr_assert_eq(task_wait_parse("202 0x5555c0 0x86 0x0 0x0 0x0 0x0 0x1 0x2\n"), 0x5555c0);
}

Test(task_wait, takes_nothing_else_for_one)
{
	static const char *const others[] = {
	    "running\n",
	    "-1 0x7fff10 0x7fff20\n",
	    "",
	    "202",
	    "202 0x5555c0 0x80",
	    "202 5555c0 0x80 0x2 0x0\n",
	    "202 0x5555c0 0x80 0x2 0x7ffd00 0x0 0x0 0x1 0x2\n", /* until a time */
	    "202 0x5555c0 0x81 0x2 0x0 0x0 0x0 0x1 0x2\n",      /* wakes */
	    "203 0x5555c0 0x80 0x2 0x0 0x0 0x0 0x1 0x2\n",
	};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		cr_assert_eq(task_wait_parse(others[i]), 0, "%s", others[i]);
}

static void *waiter(void *unused)
{
	waiter_tid = gettid();
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	return unused;
}

Test(task_wait, sees_a_thread_that_waits_for_a_mutex, .timeout = 60)
{
	pthread_t thread;

	pthread_mutex_lock(&lock);
	cr_assert_eq(pthread_create(&thread, NULL, waiter, NULL), 0);
	while (!waiter_tid || task_wait_address(waiter_tid) != (uint64_t)(uintptr_t)&lock)
		sched_yield();
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	cr_assert_eq(task_wait_address(gettid()), 0);
	cr_assert_eq(task_wait_address(-5), 0);
}
