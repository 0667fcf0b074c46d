/* The program execs itself with an empty environment, so the library is not loaded any more: tracing ends
 * there, and the report says so. What the new image does goes unseen; it must still run as it would.
 *
 * expect: nothing
 * notice: exec-without-library
 * exit: 0
 */
#include "case.h"

int main(int argc, char **argv)
{
	char *arguments[] = {argv[0], (char *)"again", NULL}, *nothing[] = {NULL};

	if (argc == 1) {
		execve("/proc/self/exe", arguments, nothing);
		CHECK(!"execve returned");
	}
	CHECK(environ[0] == NULL);
	return 0;
}
