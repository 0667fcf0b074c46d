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

Test(demangle, gives_rust_names_without_hash_and_codes)
{
	expect(demangle_symbol("_ZN4core3ops8function6FnOnce9call_once17h338002b76e80254fE"),
	       "core::ops::function::FnOnce::call_once");
	expect(demangle_symbol("_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17hdd97621dd23472afE"),
	       "std::rt::lang_start::{{closure}}");
	expect(demangle_symbol(
	           "_ZN55_$LT$app..Cache$LT$T$GT$$u20$as$u20$core..ops..Drop$GT$4drop17h0123456789abcdefE"),
	       "<app::Cache<T> as core::ops::Drop>::drop");
	expect(demangle_symbol("_ZN3app6$u61$$17h0123456789abcdefE"), "app::a$");
	expect(demangle_symbol("_ZN3app5$odd$17h0123456789abcdefE"), "app::$odd$");
}

Test(demangle, leaves_names_that_only_look_like_rust)
{
	expect(demangle_symbol("_ZN3app5hdrawE"), "app::hdraw");
	expect(demangle_symbol("_ZN3app17h0123456789ABCDEFE"), "app::h0123456789ABCDEF");
	expect(demangle_symbol("_Read"), "_Read");
}

Test(demangle, gives_rust_names_of_the_newer_mangling)
{
	expect(demangle_symbol("_RNvCs1234_3app4main"), "app::main");
	expect(demangle_symbol("_RNCNvC3app4main0"), "app::main::{closure#0}");
	expect(demangle_symbol("_RNvMs_NtC3app5cacheINtB4_5CachemE4read"), "<app::cache::Cache<u32>>::read");
	expect(demangle_symbol("_RNvXs_NtC3app5cacheNtB4_5CacheNtNtC4core3ops4Drop4drop"),
	       "<app::cache::Cache as core::ops::Drop>::drop");
	expect(demangle_symbol("_RINvNtC3std3mem8align_ofjdE.llvm.1234"), "std::mem::align_of::<usize, f64>");
	expect(demangle_variable("_RNvC3app5CACHE"), "app::CACHE");
}
