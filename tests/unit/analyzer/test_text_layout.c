#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "text_layout.h"

/* Compares and frees. */
static void expect(char *actual, const char *expected)
{
	cr_assert_not_null(actual);
	cr_assert_str_eq(actual, expected);
	free(actual);
}

static char *wrap(const char *text, size_t column, size_t indent, size_t width)
{
	char *wrapped = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&wrapped, &size);
	text_layout_wrap(out, text, column, indent, width);
	fclose(out);
	return wrapped;
}

Test(text_layout, wraps_at_spaces)
{
	expect(wrap("one two three", 0, 2, 9), "one two\n  three");
	expect(wrap("one two", 0, 0, 7), "one two");
	expect(wrap("one two", 0, 0, 6), "one\ntwo");
	expect(wrap("one two", 4, 1, 8), "one\n two");
	expect(wrap("", 0, 0, 10), "");
}

Test(text_layout, never_breaks_a_word)
{
	expect(wrap("a pthread_mutex_lock b", 0, 2, 8), "a\n  pthread_mutex_lock\n  b");
}

Test(text_layout, keeps_durations_together)
{
	char duration[TEXT_LAYOUT_DURATION_SIZE], text[64];
	text_layout_duration(duration, 12345678901);
	snprintf(text, sizeof(text), "blocked for %s", duration);
	expect(wrap(text, 0, 0, 17), "blocked for\n12.3 s");
}

static void expect_duration(uint64_t duration_ns, const char *expected)
{
	char duration[TEXT_LAYOUT_DURATION_SIZE];
	text_layout_duration(duration, duration_ns);
	expect(wrap(duration, 0, 0, 80), expected);
}

Test(text_layout, gives_durations_in_fitting_units)
{
	expect_duration(0, "0 ns");
	expect_duration(999, "999 ns");
	expect_duration(1500, "1.5 us");
	expect_duration(250000000, "250 ms");
	expect_duration(999999999, "999 ms");
	expect_duration(1000000000, "1 s");
	expect_duration(59999999999, "59.9 s");
	expect_duration(65000000000, "1 min 5 s");
	expect_duration(7380000000000, "2 h 3 min");
	expect_duration(UINT64_MAX, "5124095 h 34 min");
}

Test(text_layout, makes_control_characters_and_bad_bytes_visible)
{
	expect(text_layout_clean("plain text"), "plain text");
	expect(text_layout_clean("a\tb"), "a b");
	expect(text_layout_clean("\033[31mred\n\x7f"), "\\x1b[31mred\\x0a\\x7f");
	expect(text_layout_clean("\xc3\xa9t\xc3\xa9"), "\xc3\xa9t\xc3\xa9");
	expect(text_layout_clean("\xff\xc3"), "\\xff\\xc3");
	expect(text_layout_clean("\xc0\xaf"), "\\xc0\\xaf");                   /* overlong */
	expect(text_layout_clean("\xed\xa0\x80"), "\\xed\\xa0\\x80");          /* surrogate */
	expect(text_layout_clean("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
	expect(text_layout_clean("a\xe2\x80\xae"
	                         "b\xe2\x81\xa9"),
	       "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa9");                                        /* direction */
	expect(text_layout_clean("\xe2\x80\x93\xe2\x81\xa5"), "\xe2\x80\x93\xe2\x81\xa5"); /* neighbours */
	expect(text_layout_clean("\xc2\x9b"), "\\xc2\\x9b"); /* a control character of eight bits */
}

Test(text_layout, spells_the_standard_library_short)
{
	expect(
	    text_layout_fold_name(
	        "f(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > const&)",
	        200),
	    "f(std::string const&)");
	expect(text_layout_fold_name("std::vector<std::vector<std::vector<int> > >::size() const", 200),
	       "std::vector<std::vector<std::vector<int>>>::size() const");
	expect(text_layout_fold_name("g[abi:cxx11](int)", 200), "g(int)");
	expect(text_layout_fold_name("std::less<std::__cxx11::basic_string<char, std::char_traits<char>, "
	                             "std::allocator<char> > >",
	                             200),
	       "std::less<std::string>");
}

Test(text_layout, keeps_a_name_that_fits)
{
	expect(text_layout_fold_name("ns::Map<int, long>::put(int)", 28), "ns::Map<int, long>::put(int)");
}

Test(text_layout, folds_inner_templates_then_parameters_then_all_templates)
{
	const char *name = "ns::Map<Key<int>, Box<Box<long> > >::put(Key<int> const&)";
	expect(text_layout_fold_name(name, 56), "ns::Map<Key<int>, Box<Box<long>>>::put(Key<int> const&)");
	expect(text_layout_fold_name(name, 54), "ns::Map<Key<int>, Box<Box<...>>>::put(Key<int> const&)");
	expect(text_layout_fold_name(name, 53), "ns::Map<Key<...>, Box<...>>::put(Key<int> const&)");
	expect(text_layout_fold_name(name, 45), "ns::Map<Key<...>, Box<...>>::put(...)");
	expect(text_layout_fold_name(name, 30), "ns::Map<...>::put(...)");
	expect(text_layout_fold_name(name, 5), "ns::Map<...>::put(...)");
}

Test(text_layout, folds_names_in_a_sentence_and_leaves_its_own_brackets)
{
	const char *sentence =
	    "mutex Box<Key<short>, long>::m (one of 3): taken in Box<Key<short>, long>::put()";
	expect(text_layout_fold_sentence(sentence, 80), sentence);
	expect(text_layout_fold_sentence(sentence, 79),
	       "mutex Box<Key<...>, long>::m (one of 3): taken in Box<Key<...>, long>::put()");
	expect(text_layout_fold_sentence(sentence, 70),
	       "mutex Box<...>::m (one of 3): taken in Box<...>::put()");
}

Test(text_layout, tells_operators_from_brackets)
{
	expect(text_layout_fold_name("ns::A<int>::operator<<(B<int>)", 5), "ns::A<...>::operator<<(...)");
	expect(text_layout_fold_name("ns::A<int>::operator()(B<int>) const", 5),
	       "ns::A<...>::operator()(...) const");
	expect(text_layout_fold_name("ns::A<int>::operator->() const", 5), "ns::A<...>::operator->() const");
	expect(text_layout_fold_name("a::(anonymous namespace)::f(int)", 5),
	       "a::(anonymous namespace)::f(...)");
	expect(text_layout_fold_name("f(a::(anonymous namespace)::T)", 5), "f(...)");
}

Test(text_layout, makes_patterns_of_names)
{
	expect(text_layout_name_glob("shards[3].lock"), "shards?3?.lock");
	expect(
	    text_layout_name_glob("a_very_long_namespace::a_very_long_class<int, long>::function(int, long)"),
	    "a_very_long_namespace::a_very_long_class<*>::function(*)");
}

Test(text_layout, shortens_paths_below_a_folder_only)
{
	expect(text_layout_short_path("/home/me/src/a.c", "/home/me"), "src/a.c");
	expect(text_layout_short_path("/home/meme/a.c", "/home/me"), "/home/meme/a.c");
	expect(text_layout_short_path("/a.c", "/"), "/a.c");
	expect(text_layout_short_path("/home/me/", "/home/me"), "/home/me/");
	expect(text_layout_short_path("/home/me/a.c", NULL), "/home/me/a.c");
}
