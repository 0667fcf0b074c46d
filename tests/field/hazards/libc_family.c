/* Threads of the parent call a function of libc again and again, each child calls it once. libc's lock is
 * inside of it, no program sees it: whether a fork meets it is chance, so children are forked until one does
 * not come back. usage: libc_family setenv|localtime_r|getaddrinfo|getpwnam|dlopen CHILDREN */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include "child.h"

enum { THREADS = 2 };

static atomic_int stopped;
static pthread_barrier_t started;

static void use_setenv(void)
{
	setenv("FIELD", "some value", 1);
}

static void use_localtime_r(void)
{
	struct tm tm;
	time_t now = 1000000000;

	localtime_r(&now, &tm);
}

static void use_getaddrinfo(void)
{
	struct addrinfo *found;

	if (getaddrinfo("127.0.0.1", "80", NULL, &found) == 0)
		freeaddrinfo(found);
}

static void use_getpwnam(void)
{
	getpwnam("root");
}

static void use_dlopen(void)
{
	void *handle = dlopen("libm.so.6", RTLD_NOW);

	if (handle)
		dlclose(handle);
}

static const struct use {
	const char *name;
	void (*call)(void);
} uses[] = {
    {"setenv", use_setenv},     {"localtime_r", use_localtime_r}, {"getaddrinfo", use_getaddrinfo},
    {"getpwnam", use_getpwnam}, {"dlopen", use_dlopen},
};

static const struct use *use_named(const char *name)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (strcmp(uses[i].name, name) == 0)
			return &uses[i];
	exit(99);
}

static void *keep_calling(void *arg)
{
	const struct use *use = arg;

	pthread_barrier_wait(&started);
	while (!stopped)
		use->call();
	return NULL;
}

static void fork_until_one_fails(const struct use *use, int children)
{
	for (int i = 1; i <= children; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			use->call();
			_exit(0);
		}
		int end = child_end(pid);

		if (end) {
			printf("child %d ended with %d\n", i, end);
			return;
		}
	}
	printf("all %d children ended well\n", children);
}

int main(int argc, char **argv)
{
	const struct use *use = use_named(argc == 3 ? argv[1] : "");
	pthread_t threads[THREADS];

	setvbuf(stdout, NULL, _IONBF, 0);
	pthread_barrier_init(&started, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, keep_calling, (void *)use);
	pthread_barrier_wait(&started);
	fork_until_one_fails(use, atoi(argv[2]));
	stopped = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
