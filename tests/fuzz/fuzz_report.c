/* Whatever is in a trace file: `afterfork report` says something of it that no terminal takes for a command,
 * and its JSON is JSON. libFuzzer's entry point, and that of the replay driver. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report.h"
#include "seal.h"
#include "trace_reader.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

extern const struct renderer render_text, render_json;

static char *render(const struct report *report, const struct renderer *renderer)
{
	const struct render_options options = {.verbose = true};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out || renderer->render(report, out, &options) || fclose(out) || strlen(text) != size)
		abort();
	return text;
}

static void check_text(char *text)
{
	for (const char *at = text; *at; at += utf8_length(at))
		if (utf8_length(at) == 0 || (*at != '\n' && (unsigned char)*at < 0x20) || *at == 0x7f)
			abort();
	free(text);
}

static void check_json(char *text)
{
	cJSON *root = cJSON_Parse(text);

	if (!root)
		abort();
	cJSON_Delete(root);
	free(text);
}

static void check_report(const char *path)
{
	struct report report;

	if (report_build(&report, &(char *){(char *)path}, 1, &(struct report_options){0}))
		abort();
	check_text(render(&report, &render_text));
	check_json(render(&report, &render_json));
	report_release(&report);
}

static void report_of(const uint8_t *data, size_t size_bytes)
{
	struct trace_reader_result result;
	char path[64];

	/* Of what is no trace there is no report. */
	trace_reader_scan(data, size_bytes, &(struct trace_reader_sink){0}, NULL, &result);
	if (result.status != TRACE_STATUS_OK)
		return;
	int fd = memfd_create("trace", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size_bytes) != (ssize_t)size_bytes)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	check_report(path);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	uint8_t *sealed = seal_records(data, size_bytes);

	report_of(data, size_bytes);
	report_of(sealed, size_bytes);
	free(sealed);
	return 0;
}
