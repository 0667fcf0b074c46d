#include "symbolize_module.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* A debuginfod server that does not answer must not hold up a report: each question is given a few seconds
 * and one try (unless the user chose otherwise), and after this much waiting in vain no more are asked. That
 * a server has nothing is told at once and costs no patience. */
enum { DEBUGINFOD_PATIENCE_S = 4 };
#define DEBUGINFOD_TIMEOUT_S   "5"
#define DEBUGINFOD_RETRY_LIMIT "0"
#define DEBUG_FOLDER           "/usr/lib/debug"

/* libdwfl asks a server whenever the variable names one. */
static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
                          const char *file_name, const char *debuglink_file, GElf_Word debuglink_crc,
                          char **debuginfo_file_name)
{
	struct symbolize_places *places = *userdata;
	if (places->names_only)
		return -1;
	char *urls = getenv("DEBUGINFOD_URLS");
	bool asks = urls && places->debuginfod && places->debuginfod_waited_s < DEBUGINFOD_PATIENCE_S;
	struct timespec before, after;
	if (urls)
		urls = strdup(urls);
	if (asks) {
		setenv("DEBUGINFOD_TIMEOUT", DEBUGINFOD_TIMEOUT_S, 0);
		setenv("DEBUGINFOD_RETRY_LIMIT", DEBUGINFOD_RETRY_LIMIT, 0);
	} else {
		unsetenv("DEBUGINFOD_URLS");
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	int fd = dwfl_standard_find_debuginfo(mod, userdata, name, base, file_name, debuglink_file,
	                                      debuglink_crc, debuginfo_file_name);
	clock_gettime(CLOCK_MONOTONIC, &after);
	if (asks && fd < 0)
		places->debuginfod_waited_s += after.tv_sec - before.tv_sec;
	if (urls && !asks)
		setenv("DEBUGINFOD_URLS", urls, 1);
	free(urls);
	return fd;
}

bool symbolize_file_places_init(struct symbolize_places *places, const struct symbolizer_options *options)
{
	const char *sysroot = options->sysroot;
	*places = (struct symbolize_places){
	    .sysroot = sysroot, .debuginfod = options->debuginfod, .names_only = options->names_only};
	if (asprintf(&places->debug_folders, ":.debug%s%s%s:%s", sysroot ? ":" : "", sysroot ? sysroot : "",
	             sysroot ? DEBUG_FOLDER : "", DEBUG_FOLDER) < 0)
		return false;
	places->callbacks = (Dwfl_Callbacks){
	    .find_elf = dwfl_build_id_find_elf,
	    .find_debuginfo = find_debuginfo,
	    .section_address = dwfl_offline_section_address,
	    .debuginfo_path = &places->debug_folders,
	};
	return true;
}

void symbolize_file_places_release(struct symbolize_places *places)
{
	free(places->debug_folders);
	places->debug_folders = NULL;
}

/* The path comes from a trace, which may name a FIFO or a device: those must not be waited for. */
static int open_regular(const char *path, enum symbolize_file_state *ret_state)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	if (fd < 0) {
		*ret_state =
		    errno == ENOENT || errno == ENOTDIR ? SYMBOLIZE_FILE_GONE : SYMBOLIZE_FILE_UNREADABLE;
		return -1;
	}
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	*ret_state = SYMBOLIZE_FILE_UNREADABLE;
	return -1;
}

/* Without a recorded build-id a file that has one is another file. */
static enum symbolize_file_state compare_build_id(Dwfl_Module *dwfl_module, const char *build_id)
{
	const unsigned char *bits;
	GElf_Addr address;
	int length = dwfl_module_build_id(dwfl_module, &bits, &address);
	if (!build_id)
		return length > 0 ? SYMBOLIZE_FILE_OTHER_BUILD : SYMBOLIZE_FILE_UNVERIFIED;
	if (length <= 0 || strlen(build_id) != (size_t)length * 2)
		return SYMBOLIZE_FILE_OTHER_BUILD;
	for (int i = 0; i < length; i++) {
		char hex[3];
		snprintf(hex, sizeof(hex), "%02x", bits[i]);
		if (strncasecmp(hex, build_id + (size_t)i * 2, 2) != 0)
			return SYMBOLIZE_FILE_OTHER_BUILD;
	}
	return SYMBOLIZE_FILE_MATCHES;
}

