/* What the C programs here share: the parent waits for its child and says how it ended. */
#include <dirent.h>
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

/* Returns once every other thread of the program sleeps on a futex. */
static inline void wait_until_others_sleep(void)
{
	enum { FUTEX = 202 };
	char path[300];
	int awake;

	do {
		DIR *threads = opendir("/proc/self/task");
		struct dirent *thread;

		awake = 0;
		while ((thread = readdir(threads))) {
			long number = -1;

			snprintf(path, sizeof(path), "/proc/self/task/%s/syscall", thread->d_name);
			FILE *file = atoi(thread->d_name) && atoi(thread->d_name) != getpid()
			                 ? fopen(path, "r")
			                 : NULL;
			if (file && (fscanf(file, "%ld", &number) != 1 || number != FUTEX))
				awake = 1;
			if (file)
				fclose(file);
		}
		closedir(threads);
	} while (awake);
}
