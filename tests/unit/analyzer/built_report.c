#include "built_report.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *built_report_folder(void)
{
	const char *parent = getenv("TMPDIR");
	char *folder;

	cr_assert_geq(asprintf(&folder, "%s/afterfork-test-XXXXXX", parent ? parent : "/tmp"), 0);
	cr_assert_not_null(mkdtemp(folder));
	return folder;
}

void built_report_remove(char *folder)
{
	DIR *entries = opendir(folder);
	struct dirent *entry;

	while ((entry = readdir(entries))) {
		char *path;

		if (entry->d_name[0] == '.')
			continue;
		cr_assert_geq(asprintf(&path, "%s/%s", folder, entry->d_name), 0);
		unlink(path);
		free(path);
	}
	closedir(entries);
	rmdir(folder);
	free(folder);
}

void built_report_add(const char *folder, const char *name, struct trace_builder *builder)
{
	char *path;

	cr_assert_geq(asprintf(&path, "%s/%s", folder, name), 0);
	cr_assert(trace_builder_write(builder, path));
	free(path);
	trace_builder_free(builder);
}

static void make(struct report *ret_report, struct trace_builder *image)
{
	char *folder = built_report_folder();

	built_report_add(folder, "run", trace_builder_new(TRACE_FILE_RUN));
	built_report_add(folder, "image-4200-1", image);
	cr_assert_eq(report_build(ret_report, &folder, 1, &(struct report_options){0}), 0);
	built_report_remove(folder);
}

void built_report_make(struct report *ret_report, const struct built_incident *incidents, size_t count)
{
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);

	for (size_t i = 0; i < count; i++)
		trace_builder_add_incident(image, &incidents[i]);
	make(ret_report, image);
}

const struct finding *built_report_of_work_for(struct report *ret_report,
                                               const struct built_incident *incident, uint32_t call,
                                               unsigned waiting_threads)
{
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);

	trace_builder_add_incident(image, incident);
	trace_builder_add_handover(image, incident, call, waiting_threads);
	make(ret_report, image);
	return ret_report->findings.count == 1 ? ret_report->findings.items[0] : NULL;
}

const struct finding *built_report_of_handed_work(struct report *ret_report,
                                                  const struct built_incident *incident, uint32_t call)
{
	return built_report_of_work_for(ret_report, incident, call, 2);
}

const struct finding *built_report_finding(struct report *ret_report, const struct built_incident *incident)
{
	built_report_make(ret_report, incident, 1);
	cr_assert_leq(ret_report->findings.count, 1);
	return ret_report->findings.count ? ret_report->findings.items[0] : NULL;
}
