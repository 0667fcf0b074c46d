/* A thread that is cancelled or ends itself inside a wrapper unwinds as it does inside libc: destructors and
 * clean-up handlers run, and they find the mutex locked. */
#include <pthread.h>

#include "guest.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER, never = PTHREAD_COND_INITIALIZER;
static bool is_waiting;
static int destroyed, cleaned;

struct Destroyed {
	~Destroyed() { destroyed++; }
};

static void unlock(void *argument)
{
	cleaned++;
	EXPECT(pthread_mutex_trylock(&mutex) == EBUSY);
	EXPECT(pthread_mutex_unlock(static_cast<pthread_mutex_t *>(argument)) == 0);
}

enum Wait { WAIT_FOREVER, WAIT_UNTIL, WAIT_CLOCK };
static Wait kind;

static void wait_for_ever(void)
{
	static const struct timespec far = {4000000000, 0};
	switch (kind) {
	case WAIT_FOREVER:
		pthread_cond_wait(&never, &mutex);
		break;
	case WAIT_UNTIL:
		pthread_cond_timedwait(&never, &mutex, &far);
		break;
	case WAIT_CLOCK:
		pthread_cond_clockwait(&never, &mutex, CLOCK_REALTIME, &far);
		break;
	}
}

static void *wait_to_be_cancelled(void *)
{
	Destroyed outer;
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	Destroyed inner;
	is_waiting = true;
	pthread_cond_signal(&condition);
	for (;;)
		wait_for_ever();
	pthread_cleanup_pop(1);
	return nullptr;
}

static void expect_cancelled(Wait how)
{
	pthread_t thread;
	void *result;

	kind = how;
	is_waiting = false;
	destroyed = cleaned = 0;
	pthread_mutex_lock(&mutex);
	EXPECT(pthread_create(&thread, nullptr, wait_to_be_cancelled, nullptr) == 0);
	while (!is_waiting)
		pthread_cond_wait(&condition, &mutex);
	pthread_mutex_unlock(&mutex);
	EXPECT(pthread_cancel(thread) == 0);
	EXPECT(pthread_join(thread, &result) == 0);
	EXPECT(result == PTHREAD_CANCELED);
	EXPECT(destroyed == 2);
	EXPECT(cleaned == 1);
	EXPECT(pthread_mutex_trylock(&mutex) == 0);
	EXPECT(pthread_mutex_unlock(&mutex) == 0);
}

static void *exit_holding_nothing(void *)
{
	Destroyed one;
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	Destroyed two;
	pthread_exit(&mutex);
	pthread_cleanup_pop(0);
	return nullptr;
}

static void *cancelled_in_blocked_lock(void *)
{
	pthread_mutex_lock(&mutex); /* no cancellation point */
	pthread_mutex_unlock(&mutex);
	pthread_testcancel();
	return nullptr;
}

static void *throw_over_locks(void *)
{
	try {
		Destroyed one;
		pthread_mutex_lock(&mutex);
		throw 5;
	} catch (int value) {
		pthread_mutex_unlock(&mutex);
		return value == 5 ? &mutex : nullptr;
	}
}

static void *result_of(void *(*start)(void *))
{
	pthread_t thread;
	void *result;

	EXPECT(pthread_create(&thread, nullptr, start, nullptr) == 0);
	EXPECT(pthread_join(thread, &result) == 0);
	return result;
}

int main()
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 20; i++) {
		expect_cancelled(WAIT_FOREVER);
		expect_cancelled(WAIT_UNTIL);
		expect_cancelled(WAIT_CLOCK);
	}
	destroyed = cleaned = 0;
	EXPECT(result_of(exit_holding_nothing) == &mutex);
	EXPECT(destroyed == 2);
	EXPECT(cleaned == 1);
	EXPECT(result_of(throw_over_locks) == &mutex);
	EXPECT(destroyed == 3);
	pthread_mutex_lock(&mutex);
	EXPECT(pthread_create(&thread, nullptr, cancelled_in_blocked_lock, nullptr) == 0);
	EXPECT(pthread_cancel(thread) == 0);
	pthread_mutex_unlock(&mutex);
	EXPECT(pthread_join(thread, &result) == 0);
	EXPECT(result == PTHREAD_CANCELED);
	EXPECT(pthread_mutex_trylock(&mutex) == 0);
	puts("cancelled as by libc");
	return 0;
}
