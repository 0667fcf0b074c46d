/* write_stored_traces FOLDER: writes the stored traces anew, after a change of the format.
 * With --corpus FOLDER it writes them flat, as seeds for the fuzzer. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stored_traces.h"

static bool make_folder(const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return true;
	fprintf(stderr, "cannot make %s: %s\n", path, strerror(errno));
	return false;
}

static bool write_one(const struct stored_trace *trace, const char *target, bool flat)
{
	struct trace_builder *builder = trace->build();
	char folder[4096], path[8192];
	bool written;

	snprintf(folder, sizeof folder, "%s/%s", target, trace->folder);
	snprintf(path, sizeof path, "%s%s%s", folder, flat ? "-" : "/", trace->file);
	written = (flat || make_folder(folder)) && trace_builder_write(builder, path);
	trace_builder_free(builder);
	return written;
}

int main(int argc, char **argv)
{
	bool flat = argc == 3 && !strcmp(argv[1], "--corpus");

	if (argc != 2 + flat) {
		fprintf(stderr, "usage: %s [--corpus] FOLDER\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < stored_traces_count; i++)
		if (!write_one(&stored_traces[i], argv[argc - 1], flat))
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
