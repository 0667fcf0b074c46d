/* Prints what a program can see of itself: equal under afterfork, but for what is named in is_ours(). */
#include "case.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <dirent.h>

/* ASAN_OPTIONS: gcc's AddressSanitizer refuses to start after another preloaded library unless told to. */
static int is_ours(const char *variable)
{
	return strncmp(variable, "LD_PRELOAD=", 11) == 0 || strncmp(variable, "AFTERFORK_", 10) == 0 ||
	       strcmp(variable, "ASAN_OPTIONS=verify_asan_link_order=0") == 0;
}

static void print_arguments(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	for (char **variable = environ; *variable; variable++)
		if (!is_ours(*variable))
			printf("environment: %s\n", *variable);
}

static void print_descriptors(void)
{
	struct stat status;

	for (int fd = 0; fd < 1024; fd++)
		if (fstat(fd, &status) == 0)
			printf("descriptor %d: type %o, flags %x %x, terminal %d\n", fd,
			       status.st_mode & S_IFMT, fcntl(fd, F_GETFD), fcntl(fd, F_GETFL), isatty(fd));
}

static void print_signals(void)
{
	struct sigaction action;
	sigset_t blocked;
	stack_t stack;

	CHECK(pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0);
	for (int number = 1; number < NSIG; number++)
		if (sigaction(number, NULL, &action) == 0)
			printf("signal %d: handler %d, flags %x, blocked %d\n", number,
			       action.sa_handler == SIG_DFL   ? 0
			       : action.sa_handler == SIG_IGN ? 1
			                                      : 2,
			       (unsigned)action.sa_flags, sigismember(&blocked, number));
	CHECK(sigaltstack(NULL, &stack) == 0);
	printf("alternate stack: %d\n", stack.ss_flags);
}

static void print_limits(void)
{
	struct rlimit limit;

	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		CHECK(getrlimit((__rlimit_resource_t)resource, &limit) == 0);
		printf("limit %d: %llx %llx\n", resource, (unsigned long long)limit.rlim_cur,
		       (unsigned long long)limit.rlim_max);
	}
}

static void print_attributes(void)
{
	char directory[4096], name[17] = "";
	int reaper = -1;

	umask(umask(0));
	CHECK(getcwd(directory, sizeof(directory)));
	CHECK(prctl(PR_GET_NAME, name) == 0);
	CHECK(prctl(PR_GET_CHILD_SUBREAPER, &reaper) == 0);
	printf("directory: %s\nname: %s\nsubreaper: %d\n", directory, name, reaper);
	printf("dumpable: %d\nno new privileges: %d\nnice: %d\n", prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), getpriority(PRIO_PROCESS, 0));
	printf("users: %d %d %d %d\n", (int)getuid(), (int)geteuid(), (int)getgid(), (int)getegid());
}

static void print_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;

	CHECK(tasks);
	for (struct dirent *entry; (entry = readdir(tasks));)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	printf("threads: %d\n", count);
}

int main(int argc, char **argv)
{
	print_arguments(argc, argv);
	print_descriptors();
	print_signals();
	print_limits();
	print_attributes();
	print_threads();
	return 0;
}
