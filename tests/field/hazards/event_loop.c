/* libevent takes an event away only when its callback is not running. A thread is in the callback while main
 * forks; the child takes the event away, and waits for the end of that call. */
#include <event2/event.h>
#include <event2/thread.h>
#include "inside.h"

static struct event_base *base;
static struct event *tick;

static void on_tick(evutil_socket_t unused_fd, short unused_what, void *unused)
{
	(void)unused_fd;
	(void)unused_what;
	(void)unused;
	stay_inside();
}

static void run_loop(void)
{
	event_base_dispatch(base);
}

static void stop_ticking(void)
{
	event_del(tick);
}

int main(void)
{
	evthread_use_pthreads();
	base = event_base_new();
	tick = event_new(base, -1, 0, on_tick, NULL);
	event_active(tick, EV_TIMEOUT, 1);
	fork_beside(run_loop, stop_ticking);
	return 0;
}
