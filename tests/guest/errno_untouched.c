/* No wrapper touches errno, and what libc sets comes through. */
#include <dlfcn.h>
#include <linux/sched.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>

#include "guest.h"

enum { MARK = 4711 };

/* The call leaves errno as it was. */
#define KEEPS(call)                                                                                          \
	do {                                                                                                 \
		errno = MARK;                                                                                \
		call;                                                                                        \
		EXPECT(errno == MARK);                                                                       \
	} while (0)
/* The call fails, and errno tells why. */
#define SETS(call, error)                                                                                    \
	do {                                                                                                 \
		errno = MARK;                                                                                \
		EXPECT((call) == -1);                                                                        \
		EXPECT(errno == (error));                                                                    \
	} while (0)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static const struct timespec past = {.tv_sec = 1};

static void use_mutexes(void)
{
	pthread_mutex_t made;
	int result = 0;

	KEEPS(result = pthread_mutex_init(&made, NULL));
	EXPECT(result == 0);
	KEEPS(pthread_mutex_lock(&made));
	KEEPS(result = pthread_mutex_trylock(&made));
	EXPECT(result == EBUSY);
	KEEPS(result = pthread_mutex_timedlock(&made, &past));
	EXPECT(result == ETIMEDOUT);
	KEEPS(result = pthread_mutex_clocklock(&made, CLOCK_MONOTONIC, &past));
	EXPECT(result == ETIMEDOUT);
	KEEPS(result = pthread_cond_timedwait(&condition, &made, &past));
	EXPECT(result == ETIMEDOUT);
	KEEPS(result = pthread_cond_clockwait(&condition, &made, CLOCK_MONOTONIC, &past));
	EXPECT(result == ETIMEDOUT);
	KEEPS(result = pthread_mutex_destroy(&made));
	EXPECT(result == EBUSY);
	KEEPS(pthread_mutex_unlock(&made));
	KEEPS(result = pthread_mutex_consistent(&made));
	EXPECT(result == EINVAL);
	KEEPS(result = pthread_mutex_destroy(&made));
	EXPECT(result == 0);
}

static void use_c11(void)
{
	int result = 0;
	mtx_t made;
	cnd_t signal;

	cnd_init(&signal);
	KEEPS(mtx_init(&made, mtx_timed));
	KEEPS(mtx_lock(&made));
	KEEPS(result = mtx_trylock(&made));
	EXPECT(result == thrd_busy);
	KEEPS(result = mtx_timedlock(&made, &past));
	EXPECT(result == thrd_timedout);
	KEEPS(result = cnd_timedwait(&signal, &made, &past));
	EXPECT(result == thrd_timedout);
	KEEPS(mtx_unlock(&made));
	KEEPS(mtx_destroy(&made));
}

static void *start_posix(void *argument)
{
	EXPECT(errno == 0);
	KEEPS(pthread_mutex_lock(&mutex));
	KEEPS(pthread_cond_signal(&condition));
	KEEPS(pthread_mutex_unlock(&mutex));
	return argument;
}

static int start_c11(void *argument)
{
	KEEPS(pthread_mutex_lock(&mutex));
	KEEPS(pthread_mutex_unlock(&mutex));
	(void)argument;
	return 7;
}

static void use_threads(void)
{
	pthread_t posix;
	thrd_t c11;
	int result = 0;

	pthread_mutex_lock(&mutex);
	KEEPS(result = pthread_create(&posix, NULL, start_posix, NULL));
	EXPECT(result == 0);
	KEEPS(result = pthread_cond_wait(&condition, &mutex));
	EXPECT(result == 0);
	pthread_mutex_unlock(&mutex);
	KEEPS(pthread_join(posix, NULL));
	KEEPS(result = thrd_create(&c11, start_c11, NULL));
	EXPECT(result == thrd_success);
	KEEPS(thrd_join(c11, &result));
	EXPECT(result == 7);
	KEEPS(pthread_setname_np(pthread_self(), "guest"));
	KEEPS(prctl(PR_SET_NAME, "guest"));
	SETS(prctl(123456), EINVAL);
}

