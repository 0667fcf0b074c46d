#include "trace_builder_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EM_OF_X86_64 = 62 };
static const uint64_t STARTED_REALTIME_NS = 1760000000000000000u;

void *trace_builder_checked(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static struct trace_file_header *header(struct trace_builder *builder)
{
	return (struct trace_file_header *)builder->data;
}

size_t trace_builder_extend(struct trace_builder *builder, size_t size_bytes)
{
	size_t offset = builder->size_bytes;
	size_t room = (size_bytes + TRACE_GRANULE_BYTES - 1) / TRACE_GRANULE_BYTES * TRACE_GRANULE_BYTES;

	builder->data = trace_builder_checked(realloc(builder->data, offset + room));
	memset(builder->data + offset, 0, room);
	builder->size_bytes = offset + room;
	header(builder)->tail_bytes = builder->size_bytes;
	header(builder)->file_size_bytes = builder->size_bytes;
	return offset;
}

static void fill_run(struct trace_run *run)
{
	run->supervised = 1;
	run->ended = 1;
	run->ended_ns = STARTED_MONOTONIC_NS + 12500000000u;
	run->processes = 2;
	run->threads = 3;
	run->forks = 1;
	run->images = 1;
	strcpy(run->library_version, "0.1.0");
}

static void fill_image(struct trace_image *image)
{
	image->pid = 4200;
	image->ppid = 4199;
	strcpy(image->libc_version, "glibc 2.36");
	strcpy(image->exe, TRACE_BUILDER_PROGRAM);
}

struct trace_builder *trace_builder_new(enum trace_file_kind kind)
{
	struct trace_builder *builder = trace_builder_checked(calloc(1, sizeof *builder));

	builder->data = trace_builder_checked(calloc(1, TRACE_HEADER_SIZE_BYTES));
	builder->size_bytes = TRACE_HEADER_SIZE_BYTES;
	*header(builder) = (struct trace_file_header){
	    .version = TRACE_VERSION,
	    .byte_order = TRACE_BYTE_ORDER,
	    .kind = kind,
	    .machine = EM_OF_X86_64,
	    .header_size_bytes = TRACE_HEADER_SIZE_BYTES,
	    .granule_bytes = TRACE_GRANULE_BYTES,
	    .file_size_bytes = TRACE_HEADER_SIZE_BYTES,
	    .run_id = TRACE_BUILDER_RUN_ID,
	    .tail_bytes = TRACE_HEADER_SIZE_BYTES,
	    .started_realtime_ns = STARTED_REALTIME_NS,
	    .started_monotonic_ns = STARTED_MONOTONIC_NS,
	};
	memcpy(header(builder)->magic, TRACE_MAGIC, sizeof header(builder)->magic);
	if (kind == TRACE_FILE_RUN)
		fill_run(trace_builder_run(builder));
	else
		fill_image(trace_builder_image(builder));
	trace_builder_command(builder, (const char *const[]){"story", "--workers", "1", NULL});
	return builder;
}

void trace_builder_free(struct trace_builder *builder)
{
	if (!builder)
		return;
	free(builder->data);
	free(builder);
}

struct trace_run *trace_builder_run(struct trace_builder *builder)
{
	return (struct trace_run *)builder->data;
}

struct trace_image *trace_builder_image(struct trace_builder *builder)
{
	return (struct trace_image *)builder->data;
}

void trace_builder_command(struct trace_builder *builder, const char *const *command)
{
	bool is_run = header(builder)->kind == TRACE_FILE_RUN;
	char *bytes = is_run ? trace_builder_run(builder)->command : trace_builder_image(builder)->command;
	uint32_t *size_bytes = is_run ? &trace_builder_run(builder)->command_size_bytes
	                              : &trace_builder_image(builder)->command_size_bytes;

	memset(bytes, 0, TRACE_COMMAND_SIZE_BYTES);
	*size_bytes = 0;
	for (; *command; command++) {
		memcpy(bytes + *size_bytes, *command, strlen(*command) + 1);
		*size_bytes += (uint32_t)strlen(*command) + 1;
	}
}

unsigned char *trace_builder_data(struct trace_builder *builder, size_t *ret_size_bytes)
{
	*ret_size_bytes = builder->size_bytes;
	return builder->data;
}

bool trace_builder_write(struct trace_builder *builder, const char *path)
{
	FILE *file = fopen(path, "wbe");
	bool written = file && fwrite(builder->data, builder->size_bytes, 1, file) == 1;

	if (file && fclose(file))
		written = false;
	if (!written)
		fprintf(stderr, "cannot write %s: %s\n", path, strerror(errno));
	return written;
}
