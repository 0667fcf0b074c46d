/* OpenSSL makes its random numbers under locks that fork leaves as they were. Threads of the parent seed the
 * generator; whether a fork meets them inside is chance, so children are forked until one does not come back.
 * usage: openssl_random CHILDREN */
#include <openssl/rand.h>
#include <pthread.h>
#include "child.h"

static void *seed(void *unused)
{
	for (;;)
		RAND_poll();
	return unused;
}

static void make_key(void)
{
	unsigned char key[32];

	RAND_poll();
	RAND_bytes(key, sizeof(key));
}

int main(int count, char **arguments)
{
	pthread_t thread;
	int end = 0;

	make_key();
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, seed, NULL))
			return 99;
	for (int children = count > 1 ? atoi(arguments[1]) : 1; children > 0 && !end; children--) {
		pid_t pid = fork();
		if (pid == 0) {
			make_key();
			_exit(0);
		}
		end = child_end(pid);
	}
	printf("child ended with %d\n", end);
	fflush(stdout);
	_exit(0); /* exit() would take OpenSSL away under its threads */
}
