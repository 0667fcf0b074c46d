/* Forks one child for each kind of wait that nobody is left to end: standstill
 *
 * A worker lives while main forks. Prints the kind, the pid and the signal that ended it for each child, on a
 * line of its own, and ends well: what happens to the children is no fault of main's.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct condition {
	pthread_mutex_t mutex;
	pthread_cond_t signalled;
};

/* As C++ makes its condition variables: no call initialises them. */
struct queue {
	const char *name;
	const int *limit;
	struct condition not_full;
};

static pthread_barrier_t ready, never_full;
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static struct condition in_data = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
static struct condition *on_heap;
static struct queue *plain_on_heap;
static sem_t zero, *zero_on_heap;
static sem_t *volatile head;
static int word;

static void condition_init(struct condition *condition)
{
	pthread_mutex_init(&condition->mutex, NULL);
	pthread_cond_init(&condition->signalled, NULL);
}

__attribute__((noinline)) static void condition_wait(struct condition *condition)
{
	pthread_mutex_lock(&condition->mutex);
	for (;;)
		pthread_cond_wait(&condition->signalled, &condition->mutex);
}

static void cond_static(void)
{
	condition_wait(&in_data);
}

static void cond_heap_before(void)
{
	condition_wait(on_heap);
}

static struct queue *queue_new(void)
{
	struct queue *queue = malloc(sizeof(*queue));

	*queue = (struct queue){"jobs", &word, {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER}};
	return queue;
}

static void cond_plain_before(void)
{
	condition_wait(&plain_on_heap->not_full);
}

static void cond_plain_after(void)
{
	condition_wait(&queue_new()->not_full);
}

static void cond_heap_after(void)
{
	struct condition *condition = malloc(sizeof(*condition));

	condition_init(condition);
	condition_wait(condition);
}

static void cond_stack_after(void)
{
	struct condition condition;

	condition_init(&condition);
	condition_wait(&condition);
}

static void sem_static(void)
{
	sem_wait(&zero);
}

static void sem_heap_before(void)
{
	sem_wait(zero_on_heap);
}

static void sem_stack_after(void)
{
	sem_t semaphore;

	sem_init(&semaphore, 0, 0);
	sem_wait(&semaphore);
}

static void sem_in_queue(void)
{
	sem_t own;

	sem_init(&own, 0, 0);
	head = &own;
	sem_wait(&own);
}

static void sem_taken_twice(void)
{
	sem_t semaphore;

	sem_init(&semaphore, 0, 1);
	sem_wait(&semaphore);
	sem_wait(&semaphore);
}

static void barrier_before(void)
{
	pthread_barrier_wait(&never_full);
}

static void barrier_after(void)
{
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_barrier_wait(&barrier);
}

static void mutex_twice(void)
{
	pthread_mutex_lock(&first);
	pthread_mutex_lock(&first);
}

static void rwlock_twice(void)
{
	pthread_rwlock_rdlock(&table);
	pthread_rwlock_wrlock(&table);
}

static void futex_static(void)
{
	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void futex_after(void)
{
	int *own = calloc(1, sizeof(*own));

	for (;;)
		syscall(SYS_futex, own, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void *end_holding(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

static void mutex_of_ended_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, end_holding, &first);
	pthread_join(thread, NULL);
	pthread_mutex_lock(&first);
}

static void *take_other_way(void *unused)
{
	pthread_mutex_lock(&second);
	pthread_barrier_wait(&ready);
	pthread_mutex_lock(&first);
	return unused;
}

static void circle(void)
{
	pthread_t thread;

	pthread_barrier_init(&ready, NULL, 2);
	pthread_mutex_lock(&first);
	pthread_create(&thread, NULL, take_other_way, NULL);
	pthread_barrier_wait(&ready);
	pthread_mutex_lock(&second);
}

static void *wait_in_thread(void *unused)
{
	sem_static();
	return unused;
}

static void join_of_stuck(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, wait_in_thread, NULL);
	pthread_join(thread, NULL);
}

static const struct {
	const char *name;
	void (*wait)(void);
} kinds[] = {
#define KIND(name)                                                                                           \
	{                                                                                                    \
#name, name                                                                                  \
	}
    KIND(cond_static),    KIND(cond_heap_before),  KIND(cond_heap_after),       KIND(cond_stack_after),
    KIND(sem_static),     KIND(sem_heap_before),   KIND(sem_stack_after),       KIND(sem_taken_twice),
    KIND(barrier_before), KIND(barrier_after),     KIND(mutex_twice),           KIND(rwlock_twice),
    KIND(futex_static),   KIND(futex_after),       KIND(mutex_of_ended_thread), KIND(circle),
    KIND(join_of_stuck),  KIND(cond_plain_before), KIND(cond_plain_after),      KIND(sem_in_queue),
#undef KIND
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static void *worker(void *unused)
{
	pthread_barrier_wait(&ready);
	for (;;)
		pause();
	return unused;
}

int main(void)
{
	pid_t pids[KINDS];
	pthread_t thread;
	int status;

	on_heap = malloc(sizeof(*on_heap));
	zero_on_heap = malloc(sizeof(*zero_on_heap));
	plain_on_heap = queue_new();
	condition_init(on_heap);
	sem_init(&zero, 0, 0);
	sem_init(zero_on_heap, 0, 0);
	pthread_barrier_init(&never_full, NULL, 2);
	pthread_barrier_init(&ready, NULL, 2);
	pthread_create(&thread, NULL, worker, NULL);
	pthread_barrier_wait(&ready);
	for (int i = 0; i < KINDS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			kinds[i].wait();
			_exit(1);
		}
	}
	for (int i = 0; i < KINDS; i++) {
		waitpid(pids[i], &status, 0);
		printf("%s %d %d\n", kinds[i].name, (int)pids[i], WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
	return 0;
}
