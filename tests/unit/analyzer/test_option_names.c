/* The library takes AFTERFORK_OPTIONS by a list of names of its own: both lists must be the same. */
#include <criterion/criterion.h>
#include <string.h>

static const char *const of_commands[] = {
#define OPTION(id, name, letter, kind, argument, initial, limits, users, help) name,
#include "options.def"
#undef OPTION
};
static const char *const of_library[] = {
#define OPTION_NAME(name) name,
#include "option_names.def"
#undef OPTION_NAME
};

static int has(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return 1;
	return 0;
}

/* --help is no setting: it is not taken from the environment. */
Test(option_names, of_the_library_have_every_option_of_the_commands)
{
	for (size_t i = 0; i < sizeof of_commands / sizeof of_commands[0]; i++)
		if (strcmp(of_commands[i], "help"))
			cr_assert(has(of_library, sizeof of_library / sizeof of_library[0], of_commands[i]),
			          "option_names.def lacks %s", of_commands[i]);
}

Test(option_names, of_the_library_are_all_options)
{
	for (size_t i = 0; i < sizeof of_library / sizeof of_library[0]; i++)
		cr_assert(has(of_commands, sizeof of_commands / sizeof of_commands[0], of_library[i]),
		          "options.def lacks %s", of_library[i]);
}
