/* A GThreadPool with one thread of its own: the child pushes a job to the pool whose thread stayed in the
 * parent, and waits for the answer on a queue that it has just made. */
#include <glib.h>
#include "child.h"

static GThreadPool *pool;

static void answer(gpointer replies, gpointer unused)
{
	(void)unused;
	g_async_queue_push(replies, replies);
}

static void in_background(void)
{
	GAsyncQueue *replies = g_async_queue_new();

	g_thread_pool_push(pool, replies, NULL);
	g_async_queue_pop(replies);
}

int main(void)
{
	pool = g_thread_pool_new(answer, NULL, 1, TRUE, NULL);
	in_background();
	wait_until_others_sleep();
	pid_t pid = fork();

	if (pid == 0) {
		in_background();
		_exit(0);
	}
	child_say_end(pid);
	return 0;
}
