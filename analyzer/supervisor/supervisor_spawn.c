#include "supervisor_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "library_link.h"
#include "supervisor_signals.h"

#define LIBRARY_NAME "libafterfork.so"

extern char **environ;

/* Folders to look in, from that of the executable: where this build installs to (CMake gives it), where the
 * build and other layouts have it. */
static const char *const library_folders[] = {AFTERFORK_LIBRARY_FROM_BIN, "../lib", "../lib64",
                                              "../lib/x86_64-linux-gnu", "."};

/* The folder of this executable, without a slash at the end. */
static bool own_folder(char folder[PATH_MAX])
{
	ssize_t size = readlink("/proc/self/exe", folder, PATH_MAX - 1);

	if (size <= 0)
		return false;
	folder[size] = '\0';
	*strrchr(folder, '/') = '\0';
	return true;
}

static char *find_beside_executable(char **ret_error)
{
	char folder[PATH_MAX], *path = NULL;

	if (!own_folder(folder)) {
		(void)!asprintf(
		    ret_error,
		    "where afterfork is installed cannot be told: %s; mount /proc, or name " LIBRARY_NAME
		    " with --library",
		    strerror(errno));
		return NULL;
	}
	for (size_t i = 0; i < sizeof(library_folders) / sizeof(*library_folders); i++) {
		if (asprintf(&path, "%s/%s/" LIBRARY_NAME, folder, library_folders[i]) < 0)
			return NULL;
		char *real = realpath(path, NULL);
		free(path);
		if (real)
			return real;
	}
	(void)!asprintf(
	    ret_error,
	    LIBRARY_NAME
	    " is not beside afterfork (looked in %s/%s); install both together, or name it with --library",
	    folder, library_folders[0]);
	return NULL;
}

char *supervisor_spawn_find_library(const char *given, char **ret_error)
{
	char *path = given ? realpath(given, NULL) : find_beside_executable(ret_error);

	if (!path) {
		if (given)
			(void)!asprintf(ret_error, "the library %s cannot be used: %s; check --library",
			                given, strerror(errno));
		return NULL;
	}
	if (access(path, R_OK) != 0) {
		(void)!asprintf(ret_error, "the library %s cannot be read: %s; correct its mode", path,
		                strerror(errno));
	} else if (library_link_is_needless(path)) {
		return path;
	} else {
		char *link = library_link_make(path);

		if (!link)
			(void)!asprintf(
			    ret_error,
			    "the loader cannot preload %s: a colon, space or $ is in its path, and no link "
			    "can be made in /tmp: %s; install afterfork elsewhere",
			    path, strerror(errno));
		free(path);
		return link;
	}
	free(path);
	return NULL;
}

static bool is_variable(const char *entry, const char *name)
{
	size_t size = strlen(name);

	return strncmp(entry, name, size) == 0 && entry[size] == '=';
}

/* True when the colon or space separated list names the path. */
static bool names_path(const char *list, const char *path)
{
	size_t size = strlen(path);

	for (; *list; list += strspn(list, ": ")) {
		size_t item = strcspn(list, ": ");

		if (item == size && memcmp(list, path, size) == 0)
			return true;
		list += item;
	}
	return false;
}

static char *preload_entry(const char *library)
{
	const char *older = getenv("LD_PRELOAD");
	char *entry = NULL;

	if (older && names_path(older, library))
		(void)!asprintf(&entry, "LD_PRELOAD=%s", older);
	else
		(void)!asprintf(&entry, "LD_PRELOAD=%s%s%s", library, older && *older ? ":" : "",
		                older ? older : "");
	return entry;
}

/* gcc's dynamic AddressSanitizer refuses to start behind a preloaded library, anywhere in the tree. */
static char *sanitizer_entry(void)
{
	static const char option[] = "verify_asan_link_order";
	const char *older = getenv("ASAN_OPTIONS");
	char *entry = NULL;

	if (older && strstr(older, option))
		(void)!asprintf(&entry, "ASAN_OPTIONS=%s", older);
	else
		(void)!asprintf(&entry, "ASAN_OPTIONS=%s%s%s=0", older ? older : "",
		                older && *older ? ":" : "", option);
	return entry;
}

static char **make_environment(const struct supervisor_spawn_settings *settings)
{
	static const char *const replaced[] = {"LD_PRELOAD", "ASAN_OPTIONS", "AFTERFORK_TRACE"};
	size_t count = 0;

	while (environ && environ[count])
		count++;
	char **entries = calloc(count + 4, sizeof(*entries));
	if (!entries)
		return NULL;
	size_t kept = 0;
	entries[kept++] = preload_entry(settings->library);
	entries[kept++] = sanitizer_entry();
	(void)!asprintf(&entries[kept++], "AFTERFORK_TRACE=%s", settings->trace_folder);
	for (size_t i = 0; i < count; i++)
		if (!is_variable(environ[i], replaced[0]) && !is_variable(environ[i], replaced[1]) &&
		    !is_variable(environ[i], replaced[2]))
			entries[kept++] = environ[i];
	return entries;
}

static void free_environment(char **entries)
{
	for (size_t i = 0; i < 3; i++)
		free(entries[i]);
	free(entries);
}

/* Like execvp(): a text without a #! line is for the shell. */
static int execute(const struct supervisor_spawn_settings *settings, char **environment)
{
	size_t count = 0;

	execve(settings->path, settings->command, environment);
	if (errno != ENOEXEC)
		return errno;
	while (settings->command[count])
		count++;
	char **arguments = calloc(count + 2, sizeof(*arguments));
	if (!arguments)
		return ENOMEM;
	arguments[0] = "/bin/sh";
	arguments[1] = (char *)settings->path;
	for (size_t i = 1; i < count; i++)
		arguments[i + 1] = settings->command[i];
	execve(arguments[0], arguments, environment);
	return errno;
}

pid_t supervisor_spawn(const struct supervisor_spawn_settings *settings, int *ret_errno)
{
	char **environment = make_environment(settings);
	int error = ENOMEM, report[2];

	/* The pipe closes by itself at exec; bytes in it mean that there was none. */
	if (!environment || pipe2(report, O_CLOEXEC) != 0) {
		*ret_errno = environment ? errno : ENOMEM;
		free(environment);
		return -1;
	}
	supervisor_signals_block();
	pid_t pid = fork();
	if (pid == 0) {
		supervisor_signals_restore();
		error = execute(settings, environment);
		(void)!write(report[1], &error, sizeof(error));
		_exit(127);
	}
	error = pid < 0 ? errno : 0;
	supervisor_signals_unblock();
	close(report[1]);
	ssize_t size;
	do
		size = pid > 0 ? read(report[0], &error, sizeof(error)) : 0;
	while (size < 0 && errno == EINTR);
	close(report[0]);
	free_environment(environment);
	if (pid > 0 && size <= 0)
		return pid;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	*ret_errno = error;
	return -1;
}
