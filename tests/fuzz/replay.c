/* Runs the harness without libFuzzer over files: each whole, cut at every granule, and with each byte of its
 * first records flipped, or each FLIP_STEP-th. For compilers without libFuzzer, and to look at a crash. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

enum { FILE_SIZE_MAX = 1 << 20, FLIPPED_BYTES = 2048 };

static void replay(uint8_t *data, size_t size_bytes)
{
	LLVMFuzzerTestOneInput(data, size_bytes);
	for (size_t size = 0; size < size_bytes; size += TRACE_GRANULE_BYTES)
		LLVMFuzzerTestOneInput(data, size);
	for (size_t at = TRACE_HEADER_SIZE_BYTES;
	     at < size_bytes && at < TRACE_HEADER_SIZE_BYTES + FLIPPED_BYTES; at += FLIP_STEP) {
		data[at] ^= 0xff;
		LLVMFuzzerTestOneInput(data, size_bytes);
		data[at] ^= 0xff;
	}
}

int main(int argc, char **argv)
{
	static uint8_t data[FILE_SIZE_MAX];

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");

		if (!file) {
			perror(argv[i]);
			return EXIT_FAILURE;
		}
		replay(data, fread(data, 1, sizeof data, file));
		fclose(file);
	}
	printf("%d files replayed\n", argc - 1);
	return EXIT_SUCCESS;
}
