#include "symbolize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "demangle.h"
#include "symbolize_module.h"

/* Frames of one looked-up address, without pc and offset. */
struct place {
	uint64_t address;
	struct frame *frames;
	size_t count;
	UT_hash_handle hh;
};

struct data_name {
	uint64_t address;
	char *name; /* NULL: not known */
	UT_hash_handle hh;
};

struct known_module {
	const struct module_ref *ref; /* the key */
	struct symbolize_module module;
	struct place *places;
	struct data_name *data_names;
	UT_hash_handle hh;
};

struct text {
	UT_hash_handle hh;
	char bytes[];
};

struct symbolizer {
	struct message_list *warnings;
	struct symbolize_places places;
	struct known_module *modules;
	struct text *texts; /* every string handed out in a frame, once */
};

struct symbolizer *symbolizer_new(const struct symbolizer_options *options)
{
	static const struct symbolizer_options defaults;
	struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));
	if (!options)
		options = &defaults;
	if (!symbolizer)
		return NULL;
	if (!symbolize_file_places_init(&symbolizer->places, options)) {
		free(symbolizer);
		return NULL;
	}
	symbolizer->warnings = options->warnings;
	return symbolizer;
}

static void known_module_free(struct known_module *known)
{
	struct place *place, *next_place;
	HASH_ITER (hh, known->places, place, next_place) {
		HASH_DEL(known->places, place);
		free(place->frames);
		free(place);
	}
	struct data_name *name, *next_name;
	HASH_ITER (hh, known->data_names, name, next_name) {
		HASH_DEL(known->data_names, name);
		free(name->name);
		free(name);
	}
	symbolize_data_release(&known->module);
	symbolize_unit_release(&known->module);
	symbolize_table_release(&known->module);
	symbolize_file_close(&known->module);
	free(known);
}

void symbolizer_free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	struct known_module *known, *next_known;
	HASH_ITER (hh, symbolizer->modules, known, next_known) {
		HASH_DEL(symbolizer->modules, known);
		known_module_free(known);
	}
	struct text *text, *next_text;
	HASH_ITER (hh, symbolizer->texts, text, next_text) {
		HASH_DEL(symbolizer->texts, text);
		free(text);
	}
	symbolize_file_places_release(&symbolizer->places);
	free(symbolizer);
}

static const char *intern(struct symbolizer *symbolizer, const char *bytes)
{
	struct text *text;
	if (!bytes)
		return NULL;
	size_t length = strlen(bytes);
	HASH_FIND(hh, symbolizer->texts, bytes, length, text);
	if (text)
		return text->bytes;
	text = malloc(sizeof(*text) + length + 1);
	if (!text)
		return NULL;
	memcpy(text->bytes, bytes, length + 1);
	HASH_ADD_KEYPTR(hh, symbolizer->texts, text->bytes, length, text);
	return text->bytes;
}

static void warn(struct message_list *list, const struct module_ref *ref, enum symbolize_file_state state)
{
	const char *path = ref->path;
	if (!list)
		return;
	if (state == SYMBOLIZE_FILE_UNREADABLE)
		message_list_add(list,
		                 "%s cannot be read as an ELF file: offsets only; check its permissions, or "
		                 "give a copy (--sysroot)",
		                 path);
	else if (state == SYMBOLIZE_FILE_UNVERIFIED)
		message_list_add(list,
		                 "%s has no build-id: its names and lines are right only if it is still the "
		                 "file that was traced; link it with -Wl,--build-id to have that checked",
		                 path);
	else if (state == SYMBOLIZE_FILE_OTHER_BUILD && !ref->build_id)
		message_list_add(list,
		                 "%s has a build-id and the one traced had none: offsets only; give the file "
		                 "that was traced (--sysroot)",
		                 path);
	else if (state == SYMBOLIZE_FILE_OTHER_BUILD || (state == SYMBOLIZE_FILE_GONE && ref->build_id))
		message_list_add(
		    list,
		    "%s %s: offsets only; give the file with build-id %s (--sysroot) or its debug file "
		    "(/usr/lib/debug)",
		    path,
		    state == SYMBOLIZE_FILE_GONE ? "is gone" : "now has another build-id than the one traced",
		    ref->build_id);
	else if (state == SYMBOLIZE_FILE_GONE)
		message_list_add(list, "%s is gone: offsets only; give a copy of the file (--sysroot)", path);
}

static struct known_module *module_of(struct symbolizer *symbolizer, const struct module_ref *ref)
{
	struct known_module *known;
	HASH_FIND_PTR(symbolizer->modules, &ref, known);
	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	known->ref = ref;
	symbolize_file_open(&known->module, &symbolizer->places, ref->path, ref->build_id);
	warn(symbolizer->warnings, ref, known->module.state);
	HASH_ADD_PTR(symbolizer->modules, ref, known);
	return known;
}

