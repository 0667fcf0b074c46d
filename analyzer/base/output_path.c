#include "output_path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool expand_host(FILE *out, char **ret_error)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof(host) - 1) != 0) {
		(void)!asprintf(ret_error,
		                "the host name for %%h is not available: %s; name the folder without %%h",
		                strerror(errno));
		return false;
	}
	/* A host name with a slash would lead into another folder. */
	for (char *c = host; *c; c++)
		if (*c == '/')
			*c = '_';
	fputs(host, out);
	return true;
}

/* name points behind "%q"; returns the last character of the pattern, or NULL. */
static const char *expand_variable(const char *name, const char *pattern, FILE *out, char **ret_error)
{
	const char *end = *name == '{' ? strchr(name, '}') : NULL;

	if (!end || end == name + 1) {
		(void)!asprintf(ret_error,
		                "output path '%s': %%q needs a variable's name in braces, as in %%q{JOB_ID}",
		                pattern);
		return NULL;
	}
	char *variable = strndup(name + 1, end - name - 1);
	const char *value = variable ? getenv(variable) : NULL;
	if (!value || !*value) {
		(void)!asprintf(ret_error,
		                "output path '%s': the environment variable %s is %s; set it or name the "
		                "folder without it",
		                pattern, variable, value ? "empty" : "not set");
		free(variable);
		return NULL;
	}
	fputs(value, out);
	free(variable);
	return end;
}

static bool expand(const char *pattern, pid_t pid, FILE *out, char **ret_error)
{
	for (const char *c = pattern; *c; c++) {
		if (*c != '%') {
			fputc(*c, out);
			continue;
		}
		switch (*++c) {
		case '%':
			fputc('%', out);
			break;
		case 'p':
			fprintf(out, "%d", (int)pid);
			break;
		case 'h':
			if (!expand_host(out, ret_error))
				return false;
			break;
		case 'q':
			c = expand_variable(c + 1, pattern, out, ret_error);
			if (!c)
				return false;
			break;
		default:
			(void)!asprintf(
			    ret_error,
			    "output path '%s': %%%.1s is not known; use %%p, %%h, %%q{VARIABLE} or %%%%",
			    pattern, c);
			return false;
		}
	}
	return true;
}

static bool start_absolute(const char *pattern, FILE *out, char **ret_error)
{
	if (pattern[0] == '/')
		return true;
	/* %q{HOME}/trace is absolute although it does not start with a slash. */
	if (strncmp(pattern, "%q{", 3) == 0) {
		char *variable = strndup(pattern + 3, strcspn(pattern + 3, "}"));
		const char *value = variable ? getenv(variable) : NULL;

		free(variable);
		if (value && value[0] == '/')
			return true;
	}
	char *folder = getcwd(NULL, 0);
	if (!folder || folder[0] != '/') {
		(void)!asprintf(ret_error,
		                "output path '%s' is relative, but the current folder cannot be named: %s; "
		                "give an absolute path",
		                pattern, folder ? "it is outside the root" : strerror(errno));
		free(folder);
		return false;
	}
	fprintf(out, "%s%s", folder, folder[1] ? "/" : "");
	free(folder);
	return true;
}

char *output_path_expand(const char *pattern, pid_t pid, char **ret_error)
{
	char *path = NULL;
	size_t size_bytes = 0;

	if (!*pattern) {
		*ret_error = strdup("the output path is empty; give -o a folder's name");
		return NULL;
	}
	FILE *out = open_memstream(&path, &size_bytes);
	if (!out) {
		*ret_error = strdup("out of memory for the output path");
		return NULL;
	}
	bool done = start_absolute(pattern, out, ret_error) && expand(pattern, pid, out, ret_error);
	if (fclose(out) != 0 && done) {
		*ret_error = strdup("out of memory for the output path");
		done = false;
	}
	/* "folder/" and "folder" are one; a trailing slash would make mkdir follow a link. */
	while (done && size_bytes > 1 && path[size_bytes - 1] == '/')
		path[--size_bytes] = '\0';
	if (done && size_bytes >= PATH_MAX) {
		(void)!asprintf(ret_error,
		                "the output path has %zu characters, more than %d; give a shorter one",
		                size_bytes, PATH_MAX - 1);
		done = false;
	}
	if (done)
		return path;
	free(path);
	return NULL;
}
