/* What the C programs here share: the parent waits for its child and says how it ended. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0, the exit status, or minus the signal. */
static inline int child_end(pid_t pid)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(99);
	}
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static inline void child_say_end(pid_t pid)
{
	printf("child ended with %d\n", child_end(pid));
}