/* The child meets a lock that nobody can release, so all of the library's work is done there. */
static void use_lock_in_child(void)
{
	int result = 0;

	KEEPS(pthread_mutex_lock(&mutex));
	KEEPS(pthread_mutex_unlock(&mutex));
	KEEPS(result = pthread_mutex_trylock(&held));
	EXPECT(result == EBUSY);
	KEEPS(result = pthread_mutex_timedlock(&held, &past));
	EXPECT(result == ETIMEDOUT);
	KEEPS(result = pthread_mutex_unlock(&held));
	EXPECT(result == 0);
	use_mutexes();
	use_c11();
}

static int run_clone(void *unused)
{
	use_lock_in_child();
	(void)unused;
	return 0;
}

static void end_child(void)
{
	EXPECT(errno == MARK);
	use_lock_in_child();
	_exit(0);
}

static void use_forks(void)
{
	static char stack[256 << 10] __attribute__((aligned(16)));
	struct clone_args arguments = {.exit_signal = SIGCHLD};
	int master;
	pid_t child = 0;

	KEEPS(child = fork());
	if (child == 0)
		end_child();
	guest_wait(child);
	KEEPS(child = _Fork());
	if (child == 0)
		end_child();
	guest_wait(child);
	KEEPS(child = (pid_t)syscall(SYS_fork));
	if (child == 0)
		end_child();
	guest_wait(child);
	KEEPS(child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments)));
	if (child == 0)
		end_child();
	guest_wait(child);
	KEEPS(child = clone(run_clone, stack + sizeof(stack), SIGCHLD, NULL));
	guest_wait(child);
	KEEPS(child = vfork());
	if (child == 0)
		_exit(0);
	guest_wait(child);
	child = forkpty(&master, NULL, NULL, NULL);
	EXPECT(child >= 0);
	if (child == 0)
		_exit(0);
	guest_wait(child);
	SETS(syscall(SYS_close, -1), EBADF);
}

static void use_programs(void)
{
	char *const arguments[] = {"true", NULL}, *const environment[] = {NULL};
	pid_t child;
	int result;

	SETS(execl("/nowhere", "x", NULL), ENOENT);
	SETS(execle("/nowhere", "x", NULL, environment), ENOENT);
	SETS(execlp("no-such-program", "x", NULL), ENOENT);
	SETS(execv("/nowhere", arguments), ENOENT);
	SETS(execve("/etc", arguments, environment), EACCES);
	SETS(execvp("no-such-program", arguments), ENOENT);
	SETS(execvpe("no-such-program", arguments, environment), ENOENT);
	SETS(fexecve(-1, arguments, environment), EINVAL);
	/* libc itself touches errno here: what it leaves is printed, to be compared. */
	errno = MARK;
	result = posix_spawn(&child, "/nowhere", NULL, NULL, arguments, environment);
	printf("posix_spawn: %d, errno %d\n", result, errno);
	errno = MARK;
	result = posix_spawnp(&child, "true", NULL, NULL, arguments, environment);
	printf("posix_spawnp: %d, errno %d\n", result, errno);
	guest_wait(child);
}

static void use_the_rest(void)
{
	int result = 0;
	void *library = dlopen("libm.so.6", RTLD_NOW);

	EXPECT(library);
	KEEPS(result = dlclose(library));
	EXPECT(result == 0);
	KEEPS(result = pthread_atfork(NULL, NULL, NULL));
	EXPECT(result == 0);
	SETS(chroot("/nowhere"), ENOENT);
	KEEPS(result = setuid(getuid()));
	KEEPS(result = seteuid(geteuid()));
	KEEPS(result = setreuid(-1, -1));
	KEEPS(result = setresuid(-1, -1, -1));
	EXPECT(result == 0);
	SETS(prctl(PR_SET_SECCOMP, 99), EINVAL);
	SETS(syscall(SYS_seccomp, 99, 0, NULL), EINVAL);
}

static void *hold(void *barrier)
{
	pthread_mutex_lock(&held);
	pthread_barrier_wait(barrier);
	pause();
	return NULL;
}

int main(void)
{
	pthread_barrier_t barrier;
	pthread_t holder;

	use_mutexes();
	use_c11();
	use_threads();
	pthread_barrier_init(&barrier, NULL, 2);
	EXPECT(pthread_create(&holder, NULL, hold, &barrier) == 0);
	pthread_barrier_wait(&barrier);
	use_forks();
	use_programs();
	use_the_rest();
	puts("errno is libc's");
	return 0;
}