static bool is_usable(enum symbolize_file_state state)
{
	return state == SYMBOLIZE_FILE_MATCHES || state == SYMBOLIZE_FILE_UNVERIFIED;
}

/* Makes the file the module if it is the one that was traced. */
static bool use_file(struct symbolize_module *module, struct symbolize_places *places, const char *path,
                     const char *build_id)
{
	int fd = open_regular(path, &module->state);
	if (fd < 0)
		return false;
	Dwfl *dwfl = dwfl_begin(&places->callbacks);
	if (!dwfl) {
		close(fd);
		module->state = SYMBOLIZE_FILE_UNREADABLE;
		return false;
	}
	/* Base 0 with add_p_vaddr: libdwfl's addresses are then the file's own. It takes over fd on success.
	 */
	dwfl_report_begin(dwfl);
	Dwfl_Module *dwfl_module = dwfl_report_elf(dwfl, path, path, fd, 0, true);
	dwfl_report_end(dwfl, NULL, NULL);
	if (!dwfl_module) {
		close(fd);
		module->state = SYMBOLIZE_FILE_UNREADABLE;
		dwfl_end(dwfl);
		return false;
	}
	module->state = compare_build_id(dwfl_module, build_id);
	if (!is_usable(module->state)) {
		dwfl_end(dwfl);
		return false;
	}
	void **userdata;
	dwfl_module_info(dwfl_module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = places;
	module->dwfl = dwfl;
	module->dwfl_module = dwfl_module;
	module->dwarf_read = places->names_only;
	return true;
}

static bool use_path(struct symbolize_module *module, struct symbolize_places *places, const char *path,
                     const char *build_id)
{
	char moved[PATH_MAX];
	if (places->sysroot &&
	    snprintf(moved, sizeof(moved), "%s%s", places->sysroot, path) < (int)sizeof(moved) &&
	    use_file(module, places, moved, build_id))
		return true;
	return use_file(module, places, path, build_id);
}

/* A debug file found by its build-id has the symbols and addresses of the module that it belongs to. */
static bool use_debug_file(struct symbolize_module *module, struct symbolize_places *places,
                           const char *build_id)
{
	static const char *const suffixes[] = {"", ".debug"};
	char path[PATH_MAX];
	if (!build_id || strlen(build_id) < 3 || strchr(build_id, '/'))
		return false;
	enum symbolize_file_state why_not_there = module->state;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		int length = snprintf(path, sizeof(path), DEBUG_FOLDER "/.build-id/%.2s/%s%s", build_id,
		                      build_id + 2, suffixes[i]);
		if (length < (int)sizeof(path) && use_path(module, places, path, build_id))
			return true;
	}
	module->state = why_not_there;
	return false;
}

void symbolize_file_open(struct symbolize_module *module, struct symbolize_places *places, const char *path,
                         const char *build_id)
{
	static const char deleted[] = " (deleted)";
	char plain[PATH_MAX];
	if (path[0] != '/' || strlen(path) >= sizeof(plain)) {
		module->state = SYMBOLIZE_FILE_NO_FILE_NAME;
		return;
	}
	strcpy(plain, path);
	size_t length = strlen(plain), deleted_length = strlen(deleted);
	if (length > deleted_length && strcmp(plain + length - deleted_length, deleted) == 0)
		plain[length - deleted_length] = '\0';
	if (!use_path(module, places, plain, build_id))
		use_debug_file(module, places, build_id);
}

void symbolize_file_close(struct symbolize_module *module)
{
	if (module->dwfl)
		dwfl_end(module->dwfl);
	module->dwfl = NULL;
	module->dwfl_module = NULL;
}
