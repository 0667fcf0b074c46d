/* GLib's GMutex is its own lock on a futex. A thread fills a cache under one while main forks; the child
 * reads it. */
#include <glib.h>
#include "child.h"

static GMutex cache_mutex;
static int entered[2], leave[2];
static char token;

static void cache_fill(void)
{
	g_mutex_lock(&cache_mutex);
	if (write(entered[1], &token, 1) != 1 || read(leave[0], &token, 1) != 1)
		abort();
	g_mutex_unlock(&cache_mutex);
}

static gpointer filler(gpointer unused)
{
	cache_fill();
	return unused;
}

static void cache_read(void)
{
	g_mutex_lock(&cache_mutex);
	g_mutex_unlock(&cache_mutex);
}

int main(void)
{
	if (pipe(entered) || pipe(leave))
		return 99;
	GThread *thread = g_thread_new("filler", filler, NULL);

	if (read(entered[0], &token, 1) != 1)
		return 99;
	pid_t pid = fork();

	if (pid == 0) {
		cache_read();
		_exit(0);
	}
	child_say_end(pid);
	if (write(leave[1], &token, 1) != 1)
		return 99;
	g_thread_join(thread);
	return 0;
}
