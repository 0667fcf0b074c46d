#include "notice.h"

#include <string.h>

#include "line.h"
#include "trace_writer.h"

enum { NOTICES_MAX = 64 };

static bool is_welcome(uint32_t kind, const char *path)
{
	const struct trace_record *record;
	uint64_t position = 0;
	unsigned count = 0;
	while ((record = trace_writer_next(&trace_writer_run()->file, &position))) {
		const struct trace_notice *notice = (const struct trace_notice *)record;
		if (++count >= NOTICES_MAX ||
		    (notice->kind == kind && strcmp((const char *)(notice + 1), path) == 0))
			return false;
	}
	return true;
}

bool notice_say(uint32_t kind, const char *path)
{
	struct {
		struct trace_notice notice;
		char path[TRACE_PATH_SIZE_BYTES];
	} record = {.notice = {.kind = kind}};
	struct line line = line_on(record.path, sizeof record.path);
	line_text(&line, path);
	record.notice.path_size_bytes = (uint32_t)line.length_bytes + 1;
	return is_welcome(kind, record.path) &&
	       trace_writer_append(TRACE_RECORD_NOTICE, &record.notice.record,
	                           (uint32_t)sizeof record.notice + record.notice.path_size_bytes,
	                           sizeof record.notice.record);
}
