/* Models made of built traces. */
#ifndef AFTERFORK_TESTS_MODEL_FIXTURE_H
#define AFTERFORK_TESTS_MODEL_FIXTURE_H

#include <criterion/criterion.h>

#include "model.h"
#include "trace_builder.h"
#include "trace_reader.h"

static inline void feed(struct model *model, struct trace_builder *builder)
{
	struct trace_reader_result result;
	size_t size_bytes;
	const unsigned char *data = trace_builder_data(builder, &size_bytes);

	trace_reader_scan(data, size_bytes, &model_trace_sink, model, &result);
	cr_assert_eq(result.status, TRACE_STATUS_OK);
	trace_builder_free(builder);
}

static inline struct trace_builder *image_with(const struct built_incident *incident)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);

	trace_builder_add_incident(builder, incident);
	return builder;
}

/* The one incident of a model made from it and, with_run, from a run that ended 10 s after the incident. */
static inline const struct incident *only_incident(const struct built_incident *built, bool with_run,
                                                   struct model **ret_model)
{
	struct model *model = *ret_model = model_new();
	const struct incident *incidents;
	size_t count;

	if (with_run)
		feed(model, trace_builder_new(TRACE_FILE_RUN));
	feed(model, image_with(built));
	model_finish(model);
	incidents = model_incidents(model, &count);
	cr_assert_eq(count, 1);
	return incidents;
}

#endif
