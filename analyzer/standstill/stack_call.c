#include "stack_call.h"

#include <gelf.h>
#include <stdio.h>
#include <string.h>

enum { CALL_SIZE_BYTES = 6, STUB_SIZE_BYTES = 16 };

static bool read_code(Elf *elf, uint64_t address, unsigned char *ret_bytes, size_t size_bytes)
{
	GElf_Phdr part;
	size_t count;

	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &part) || part.p_type != PT_LOAD || address < part.p_vaddr ||
		    address - part.p_vaddr > part.p_filesz ||
		    size_bytes > part.p_filesz - (address - part.p_vaddr))
			continue;
		Elf_Data *data = elf_getdata_rawchunk(
		    elf, (int64_t)(part.p_offset + (address - part.p_vaddr)), size_bytes, ELF_T_BYTE);
		if (!data || data->d_size != size_bytes)
			return false;
		memcpy(ret_bytes, data->d_buf, size_bytes);
		return true;
	}
	return false;
}

static uint64_t relative(const unsigned char *operand, uint64_t after)
{
	int32_t distance;

	memcpy(&distance, operand, sizeof(distance));
	return after + (uint64_t)(int64_t)distance;
}

/* The stub of a linkage table: [endbr64] [bnd] jmp *slot(%rip). */
static bool stub_slot(Elf *elf, uint64_t stub, uint64_t *ret_slot)
{
	static const unsigned char landing[] = {0xf3, 0x0f, 0x1e, 0xfa}, jump[] = {0xff, 0x25};
	unsigned char code[STUB_SIZE_BYTES];
	size_t at = 0;

	if (!read_code(elf, stub, code, sizeof(code)))
		return false;
	if (memcmp(code, landing, sizeof(landing)) == 0)
		at += sizeof(landing);
	if (code[at] == 0xf2)
		at++;
	if (memcmp(code + at, jump, sizeof(jump)) != 0)
		return false;
	*ret_slot = relative(code + at + 2, stub + at + CALL_SIZE_BYTES);
	return true;
}

static bool called_slot(Elf *elf, uint64_t after, uint64_t *ret_slot)
{
	unsigned char code[CALL_SIZE_BYTES];

	if (!read_code(elf, after - sizeof(code), code, sizeof(code)))
		return false;
	if (code[0] == 0xff && code[1] == 0x15) {
		*ret_slot = relative(code + 2, after);
		return true;
	}
	return code[1] == 0xe8 && stub_slot(elf, relative(code + 2, after), ret_slot);
}

/* The symbol whose address the loader puts there. */
static bool find_symbol(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, uint64_t slot, char *ret_name,
                        size_t size_bytes)
{
	Elf_Data *relocations = elf_getdata(section, NULL);
	Elf_Scn *symbols = elf_getscn(elf, header->sh_link);
	Elf_Data *table = symbols ? elf_getdata(symbols, NULL) : NULL;
	GElf_Shdr symbols_header;
	GElf_Rela relocation;
	GElf_Sym symbol;

	if (!relocations || !table || !header->sh_entsize || !gelf_getshdr(symbols, &symbols_header))
		return false;
	for (size_t i = 0; i < header->sh_size / header->sh_entsize; i++) {
		if (!gelf_getrela(relocations, (int)i, &relocation) || relocation.r_offset != slot)
			continue;
		const char *name = gelf_getsym(table, (int)GELF_R_SYM(relocation.r_info), &symbol)
		                       ? elf_strptr(elf, symbols_header.sh_link, symbol.st_name)
		                       : NULL;
		if (!name || !*name)
			return false;
		snprintf(ret_name, size_bytes, "%s", name);
		return true;
	}
	return false;
}

bool stack_call_symbol(Elf *elf, uint64_t after, char *ret_name, size_t size_bytes)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	uint64_t slot;

	if (!called_slot(elf, after, &slot))
		return false;
	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_RELA &&
		    find_symbol(elf, section, &header, slot, ret_name, size_bytes))
			return true;
	return false;
}
