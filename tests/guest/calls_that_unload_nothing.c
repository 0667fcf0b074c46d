/* The library reads the map of modules anew where one may have gone or can soon not be read any more. It must
 * not at each dlclose() of a module that stays, nor at each change of the user id by a server that changes it
 * all the time. Counted are the reads of this process. */
#include <dlfcn.h>

#include "guest.h"

enum { CALLS = 2000, READS_OF_A_MAP = 3 };

static long reads_so_far(void)
{
	char text[512];
	FILE *file = fopen("/proc/self/io", "r");

	EXPECT(file);
	size_t size_bytes = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size_bytes] = 0;
	const char *field = strstr(text, "syscr: ");
	EXPECT(field);
	return atol(field + strlen("syscr: "));
}

static void close_what_stays(const char *path)
{
	void *kept = dlopen(path, RTLD_NOW);

	EXPECT(kept);
	for (int i = 0; i < CALLS; i++) {
		void *again = dlopen(path, RTLD_NOW);
		EXPECT(again == kept);
		EXPECT(dlclose(again) == 0);
	}
	int (*run)(void) = (int (*)(void))dlsym(kept, "plugin_run");
	EXPECT(run && run() == 1);
	EXPECT(dlclose(kept) == 0);
}

static void change_user_to_and_fro(void)
{
	for (int i = 0; i < CALLS; i++)
		EXPECT(seteuid(geteuid()) == 0);
}

int main(int argc, char **argv)
{
	EXPECT(argc == 2);
	long before = reads_so_far();
	close_what_stays(argv[1]);
	EXPECT(reads_so_far() - before < CALLS / 10);
	before = reads_so_far();
	change_user_to_and_fro();
	EXPECT(reads_so_far() - before < CALLS * READS_OF_A_MAP / 4);
	puts("called");
	return 0;
}
