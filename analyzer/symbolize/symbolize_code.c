#include <string.h>

#include "symbolize_module.h"

/* mov $15,%rax; syscall: what a signal handler returns to (rt_sigreturn, x86-64). libc has no symbol for it.
 */
static const unsigned char signal_return[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};

static const unsigned char *code_at(struct symbolize_module *module, uint64_t address, size_t size_bytes)
{
	Dwarf_Addr offset = address, bias;
	Elf_Scn *section =
	    module->dwfl_module ? dwfl_module_address_section(module->dwfl_module, &offset, &bias) : NULL;
	Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
	bool is_inside = data && data->d_buf && offset <= data->d_size && size_bytes <= data->d_size - offset;
	return is_inside ? (const unsigned char *)data->d_buf + offset : NULL;
}

bool symbolize_code_is_signal_return(struct symbolize_module *module, uint64_t address)
{
	const unsigned char *code = code_at(module, address, sizeof(signal_return));
	return code && memcmp(code, signal_return, sizeof(signal_return)) == 0;
}
