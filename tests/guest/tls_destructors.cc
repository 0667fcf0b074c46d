/* What runs at a thread's end takes locks: thread_local destructors, and those of thread-specific keys in
 * each of their rounds, after the library's own has run too. */
#include <mutex>
#include <pthread.h>
#include <thread>

#include "guest.h"

static std::mutex mutex;
static std::recursive_mutex recursive;
static pthread_key_t keys[8];
static int ended_locals, ended_keys;

struct Local {
	int value = 0;
	~Local()
	{
		std::lock_guard<std::mutex> guard(mutex);
		std::lock_guard<std::recursive_mutex> outer(recursive), inner(recursive);
		ended_locals += value;
	}
};
static thread_local Local local;

static void end_key(void *value)
{
	long round = (long)value;
	std::lock_guard<std::mutex> guard(mutex);
	ended_keys++;
	if (round < PTHREAD_DESTRUCTOR_ITERATIONS)
		for (pthread_key_t key : keys)
			if (!pthread_getspecific(key)) {
				pthread_setspecific(key, (void *)(round + 1));
				break;
			}
}

static void live()
{
	local.value = 1;
	for (pthread_key_t key : keys)
		pthread_setspecific(key, (void *)1);
	std::lock_guard<std::mutex> guard(mutex);
}

int main()
{
	for (pthread_key_t &key : keys)
		EXPECT(pthread_key_create(&key, end_key) == 0);
	for (int i = 0; i < 500; i++)
		std::thread(live).join();
	EXPECT(ended_locals == 500);
	std::lock_guard<std::mutex> guard(mutex);
	printf("%d locals and %d values ended\n", ended_locals, ended_keys);
	return 0;
}
