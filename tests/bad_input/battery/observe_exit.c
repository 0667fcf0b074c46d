/* Ends in the way its argument names, after a fork: which handlers run, what is flushed, with which code it
 * ends. */
#include "case.h"
#include <sys/resource.h>

static void say(const char *text)
{
	CHECK(write(STDOUT_FILENO, text, strlen(text)) == (ssize_t)strlen(text));
}

static void at_exit(void)
{
	say("exit handler\n");
}

static void at_quick_exit_(void)
{
	say("quick exit handler\n");
}

__attribute__((destructor)) static void at_unload(void)
{
	say("destructor\n");
}

static void *exit_from_thread(void *code)
{
	exit((int)(intptr_t)code);
	return NULL;
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

static void end(const char *way)
{
	static const struct rlimit no_core;
	pthread_t thread;

	CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
	if (strcmp(way, "exit") == 0)
		exit(3);
	if (strcmp(way, "_exit") == 0)
		_exit(4);
	if (strcmp(way, "quick_exit") == 0)
		quick_exit(5);
	if (strcmp(way, "abort") == 0)
		abort();
	if (strcmp(way, "segv") == 0)
		raise(SIGSEGV);
	if (strcmp(way, "term") == 0)
		raise(SIGTERM);
	if (strcmp(way, "kill") == 0)
		raise(SIGKILL);
	if (strcmp(way, "pthread_exit") == 0)
		pthread_exit(NULL);
	if (strcmp(way, "thread") == 0) {
		CHECK(pthread_create(&thread, NULL, exit_from_thread, (void *)6) == 0);
		pthread_join(thread, NULL);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread;
	pid_t pid;

	CHECK(argc == 3);
	CHECK(atexit(at_exit) == 0);
	CHECK(at_quick_exit(at_quick_exit_) == 0);
	printf("unflushed at fork\n");
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		end(argv[1]);
		return 7;
	}
	printf("child's status: %x\n", child_reap(pid));
	worker_finish(thread);
	end(argv[2]);
	return 8;
}
