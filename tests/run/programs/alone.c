/* Starts a daemon that lives until its pipe closes, and ends: alone. The daemon keeps file descriptor 3,
 * whose other end the test holds. Prints the daemon's pid. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char byte;
	pid_t pid = fork();

	if (pid > 0) {
		printf("%d\n", (int)pid);
		return 4;
	}
	setsid();
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	while (read(3, &byte, 1) > 0)
		;
	return 0;
}
