/* A folder for traces and reports, made for each test. */
#ifndef AFTERFORK_TESTS_REPORT_FIXTURE_H
#define AFTERFORK_TESTS_REPORT_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "built_report.h"

static char *folder;

static inline void make_folder(void)
{
	folder = built_report_folder();
}

static inline void remove_folder(void)
{
	built_report_remove(folder);
}

static const struct report_options no_options;

static inline char *path_of(const char *name)
{
	char *path;

	cr_assert_geq(asprintf(&path, "%s/%s", folder, name), 0);
	return path;
}

static inline void add_story_image(const char *name)
{
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();

	trace_builder_add_incident(image, &story);
	built_report_add(folder, name, image);
}

#endif
