/* Coroutines on stacks of their own, which hold locks over their switches; their stacks come and go. */
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "guest.h"

enum { COROUTINES = 8, GENERATIONS = 200, SWITCHES = 10, STACK_SIZE_BYTES = 64 << 10 };

static ucontext_t scheduler, context[COROUTINES];
static pthread_mutex_t mutexes[COROUTINES];
static int finished;

static void work(int id)
{
	for (int i = 0; i < SWITCHES; i++) {
		EXPECT(pthread_mutex_lock(&mutexes[id]) == 0);
		EXPECT(swapcontext(&context[id], &scheduler) == 0);
		EXPECT(pthread_mutex_unlock(&mutexes[id]) == 0);
	}
	finished++;
}

static void fork_among_them(void)
{
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < COROUTINES; i++)
			EXPECT(pthread_mutex_trylock(&mutexes[i]) == EBUSY);
		_exit(0);
	}
	guest_wait(child);
}

static void run_generation(int number)
{
	char *stacks = mmap(NULL, COROUTINES * STACK_SIZE_BYTES, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(stacks != MAP_FAILED);
	finished = 0;
	for (int i = 0; i < COROUTINES; i++) {
		EXPECT(getcontext(&context[i]) == 0);
		context[i].uc_stack.ss_sp = stacks + i * STACK_SIZE_BYTES;
		context[i].uc_stack.ss_size = STACK_SIZE_BYTES;
		context[i].uc_link = &scheduler;
		makecontext(&context[i], (void (*)(void))work, 1, i);
	}
	for (int turn = 0; turn <= SWITCHES; turn++) {
		for (int i = 0; i < COROUTINES; i++)
			EXPECT(swapcontext(&scheduler, &context[i]) == 0);
		if (number % 50 == 0 && turn == 5)
			fork_among_them();
	}
	EXPECT(finished == COROUTINES);
	EXPECT(munmap(stacks, COROUTINES * STACK_SIZE_BYTES) == 0);
}

static void *run(void *argument)
{
	for (int i = 0; i < COROUTINES; i++)
		pthread_mutex_init(&mutexes[i], NULL);
	for (int i = 0; i < GENERATIONS; i++)
		run_generation(i);
	return argument;
}

int main(void)
{
	pthread_t thread;

	run(NULL);
	EXPECT(pthread_create(&thread, NULL, run, NULL) == 0);
	EXPECT(pthread_join(thread, NULL) == 0);
	puts("switched and came back");
	return 0;
}
