/* Prints what each intercepted call returns and what it leaves in errno: in a process with one thread, in one
 * with two, in the children of both. Calls that report by their result must leave errno alone. */
#include "case.h"
#include <limits.h>
#include <sys/mman.h>
#include <threads.h>

enum { UNTOUCHED = 4242 };

#define SHOW(call)                                                                                           \
	do {                                                                                                 \
		errno = UNTOUCHED;                                                                           \
		long result_ = (long)(call);                                                                 \
		int errno_ = errno;                                                                          \
		printf("%s: %s = %ld, errno %d\n", where, #call, result_, errno_);                           \
	} while (0)

static const struct timespec long_ago = {.tv_sec = 1};
static const struct timespec malformed = {.tv_sec = INT_MAX, .tv_nsec = -1};

static void show_type(const char *where, int type, int robust)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;

	SHOW(pthread_mutexattr_init(&attributes));
	SHOW(pthread_mutexattr_settype(&attributes, type));
	SHOW(pthread_mutexattr_setrobust(&attributes, robust));
	SHOW(pthread_mutex_init(&mutex, &attributes));
	SHOW(pthread_mutex_lock(&mutex));
	SHOW(pthread_mutex_trylock(&mutex));
	SHOW(pthread_mutex_timedlock(&mutex, &long_ago));
	SHOW(pthread_mutex_timedlock(&mutex, &malformed));
	SHOW(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &long_ago));
	SHOW(pthread_mutex_clocklock(&mutex, 77, &long_ago));
	SHOW(pthread_mutex_consistent(&mutex));
	SHOW(pthread_mutex_destroy(&mutex));
	for (int i = 0; i < 6 && pthread_mutex_unlock(&mutex) == 0 && type == PTHREAD_MUTEX_RECURSIVE; i++)
		printf("%s: unlocked\n", where);
	if (type == PTHREAD_MUTEX_ERRORCHECK)
		SHOW(pthread_mutex_unlock(&mutex));
	SHOW(pthread_mutex_destroy(&mutex));
}

static void show_conditions(const char *where)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	mtx_t c11_mutex;
	cnd_t c11_condition;

	SHOW(pthread_mutex_lock(&mutex));
	SHOW(pthread_cond_timedwait(&condition, &mutex, &long_ago));
	SHOW(pthread_cond_timedwait(&condition, &mutex, &malformed));
	SHOW(pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &long_ago));
	SHOW(pthread_mutex_unlock(&mutex));
	SHOW(mtx_init(&c11_mutex, mtx_timed | mtx_recursive));
	SHOW(cnd_init(&c11_condition));
	SHOW(mtx_lock(&c11_mutex));
	SHOW(mtx_trylock(&c11_mutex));
	SHOW(mtx_timedlock(&c11_mutex, &long_ago));
	SHOW(mtx_unlock(&c11_mutex));
	SHOW(mtx_unlock(&c11_mutex));
	SHOW(cnd_timedwait(&c11_condition, &c11_mutex, &long_ago));
	SHOW(mtx_unlock(&c11_mutex));
	SHOW(mtx_unlock(&c11_mutex));
	mtx_destroy(&c11_mutex);
	cnd_destroy(&c11_condition);
}

static void *nothing(void *argument)
{
	return argument;
}

static void show_threads(const char *where)
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *result = NULL;

	SHOW(pthread_create(&thread, NULL, nothing, (void *)7));
	SHOW(pthread_join(thread, &result));
	SHOW((long)result);
	SHOW(pthread_attr_init(&attributes));
	SHOW(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN));
	SHOW(pthread_create(&thread, &attributes, nothing, (void *)8));
	SHOW(pthread_join(thread, &result));
	SHOW((long)result);
}

static int child_function(void *argument)
{
	return *(int *)argument;
}

static void show_processes(const char *where)
{
	static _Alignas(16) char stack[64 * 1024];
	int status = 0, code = 9;
	pid_t pid;

	SHOW(syscall(-1));
	SHOW(syscall(SYS_close, -1));
	SHOW(syscall(SYS_gettid) == gettid());
	SHOW(syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) > 0);
	SHOW(clone(child_function, NULL, SIGCHLD, &code));
	SHOW((pid = clone(child_function, stack + sizeof(stack), SIGCHLD, &code)) > 0);
	SHOW(waitpid(pid, &status, 0) == pid);
	SHOW(status);
	SHOW((pid = clone(child_function, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &code)) >
	     0);
	SHOW(waitpid(pid, &status, 0) == pid);
	SHOW(status);
	SHOW(execl("/nonexistent", "nonexistent", (char *)NULL));
	SHOW(execlp("nonexistent", "nonexistent", (char *)NULL));
	SHOW(execl("/", "root", (char *)NULL));
	SHOW(execl("/etc/passwd", "passwd", (char *)NULL));
	SHOW(fexecve(-1, (char *[]){(char *)"x", NULL}, environ));
	SHOW(chroot("/nonexistent"));
	SHOW(setuid(getuid()));
	SHOW(seteuid(geteuid()));
}

static void show_all(const char *where)
{
	show_type(where, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	show_type(where, PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_STALLED);
	show_type(where, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED);
	show_type(where, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);
	show_type(where, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ROBUST);
	show_conditions(where);
	show_threads(where);
	show_processes(where);
	fflush(stdout);
}

static void show_fork(const char *where, const char *where_in_child)
{
	pid_t pid;

	errno = UNTOUCHED;
	pid = fork();
	printf("%s: errno after fork %d\n", pid ? where : where_in_child, errno);
	if (pid == 0) {
		show_all(where_in_child);
		_exit(0);
	}
	child_succeed(pid);
	show_all(where);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread;

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	fflush(stdout);
	show_fork("one thread", "its child");
	thread = worker_start(worker);
	show_fork("two threads", "their child");
	worker_finish(thread);
	return 0;
}
