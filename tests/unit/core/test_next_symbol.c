#include <criterion/criterion.h>
#include <dlfcn.h>
#include <malloc.h>

#include "next_symbol.h"

static const char *const hooks[] = {
#define HOOK(ret, name, params, args) #name,
#define HOOK_JUMP(ret, name)          #name,
#include "hooks.def"
#undef HOOK
#undef HOOK_JUMP
};

Test(next_symbol, finds_each_original_as_the_loader_does)
{
	for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++) {
		void *expected = dlsym(RTLD_NEXT, hooks[i]);
		/* glibc before 2.36 hands out the oldest version. */
		void *renewed = dlvsym(RTLD_NEXT, hooks[i], "GLIBC_2.3.2");
		void *found = next_symbol_find(hooks[i]);
		cr_expect(found && (found == expected || found == renewed), "%s: %p, %p", hooks[i], found,
		          expected);
	}
}

Test(next_symbol, asks_functions_that_choose_their_code)
{
	static const char *const chosen[] = {"memcpy", "strlen", "time", "gettimeofday"};
	for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++)
		cr_expect_eq(next_symbol_find(chosen[i]), dlsym(RTLD_NEXT, chosen[i]), "%s", chosen[i]);
}

Test(next_symbol, finds_nothing_without_an_allocation)
{
	struct mallinfo2 before = mallinfo2();
	void *found = next_symbol_find("no_library_has_this");
	struct mallinfo2 after = mallinfo2();
	cr_expect_null(found);
	cr_expect_eq(before.uordblks, after.uordblks);
}

Test(next_symbol, tells_libc_from_others)
{
	static const char other[] = "criterion_run_all_tests";
	cr_expect_not_null(next_symbol_find_in_libc("gnu_get_libc_version"));
	cr_expect_not_null(next_symbol_find(other));
	cr_expect_null(next_symbol_find_in_libc(other));
}
