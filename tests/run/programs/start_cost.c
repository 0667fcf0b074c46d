/* start_cost LIBRARY: runs itself without and with the library preloaded, and counts machine instructions and
 * system calls from exec to the end, which do not depend on how busy the machine is. Prints what the library
 * adds:
 *
 *   instructions 67000
 *   system_calls 16
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_self(char *const environment[])
{
	char *const arguments[] = {"start_cost", NULL};
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execve("/proc/self/exe", arguments, environment);
	_exit(127);
}

/* How often it stops on its way. */
static long count_stops(int request, char *const environment[])
{
	int status = 0;
	long count = 0;
	pid_t child = fork();
	if (child == 0)
		run_self(environment);
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		if (count++ == 0)
			ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_EXITKILL);
		if (ptrace((enum __ptrace_request)request, child, NULL, NULL) != 0)
			break;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "start_cost: cannot follow a process: %s\n", strerror(errno));
		exit(77);
	}
	return count;
}

int main(int argc, char *argv[])
{
	if (argc < 2)
		return 0; /* the program that is looked at */
	char preload[4096];
	snprintf(preload, sizeof preload, "LD_PRELOAD=%s", argv[1]);
	char *const with[] = {preload, NULL}, *const without[] = {"NOTHING=", NULL};
	printf("instructions %ld\n",
	       count_stops(PTRACE_SINGLESTEP, with) - count_stops(PTRACE_SINGLESTEP, without));
	/* It stops at the entry and at the return of each. */
	printf("system_calls %ld\n",
	       (count_stops(PTRACE_SYSCALL, with) - count_stops(PTRACE_SYSCALL, without)) / 2);
	return 0;
}
