/* Loads a module, runs code with locks in it and unloads it, hundreds of times, with forks in between and
 * another thread that takes locks all the while. The module's path is the argument. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "guest.h"

enum { LOADS = 400, GROWTH_MAX_KIB = 4096 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool done;

static void *lock_all_the_while(void *argument)
{
	while (!atomic_load(&done)) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
	return argument;
}

static void load_and_run(const char *path, int number)
{
	void *module = dlopen(path, RTLD_NOW);

	EXPECT(module);
	int (*run)(void) = (int (*)(void))dlsym(module, "plugin_run");
	EXPECT(run);
	EXPECT(run() == 1);
	if (number % 50 == 0) {
		pid_t child = fork();
		if (child == 0)
			_exit(run() == 2 ? 0 : 1);
		guest_wait(child);
	}
	EXPECT(dlclose(module) == 0);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	long before_kib = 0;

	EXPECT(argc == 2);
	EXPECT(pthread_create(&thread, NULL, lock_all_the_while, NULL) == 0);
	for (int i = 0; i < LOADS; i++) {
		if (i == LOADS / 10)
			before_kib = guest_memory_kib("VmRSS:");
		load_and_run(argv[1], i);
	}
	EXPECT(guest_memory_kib("VmRSS:") - before_kib < GROWTH_MAX_KIB);
	atomic_store(&done, true);
	EXPECT(pthread_join(thread, NULL) == 0);
	puts("loaded and unloaded");
	return 0;
}
