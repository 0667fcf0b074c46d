/* Names that threads give themselves and each other. */
#include <pthread.h>
#include <sys/prctl.h>

#include "guest.h"

static pthread_barrier_t barrier;

static void expect_name(const char *expected)
{
	char name[16] = "", by_prctl[16] = "";

	EXPECT(pthread_getname_np(pthread_self(), name, sizeof(name)) == 0);
	EXPECT(prctl(PR_GET_NAME, by_prctl) == 0);
	EXPECT(strcmp(name, expected) == 0);
	EXPECT(strcmp(by_prctl, expected) == 0);
}

static void *live(void *argument)
{
	expect_name("thread_names");
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	expect_name("by_creator");
	EXPECT(prctl(PR_SET_NAME, "a name that is cut off") == 0);
	expect_name("a name that is ");
	EXPECT(pthread_setname_np(pthread_self(), "") == 0);
	expect_name("");
	return argument;
}

int main(void)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	EXPECT(pthread_create(&thread, NULL, live, NULL) == 0);
	pthread_barrier_wait(&barrier);
	EXPECT(pthread_setname_np(thread, "a name that is too long") == ERANGE);
	EXPECT(pthread_setname_np(thread, "by_creator") == 0);
	pthread_barrier_wait(&barrier);
	EXPECT(pthread_join(thread, NULL) == 0);
	expect_name("thread_names");
	puts("names are as set");
	return 0;
}