/* The linker's name where the debug information has none, or only libc's inner name of a public
 * function (`__libc_fork` for fork). */
static void fill_from_symbol(struct symbolizer *symbolizer, struct known_module *known,
                             struct frame *outermost, uint64_t address)
{
	if (outermost->function && outermost->function[0] != '_')
		return;
	const struct symbolize_symbol *symbol = symbolize_table_function(&known->module, address);
	if (!symbol)
		return;
	char *name = demangle_symbol(symbol->name);
	if (name && (!outermost->function || name[0] != '_'))
		outermost->function = intern(symbolizer, name);
	free(name);
}

/* A return address is looked up one byte before it; that of a signal handler has no call there. */
static void name_signal_return(struct symbolizer *symbolizer, struct known_module *known, struct frame *frame,
                               uint64_t address)
{
	if (!frame->function && (symbolize_code_is_signal_return(&known->module, address) ||
	                         symbolize_code_is_signal_return(&known->module, address + 1)))
		frame->function = intern(symbolizer, "<signal handler called>");
}

static struct place *place_new(struct symbolizer *symbolizer, struct known_module *known, uint64_t address)
{
	struct symbolize_scope scopes[SYMBOLIZE_SCOPES_MAX];
	size_t scope_count = symbolize_scope_list(&known->module, address, scopes);
	size_t frame_count = scope_count ? scope_count : 1;
	struct place *place = calloc(1, sizeof(*place));
	struct frame *frames = calloc(frame_count, sizeof(*frames));
	for (size_t i = 0; i < scope_count; i++) {
		if (frames) {
			frames[i].function = intern(symbolizer, scopes[i].function);
			frames[i].file = intern(symbolizer, scopes[i].file);
			frames[i].line = frames[i].file ? scopes[i].line : 0;
			frames[i].inlined = scopes[i].is_inlined;
		}
		symbolize_scope_clear(&scopes[i]);
	}
	if (!place || !frames) {
		free(place);
		free(frames);
		return NULL;
	}
	fill_from_symbol(symbolizer, known, &frames[frame_count - 1], address);
	name_signal_return(symbolizer, known, &frames[frame_count - 1], address);
	*place = (struct place){.address = address, .frames = frames, .count = frame_count};
	return place;
}

static const struct place *place_of(struct symbolizer *symbolizer, struct known_module *known,
                                    uint64_t address)
{
	struct place *place;
	HASH_FIND(hh, known->places, &address, sizeof(address), place);
	if (place)
		return place;
	place = place_new(symbolizer, known, address);
	if (place)
		HASH_ADD(hh, known->places, address, sizeof(place->address), place);
	return place;
}

/* Appends the frames of one raw frame. */
static int expand(struct symbolizer *symbolizer, const struct raw_frame *raw, struct frame **frames,
                  size_t *count)
{
	static const struct frame unknown;
	static const struct place nowhere = {.frames = (struct frame *)&unknown, .count = 1};
	const struct place *place = &nowhere;
	if (raw->module) {
		struct known_module *known = module_of(symbolizer, raw->module);
		place = known ? place_of(symbolizer, known, raw->offset - !raw->exact_pc) : NULL;
	}
	struct frame *grown = place ? realloc(*frames, (*count + place->count) * sizeof(*grown)) : NULL;
	if (!grown)
		return -ENOMEM;
	*frames = grown;
	for (size_t i = 0; i < place->count; i++) {
		struct frame *frame = &grown[(*count)++];
		*frame = place->frames[i];
		frame->pc = raw->pc;
		if (!raw->module)
			continue;
		frame->offset = raw->offset;
		frame->module = raw->module->path;
		frame->build_id = raw->module->build_id;
	}
	return 0;
}

int symbolize_frames(struct symbolizer *symbolizer, const struct raw_frame *frames, size_t count,
                     struct frame **ret_frames, size_t *ret_count)
{
	struct frame *expanded = NULL;
	size_t expanded_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (expand(symbolizer, &frames[i], &expanded, &expanded_count) != 0) {
			free(expanded);
			return -ENOMEM;
		}
	}
	*ret_frames = expanded;
	*ret_count = expanded_count;
	return 0;
}

const char *symbolize_data(struct symbolizer *symbolizer, const struct module_ref *module, uint64_t offset)
{
	struct known_module *known = module ? module_of(symbolizer, module) : NULL;
	struct data_name *name;
	if (!known)
		return NULL;
	HASH_FIND(hh, known->data_names, &offset, sizeof(offset), name);
	if (!name) {
		name = calloc(1, sizeof(*name));
		if (!name)
			return NULL;
		name->address = offset;
		name->name = symbolize_data_name(&known->module, offset);
		HASH_ADD(hh, known->data_names, address, sizeof(name->address), name);
	}
	return name->name;
}
