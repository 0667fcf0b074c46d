/* The child becomes nobody and executes a program. The trace folder is root's own, and closed to it: the
 * report says so, and the program's standard error stays its own.
 *
 * expect: nothing
 * notice: exec-as-stranger
 * needs: root
 * exit: 0
 */
#include "case.h"

static void execute_as_nobody(char *self)
{
	char *arguments[] = {self, (char *)"again", NULL};

	CHECK(setresuid(65534, 65534, 65534) == 0);
	execv("/proc/self/exe", arguments);
	_exit(1);
}

/* What the loader may say is not ours: it cannot always read the library as nobody. */
static void check_silence(int end)
{
	char said[4096];
	size_t size_bytes = 0;
	ssize_t count;

	while ((count = read(end, said + size_bytes, sizeof said - 1 - size_bytes)) > 0)
		size_bytes += (size_t)count;
	said[size_bytes] = 0;
	CHECK(!strstr(said, "recorded"));
}

int main(int argc, char **argv)
{
	int ends[2];
	pid_t pid;

	if (argc > 1)
		return 0;
	CHECK(pipe(ends) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(dup2(ends[1], STDERR_FILENO) >= 0);
		execute_as_nobody(argv[0]);
	}
	CHECK(close(ends[1]) == 0);
	check_silence(ends[0]);
	child_reap(pid);
	return 0;
}
