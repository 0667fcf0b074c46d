/* As Criterion's own main(), but the runner ends without a look for leaks: it leaks at times itself, and has
 * threads that LeakSanitizer would have to stop. Each test is looked at where it ran: its process never comes
 * here. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	struct criterion_test_set *tests = criterion_initialize();
	int passed = 1;

	criterion_options.timeout = 120; /* one that hangs is named, and the others run */
	if (criterion_handle_args(argc, argv, true))
		passed = criterion_run_all_tests(tests);
	criterion_finalize(tests);
	fflush(NULL);
	_exit(passed ? 0 : 1);
}
