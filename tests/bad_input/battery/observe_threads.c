/* What threads can tell of themselves, and what passes through the wrappers' frames: cancellation,
 * pthread_exit, signals, small stacks. */
#include "case.h"
#include <limits.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_key_t key;
static volatile pid_t waiter_tid;
static volatile int handled;

static void print_key(void *value)
{
	printf("key destructor: %s\n", (char *)value);
}

static void *describe(void *name)
{
	pthread_attr_t attributes;
	size_t stack_bytes, guard_bytes;
	char actual[16];

	CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0);
	CHECK(pthread_attr_getstacksize(&attributes, &stack_bytes) == 0);
	CHECK(pthread_attr_getguardsize(&attributes, &guard_bytes) == 0);
	CHECK(pthread_setname_np(pthread_self(), name) == 0);
	CHECK(pthread_getname_np(pthread_self(), actual, sizeof(actual)) == 0);
	CHECK(pthread_setspecific(key, name) == 0);
	printf("%s: stack %zu, guard %zu\n", actual, stack_bytes, guard_bytes);
	CHECK(pthread_mutex_lock(&mutex) == 0);
	CHECK(pthread_mutex_unlock(&mutex) == 0);
	return (void *)"returned";
}

static void *leave_early(void *unused)
{
	(void)unused;
	CHECK(pthread_setspecific(key, "early") == 0);
	pthread_exit((void *)"left early");
}

static void unlock_at_cleanup(void *unused)
{
	(void)unused;
	printf("cleanup: unlock = %d\n", pthread_mutex_unlock(&mutex));
}

static void *wait_for_cancel(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&mutex) == 0);
	pthread_cleanup_push(unlock_at_cleanup, NULL);
	waiter_tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		pthread_cond_wait(&condition, &mutex);
	pthread_cleanup_pop(1);
	return NULL;
}

static void *fork_on_small_stack(void *unused)
{
	pid_t pid = fork();

	(void)unused;
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_lock(&mutex) == 0);
		_exit(pthread_mutex_unlock(&mutex));
	}
	child_succeed(pid);
	return (void *)"forked";
}

static void on_signal(int number)
{
	(void)number;
	handled++;
}

static void *wait_in_lock(void *unused)
{
	(void)unused;
	waiter_tid = (pid_t)syscall(SYS_gettid);
	CHECK(pthread_mutex_lock(&mutex) == 0);
	CHECK(pthread_mutex_unlock(&mutex) == 0);
	return handled ? (void *)"interrupted and locked" : (void *)"locked";
}

static void run(void *(*routine)(void *), void *argument, size_t stack_bytes)
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *result;

	CHECK(pthread_attr_init(&attributes) == 0);
	if (stack_bytes)
		CHECK(pthread_attr_setstacksize(&attributes, stack_bytes) == 0);
	CHECK(pthread_create(&thread, &attributes, routine, argument) == 0);
	CHECK(pthread_join(thread, &result) == 0);
	printf("result: %s\n", (char *)result);
}

static pthread_t start_waiter(void *(*routine)(void *), const void *object, size_t size_bytes)
{
	pthread_t thread;

	waiter_tid = 0;
	CHECK(pthread_create(&thread, NULL, routine, NULL) == 0);
	while (!waiter_tid)
		sched_yield();
	wait_until_blocked(getpid(), waiter_tid, object, size_bytes);
	return thread;
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	pthread_t thread;
	void *result;
	int keys = 0;

	/* A key that the program forgot to make is refused. */
	printf("key 0: %d, %s\n", pthread_setspecific(0, &key), pthread_getspecific(0) ? "a value" : "none");
	CHECK(pthread_key_create(&key, print_key) == 0);
	printf("number of the first key: %u\n", key);
	run(describe, (void *)"default", 0);
	run(describe, (void *)"smallest", PTHREAD_STACK_MIN);
	run(leave_early, NULL, 0);
	run(fork_on_small_stack, NULL, PTHREAD_STACK_MIN);

	thread = start_waiter(wait_for_cancel, &condition, sizeof(condition));
	CHECK(pthread_cancel(thread) == 0);
	CHECK(pthread_join(thread, &result) == 0);
	printf("cancelled: %d, free again: %d\n", result == PTHREAD_CANCELED, pthread_mutex_trylock(&mutex));

	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	thread = start_waiter(wait_in_lock, &mutex, sizeof(mutex));
	CHECK(pthread_kill(thread, SIGUSR1) == 0);
	while (!handled)
		sched_yield();
	CHECK(pthread_mutex_unlock(&mutex) == 0);
	CHECK(pthread_join(thread, &result) == 0);
	printf("result: %s\n", (char *)result);

	for (pthread_key_t more; pthread_key_create(&more, NULL) == 0;)
		keys++;
	/* The library takes one of the 1,024 keys, to learn of a thread's end. */
	printf("keys left: %s\n", keys >= PTHREAD_KEYS_MAX - 2 ? "enough" : "too few");
	return 0;
}
