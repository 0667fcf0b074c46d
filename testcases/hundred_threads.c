/* A hundred threads each hold a lock of their own, in blocks on the heap, while main forks. The child meets
 * the lock of thread 37: that thread, and no other, is the holder.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal - initialised_at=lane_create<main
 *   holder: acquired_at=lane_enter<worker start_routine=worker created_at=main name=lane-37
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=lane_enter<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

enum { LANE_COUNT = 100 };

struct lane {
	int number;
	pthread_mutex_t mutex;
	pthread_t thread;
};

static struct lane *lanes[LANE_COUNT];
static pthread_barrier_t all_ready, all_done;

static struct lane *lane_create(int number)
{
	struct lane *ret = calloc(1, sizeof(*ret));

	CHECK(ret);
	ret->number = number;
	CHECK(pthread_mutex_init(&ret->mutex, NULL) == 0);
	return ret;
}

static void lane_enter(struct lane *lane)
{
	CHECK(pthread_mutex_lock(&lane->mutex) == 0);
}

static void *worker(void *argument)
{
	struct lane *lane = argument;
	char name[16];

	snprintf(name, sizeof(name), "lane-%d", lane->number);
	CHECK(pthread_setname_np(pthread_self(), name) == 0);
	lane_enter(lane);
	pthread_barrier_wait(&all_ready);
	pthread_barrier_wait(&all_done);
	CHECK(pthread_mutex_unlock(&lane->mutex) == 0);
	return NULL;
}

int main(void)
{
	pid_t pid;

	CHECK(pthread_barrier_init(&all_ready, NULL, LANE_COUNT + 1) == 0);
	CHECK(pthread_barrier_init(&all_done, NULL, LANE_COUNT + 1) == 0);
	for (int i = 0; i < LANE_COUNT; i++) {
		lanes[i] = lane_create(i);
		CHECK(pthread_create(&lanes[i]->thread, NULL, worker, lanes[i]) == 0);
	}
	pthread_barrier_wait(&all_ready);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		lane_enter(lanes[37]);
		_exit(0);
	}
	child_reap(pid);
	pthread_barrier_wait(&all_done);
	for (int i = 0; i < LANE_COUNT; i++)
		CHECK(pthread_join(lanes[i]->thread, NULL) == 0);
	return 0;
}
