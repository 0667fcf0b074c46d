#include <criterion/criterion.h>
#include <stdlib.h>

#include "demangle.h"

/* Compares and frees. */
static void expect(char *actual, const char *expected)
{
	cr_assert_not_null(actual);
	cr_assert_str_eq(actual, expected);
	free(actual);
}

Test(demangle, leaves_c_names_alone)
{
	expect(demangle_symbol("worker_main"), "worker_main");
	expect(demangle_symbol("_start"), "_start");
	expect(demangle_symbol(""), "");
	expect(demangle_symbol("_Znonsense"), "_Znonsense");
}

Test(demangle, gives_cxx_names_with_parameters)
{
	expect(demangle_symbol("_ZN3app5Cache3putEi"), "app::Cache::put(int)");
	expect(demangle_symbol("_ZN12_GLOBAL__N_15guardE"), "(anonymous namespace)::guard");
}

Test(demangle, drops_versions_and_suffixes_of_copies)
{
	expect(demangle_symbol("pthread_create@@GLIBC_2.34"), "pthread_create");
	expect(demangle_symbol("walk.part.0"), "walk");
	expect(demangle_symbol("walk.constprop.0.isra.0"), "walk");
	expect(demangle_symbol("_ZN3app5Cache3putEi.cold"), "app::Cache::put(int)");
	expect(demangle_symbol("odd.name"), "odd.name");
}

Test(demangle, gives_static_variables_of_functions_without_their_number)
{
	expect(demangle_variable("cache_mutex"), "cache_mutex");
	expect(demangle_variable("lock.1"), "lock");
	expect(demangle_variable("get_cache.lock"), "get_cache()::lock");
	expect(demangle_variable("get_cache.lock.2"), "get_cache()::lock");
	expect(demangle_variable("_ZZ3getvE4lock"), "get()::lock");
	expect(demangle_variable("lock2"), "lock2");
}
