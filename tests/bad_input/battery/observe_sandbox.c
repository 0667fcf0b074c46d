/* What calls come to in a sandbox that allows no system call but those that they make themselves: the
 * kernel ends who makes another. Each in a child of its own, from a process with and without threads. */
#include "case.h"

#include <semaphore.h>
#include <sys/mman.h>

#include "../strict_seccomp.h"

enum { MANY = 20000 };

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, many[MANY];
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t *shared_barrier;

static void enter_sandbox(void)
{
	struct sock_filter rules[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    ALLOWED(SYS_write),
	    ALLOWED(SYS_futex),
	    ALLOWED(SYS_exit_group),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = {sizeof(rules) / sizeof(*rules), rules};

	free(malloc(1 << 16)); /* what libc asks the kernel for by and by, it asks now */
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&held) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&held) == 0);
	return NULL;
}

static void leave_by_exit(void)
{
	exit(0);
}

static void leave_by_quick_exit(void)
{
	quick_exit(0);
}

static void hold_many(void)
{
	for (int i = 0; i < MANY; i++)
		CHECK(pthread_mutex_lock(&many[i]) == 0);
	for (int i = 0; i < MANY; i++)
		CHECK(pthread_mutex_unlock(&many[i]) == 0);
}

static void initialise_many(void)
{
	for (int i = 0; i < MANY; i++)
		CHECK(pthread_mutex_init(&many[i], NULL) == 0);
}

static void meet_parent(void)
{
	pthread_barrier_wait(shared_barrier);
}

static void try_again_and_again(void)
{
	for (int i = 0; i < 100; i++)
		pthread_mutex_trylock(&held);
}

static void use_each_kind(void)
{
	sem_t semaphore;
	pthread_spinlock_t spinlock;

	CHECK(pthread_rwlock_wrlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
	CHECK(sem_init(&semaphore, 0, 1) == 0 && sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0);
	CHECK(pthread_spin_init(&spinlock, 0) == 0 && pthread_spin_lock(&spinlock) == 0);
	CHECK(pthread_spin_unlock(&spinlock) == 0 && sem_destroy(&semaphore) == 0);
	srandom(1);
	CHECK(setenv("NAME", "value", 1) == 0);
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
    {"exit", leave_by_exit},        {"quick_exit", leave_by_quick_exit},
    {"many locks held", hold_many}, {"many locks initialised", initialise_many},
    {"a barrier", meet_parent},     {"tries", try_again_and_again},
    {"each kind", use_each_kind},
};

static void observe(const char *who)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			enter_sandbox();
			calls[i].call();
			_exit(0);
		}
		if (calls[i].call == meet_parent &&
		    wait_until_blocked(pid, pid, shared_barrier, sizeof *shared_barrier))
			pthread_barrier_wait(shared_barrier);
		printf("%s, %s: %x\n", who, calls[i].name, child_reap(pid));
		fflush(stdout);
	}
}

int main(void)
{
	pthread_barrierattr_t attributes;
	pthread_t thread;

	shared_barrier =
	    mmap(NULL, sizeof *shared_barrier, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared_barrier != MAP_FAILED);
	CHECK(pthread_barrierattr_init(&attributes) == 0);
	CHECK(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_barrier_init(shared_barrier, &attributes, 2) == 0);
	observe("child of one thread");
	thread = worker_start(worker);
	observe("child of two threads");
	worker_finish(thread);
	return 0;
}
