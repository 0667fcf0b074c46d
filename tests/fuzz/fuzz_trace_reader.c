/* Whatever is in a trace file: the reader stays inside the buffer, and what it lets through, the model and
 * the rules can take. libFuzzer's entry point, and that of the replay driver. */
#include <stdlib.h>

#include "model.h"
#include "rule.h"
#include "seal.h"
#include "trace_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void run_rules(const struct model *model)
{
	size_t count;
	const struct incident *incidents = model_incidents(model, &count);

	for (size_t i = 0; i < count; i++) {
		struct rule_match match;
		const struct rule *rule = rules_match(model, &incidents[i], &match);

		if (rule && (match.count == 0 || match.pending_count > match.count))
			abort();
		model_atfork_of_module(model, &incidents[i], incidents[i].lock.module);
	}
}

static void scan(const uint8_t *data, size_t size_bytes)
{
	struct model *model = model_new();
	struct trace_reader_result result;
	char text[256];

	trace_reader_scan(data, size_bytes, &model_trace_sink, model, &result);
	trace_reader_explain(&result, text, sizeof text);
	model_finish(model);
	run_rules(model);
	model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	uint8_t *sealed = seal_records(data, size_bytes);

	scan(data, size_bytes);
	scan(sealed, size_bytes);
	free(sealed);
	return 0;
}
