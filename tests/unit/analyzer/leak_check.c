#include <stdlib.h>

/* LeakSanitizer asks before it looks. Criterion runs each test in a process of its own, which BoxFort tells
 * so by this variable; the runner, the same program, leaks at times by itself. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return getenv("BXFI_MAP") == NULL;
}
