#include "supervisor_report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "renderer.h"
#include "report.h"
#include "run_file.h"
#include "supervisor_signals.h"

extern const struct renderer render_text, render_json;

static const struct {
	const struct renderer *renderer;
	const char *name, *draft_name;
} files[] = {
    {&render_text, RUN_FILE_REPORT_TEXT, RUN_FILE_REPORT_TEXT RUN_FILE_DRAFT},
    {&render_json, RUN_FILE_REPORT_JSON, RUN_FILE_REPORT_JSON RUN_FILE_DRAFT},
};

static bool render_file(const struct report *report, const struct renderer *renderer, int folder_fd,
                        const char *draft_name, const struct render_options *options)
{
	unlinkat(folder_fd, draft_name, 0);
	int fd = openat(folder_fd, draft_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!out) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	bool done = renderer->render(report, out, options) == 0 && fflush(out) == 0 && fsync(fd) == 0;
	int error = errno;
	fclose(out);
	errno = error;
	return done;
}

bool supervisor_report_store(const struct report *report, int folder_fd, const struct options *options)
{
	struct report_options report_options;
	struct render_options render_options;

	report_options_from(&report_options, &render_options, options);
	render_options.color = false;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (!render_file(report, files[i].renderer, folder_fd, files[i].draft_name,
		                 &render_options) ||
		    renameat(folder_fd, files[i].draft_name, folder_fd, files[i].name) != 0) {
			int error = errno;

			unlinkat(folder_fd, files[i].draft_name, 0);
			errno = error;
			return false;
		}
	}
	fsync(folder_fd);
	return true;
}

static int build_and_store(const char *folder, int folder_fd, const struct options *options, bool quick)
{
	char *paths[] = {(char *)folder};
	struct report_options report_options;
	struct render_options render_options;
	struct report report;

	report_options_from(&report_options, &render_options, options);
	report_options.tell_unused_suppressions = false;
	report_options.symbolizer.names_only = quick;
	if (report_build(&report, paths, 1, &report_options) != 0)
		return 1;
	return supervisor_report_store(&report, folder_fd, options) ? 0 : 1;
}

pid_t supervisor_report_start(const char *folder, int folder_fd, const struct options *options, bool quick)
{
	pid_t pid = supervisor_signals_fork_helper();
	if (pid == 0)
		_exit(build_and_store(folder, folder_fd, options, quick));
	return pid;
}
