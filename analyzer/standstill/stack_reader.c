#include "stack_reader.h"

#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stack_call.h"

struct stack_reader {
	Dwfl *dwfl;
	Dwfl_Callbacks callbacks;
	bool attached;
	const struct stack_source *source; /* of the walk that is under way */
};

/* Unwinding needs .eh_frame only, which is in the file itself; names are the report's business. */
static int find_no_debuginfo(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
                             const char *file_name, const char *debuglink_file, GElf_Word debuglink_crc,
                             char **ret_file_name)
{
	(void)module, (void)userdata, (void)name, (void)base, (void)file_name, (void)debuglink_file,
	    (void)debuglink_crc, (void)ret_file_name;
	return -1;
}

static Elf *module_elf(Dwfl_Module *module, uint64_t *ret_bias)
{
	GElf_Addr bias = 0;
	Elf *elf = dwfl_module_getelf(module, &bias);

	*ret_bias = bias;
	return elf;
}

/* Constant data that unwinding reads (.eh_frame goes another way) need not be on the stack; nothing else is.
 */
static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret_word, void *context)
{
	const struct stack_source *source = ((struct stack_reader *)context)->source;

	(void)dwfl;
	if (address < source->memory_start || source->memory_size_bytes < sizeof(*ret_word) ||
	    address - source->memory_start > source->memory_size_bytes - sizeof(*ret_word))
		return false;
	memcpy(ret_word, source->memory + (address - source->memory_start), sizeof(*ret_word));
	return true;
}

static pid_t only_thread(Dwfl *dwfl, void *context, void **thread_context)
{
	(void)dwfl;
	if (*thread_context)
		return 0;
	*thread_context = context;
	return 1;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *context, void **thread_context)
{
	(void)dwfl, (void)tid;
	*thread_context = context;
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *context)
{
	const struct stack_source *source = ((struct stack_reader *)context)->source;
	Dwarf_Word registers[STACK_REGISTERS];

	for (unsigned i = 0; i < STACK_REGISTERS; i++)
		registers[i] = source->registers[i];
	if (source->has_all_registers)
		return dwfl_thread_state_registers(thread, 0, STACK_REGISTERS, registers);
	dwfl_thread_state_register_pc(thread, registers[STACK_REGISTER_PC]);
	if (registers[STACK_REGISTER_BP] &&
	    !dwfl_thread_state_registers(thread, STACK_REGISTER_BP, 1, &registers[STACK_REGISTER_BP]))
		return false;
	return dwfl_thread_state_registers(thread, STACK_REGISTER_SP, 1, &registers[STACK_REGISTER_SP]);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
    .next_thread = only_thread,
    .get_thread = get_thread,
    .memory_read = read_memory,
    .set_initial_registers = set_registers,
};

static bool report_modules(struct stack_reader *reader, const struct proc_maps *maps)
{
	FILE *file = maps->text_size_bytes ? fmemopen(maps->text, maps->text_size_bytes, "r") : NULL;

	if (!file)
		return false;
	dwfl_report_begin(reader->dwfl);
	int status = dwfl_linux_proc_maps_report(reader->dwfl, file);
	dwfl_report_end(reader->dwfl, NULL, NULL);
	fclose(file);
	return status == 0;
}

struct stack_reader *stack_reader_new(const struct proc_maps *maps)
{
	struct stack_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->callbacks = (Dwfl_Callbacks){
	    .find_elf = dwfl_linux_proc_find_elf,
	    .find_debuginfo = find_no_debuginfo,
	};
	reader->dwfl = dwfl_begin(&reader->callbacks);
	if (!reader->dwfl || !report_modules(reader, maps)) {
		stack_reader_free(reader);
		return NULL;
	}
	return reader;
}

void stack_reader_free(struct stack_reader *reader)
{
	if (!reader)
		return;
	if (reader->dwfl)
		dwfl_end(reader->dwfl);
	free(reader);
}

