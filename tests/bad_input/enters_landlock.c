/* The program gives up all access to files by Landlock, as xz does, before it has threads or forks. What its
 * child meets is recorded all the same. On a kernel without Landlock it is an ordinary hazard.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal table_mutex
 *   holder: acquired_at=table_write<worker start_routine=worker created_at=worker_start<main
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=table_read<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void table_write(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
	CHECK(pthread_mutex_unlock(&table_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	table_write();
	return NULL;
}

static void give_up_files(void)
{
	struct landlock_ruleset_attr denied = {
	    .handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
	                         LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
	                         LANDLOCK_ACCESS_FS_MAKE_DIR,
	};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &denied, sizeof denied, 0);
	if (rules < 0)
		return;
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(syscall(SYS_landlock_restrict_self, rules, 0) == 0);
	CHECK(open("/proc/self/maps", O_RDONLY) < 0 && errno == EACCES);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	give_up_files();
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		table_read();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
