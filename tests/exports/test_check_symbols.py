"""The checker must see what it is there for."""
import unittest

from check_symbols import check_exports, check_imports, dynamic_symbols, hook_names, read_whitelist

TABLE = """
/* HOOK(int, commented, (void), ()) */
#define HOOK_JUMP(ret, name)
HOOK(int, one, (pthread_mutex_t * m), (m))
HOOK(void, two, (void), ())
HOOK_JUMP(pid_t, three)
HOOK_NAME(four)
HOOK_SPECIAL(void, five, (int status), (status))
LIBC(family, struct tm *, six, (const time_t *time), (time))
LIBC_VOID(family, seven, (void), ())
#undef HOOK
"""


class HookNames(unittest.TestCase):
    def test_reads_every_kind_of_row(self):
        self.assertEqual(hook_names(TABLE), ["one", "two", "three", "four", "five", "six", "seven"])


class DynamicSymbols(unittest.TestCase):
    def test_tells_defined_from_undefined(self):
        output = "0000000000001000 T fork\n                 U dlsym@GLIBC_2.34\n                 w __gmon_start__\n" \
                 "0000000000002000 W weak\n"
        self.assertEqual(dynamic_symbols(output), ({"fork", "weak"}, {"dlsym", "__gmon_start__"}))


class Exports(unittest.TestCase):
    def test_passes_the_same(self):
        self.assertEqual(check_exports({"a", "b"}, ["b", "a"]), [])

    def test_names_what_is_missing(self):
        self.assertEqual(check_exports({"a"}, ["a", "b"]),
                         ["b is in hooks.def and not exported: write its wrapper with HOOK_EXPORT"])

    def test_names_what_is_too_many(self):
        self.assertEqual(check_exports({"a", "b"}, ["a"]),
                         ["b is exported and not in hooks.def: add its row, or make it static or hidden"])

    def test_names_a_row_that_stands_twice(self):
        self.assertEqual(check_exports({"a"}, ["a", "a"]), ["a stands twice in hooks.def: remove one row"])


class Imports(unittest.TestCase):
    def check(self, undefined, whitelist):
        return check_imports(set(undefined), *read_whitelist(whitelist))

    def test_passes_the_same(self):
        self.assertEqual(self.check(["dlsym"], "# why\ndlsym # because\nmemcpy?\n"), [])
        self.assertEqual(self.check(["dlsym", "memcpy"], "dlsym\nmemcpy?\n"), [])

    def test_names_what_is_new(self):
        self.assertEqual(len(self.check(["dlsym", "strtol"], "dlsym")), 1)

    def test_names_what_is_gone(self):
        self.assertEqual(self.check([], "dlsym"), ["dlsym is in imports.txt and no longer imported: remove it there"])

    def test_forbids_what_no_whitelist_may_allow(self):
        for name in ["malloc", "free", "printf", "__snprintf_chk", "fopen", "stderr", "pthread_mutex_lock",
                     "pthread_cond_wait", "sigaction", "pthread_create", "dl_iterate_phdr", "backtrace", "getenv",
                     "_Unwind_Backtrace", "__stack_chk_fail", "abort", "fork"]:
            self.assertIn("the library must not import it", self.check([name], name)[0], name)

    def test_forbids_no_neighbour(self):
        for name in ["pthread_self", "pthread_key_create", "memcpy", "strerrordesc_np", "__errno_location", "dlsym"]:
            self.assertEqual(self.check([name], name), [], name)


if __name__ == "__main__":
    unittest.main()