static void describe_module(Dwfl_Module *module, struct stack_frame *frame)
{
	Dwarf_Addr start, end;
	const char *path = NULL;
	const unsigned char *id;
	GElf_Addr id_address;
	const char *name = dwfl_module_info(module, NULL, &start, &end, NULL, NULL, &path, NULL);

	/* Without its file a module has no bias, and offsets in it would be wrong. */
	if (!module_elf(module, &frame->module_bias))
		return;
	int length = dwfl_module_build_id(module, &id, &id_address);
	frame->has_module = true;
	frame->module_start = start;
	frame->module_end = end;
	if (length > 0 && (size_t)length <= sizeof(frame->build_id)) {
		memcpy(frame->build_id, id, (size_t)length);
		frame->build_id_size_bytes = (uint32_t)length;
	}
	snprintf(frame->module_path, sizeof(frame->module_path), "%s", path ? path : name ? name : "");
}

void stack_reader_describe(struct stack_reader *reader, uint64_t pc, bool is_exact,
                           struct stack_frame *ret_frame)
{
	uint64_t inside = pc - !is_exact;
	Dwfl_Module *module = dwfl_addrmodule(reader->dwfl, inside);
	GElf_Off offset = 0;
	GElf_Sym symbol;

	*ret_frame = (struct stack_frame){.pc = pc, .is_exact = is_exact};
	if (!module)
		return;
	describe_module(module, ret_frame);
	const char *name = dwfl_module_addrinfo(module, inside, &offset, &symbol, NULL, NULL, NULL);
	/* The nearest symbol below is not the function unless the address is inside it. */
	if (name && offset < symbol.st_size)
		snprintf(ret_frame->function, sizeof(ret_frame->function), "%s", name);
}

struct walk {
	struct stack_reader *reader;
	struct stack_frame *frames;
	size_t count, max;
	bool truncated;
};

static int take_frame(Dwfl_Frame *state, void *context)
{
	struct walk *walk = context;
	Dwarf_Addr pc;
	bool is_exact = false;

	if (!dwfl_frame_pc(state, &pc, &is_exact) || !pc)
		return DWARF_CB_ABORT;
	if (walk->count == walk->max) {
		walk->truncated = true;
		return DWARF_CB_ABORT;
	}
	stack_reader_describe(walk->reader, pc, is_exact, &walk->frames[walk->count++]);
	return DWARF_CB_OK;
}

/* Where the stack goes from one module to another. */
static void describe_calls(struct stack_reader *reader, struct stack_frame *frames, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct stack_frame *caller = &frames[i];
		Dwfl_Module *module =
		    caller->has_module ? dwfl_addrmodule(reader->dwfl, caller->pc - 1) : NULL;
		uint64_t bias;

		if (!module || caller->is_exact || frames[i - 1].module_start == caller->module_start)
			continue;
		Elf *elf = module_elf(module, &bias);
		if (elf)
			stack_call_symbol(elf, caller->pc - bias, caller->called, sizeof(caller->called));
	}
}

static bool is_first_function(const struct stack_frame *frame)
{
	static const char *const names[] = {"_start", "__libc_start_main", "clone",       "__clone",
	                                    "clone3", "__clone3",          "start_thread"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(frame->function, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

size_t stack_reader_walk(struct stack_reader *reader, const struct stack_source *source,
                         struct stack_frame *ret_frames, size_t max, unsigned *ret_flags)
{
	struct walk walk = {.reader = reader, .frames = ret_frames, .max = max};

	reader->source = source;
	if (!reader->attached)
		reader->attached = dwfl_attach_state(reader->dwfl, NULL, 1, &thread_callbacks, reader);
	int status = reader->attached ? dwfl_getthread_frames(reader->dwfl, 1, take_frame, &walk) : -1;
	/* Without rules for the innermost frame there is still the place where the thread is. */
	if (!walk.count && max)
		stack_reader_describe(reader, source->registers[STACK_REGISTER_PC], true,
		                      &ret_frames[walk.count++]);
	describe_calls(reader, ret_frames, walk.count);
	*ret_flags = walk.truncated                                                   ? TRACE_STACK_TRUNCATED
	             : status != 0 && !is_first_function(&ret_frames[walk.count - 1]) ? TRACE_STACK_CUT
	                                                                              : 0;
	return walk.count;
}
