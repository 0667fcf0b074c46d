/* afterfork report: reads traces off line. */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "options.h"
#include "report.h"

static int report(const struct options *options, char *const *paths, size_t path_count)
{
	const char *formats = options_string(options, OPTION_FORMAT);
	struct report_options report_options;
	struct render_options render_options;
	struct report report;
	int exit_code;

	report_options_from(&report_options, &render_options, options);
	if (report_check_formats(formats) || report_build(&report, paths, path_count, &report_options))
		return EXIT_OWN_FAILURE;
	exit_code = report_exit_code(&report, options);
	if (report_render_all(&report, formats, &render_options))
		exit_code = EXIT_OWN_FAILURE;
	report_release(&report);
	return exit_code;
}

int cmd_report(int argc, char **argv)
{
	struct options options;
	int first, exit_code;

	if (options_parse(&options, OPTION_FOR_REPORT, getenv("AFTERFORK_OPTIONS"), argc, argv, &first))
		return EXIT_OWN_FAILURE;
	if (first == argc) {
		fputs("afterfork report: no trace is named; usage: afterfork report [options] TRACE...\n",
		      stderr);
		exit_code = EXIT_OWN_FAILURE;
	} else {
		exit_code = report(&options, argv + first, (size_t)(argc - first));
	}
	options_release(&options);
	return exit_code;
}
