#include "symbolize_module.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void symbolize_scope_clear(struct symbolize_scope *scope)
{
	free(scope->function);
	free(scope->file);
	*scope = (struct symbolize_scope){0};
}

/* Removes "." and "name/.." in place. A link in the way would make the shorter path a wrong one, but builds
 * that put `../src/x.c` into their debug information are common and such links are not. */
static void shorten_path(char *path)
{
	char *from = path, *to = path;
	while (*from) {
		size_t length = strcspn(from + 1, "/") + 1;
		bool is_component = *from == '/';
		if (is_component && length == 2 && from[1] == '.') {
			from += length;
			continue;
		}
		if (is_component && length == 3 && from[1] == '.' && from[2] == '.' && to > path &&
		    *path == '/') {
			while (to > path && *--to != '/')
				;
			from += length;
			continue;
		}
		memmove(to, from, length);
		to += length;
		from += length;
	}
	*to = '\0';
}

static char *full_path(Dwarf_Die *unit_die, const char *file)
{
	char *path = NULL;
	Dwarf_Attribute attribute;
	const char *folder = NULL;
	if (!file || !*file || *file == '<')
		return NULL; /* "<built-in>", "<artificial>" */
	if (*file != '/' && dwarf_attr(unit_die, DW_AT_comp_dir, &attribute))
		folder = dwarf_formstring(&attribute);
	if (folder && *folder != '/')
		folder = NULL; /* mapped away by the builder, who mapped the file's own path too */
	if (asprintf(&path, "%s%s%s", folder ? folder : "", folder ? "/" : "", file) < 0)
		return NULL;
	shorten_path(path);
	return path;
}

/* Line 0 marks instructions that belong to no line: the line before them in the same function is the
 * nearest that a reader can use. */
static void read_line(Dwarf_Die *unit_die, uint64_t address, struct symbolize_scope *scope)
{
	enum { STEPS_BACK = 16 };
	Dwarf_Line *line = dwarf_getsrc_die(unit_die, address);
	for (int step = 0; line && step < STEPS_BACK; step++) {
		int number = 0;
		Dwarf_Addr start;
		if (dwarf_lineno(line, &number) == 0 && number > 0) {
			scope->line = (unsigned)number;
			scope->file = full_path(unit_die, dwarf_linesrc(line, NULL, NULL));
			return;
		}
		if (dwarf_lineaddr(line, &start) != 0)
			return;
		line = dwarf_getsrc_die(unit_die, start - 1);
	}
}

static void read_call_place(Dwarf_Die *unit_die, Dwarf_Die *inlined, struct symbolize_scope *caller)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file_index = 0, line = 0;
	Dwarf_Files *files;
	size_t file_count;
	if (dwarf_attr(inlined, DW_AT_call_line, &attribute))
		dwarf_formudata(&attribute, &line);
	caller->line = (unsigned)line;
	if (dwarf_attr(inlined, DW_AT_call_file, &attribute) &&
	    dwarf_formudata(&attribute, &file_index) == 0 &&
	    dwarf_getsrcfiles(unit_die, &files, &file_count) == 0 && file_index < file_count)
		caller->file = full_path(unit_die, dwarf_filesrc(files, file_index, NULL, NULL));
}

static bool may_hold_code(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_inlined_subroutine:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_with_stmt:
		return true;
	default:
		return false;
	}
}

/* Appends the inlined functions at the address, outermost first. Blocks without a range of their own
 * are searched too: compilers drop the range of a block, not of what is inlined in it. */
static bool collect_inlined(Dwarf_Die *parent, uint64_t address, Dwarf_Die *chain, size_t *count,
                            unsigned depth)
{
	enum { DEPTH_MAX = 128 };
	Dwarf_Die die;
	if (depth > DEPTH_MAX || *count == SYMBOLIZE_SCOPES_MAX || dwarf_child(parent, &die) != 0)
		return false;
	do {
		if (!may_hold_code(&die))
			continue;
		bool has_range = dwarf_hasattr(&die, DW_AT_low_pc) || dwarf_hasattr(&die, DW_AT_ranges);
		if (has_range && dwarf_haspc(&die, address) <= 0)
			continue;
		bool is_inlined = dwarf_tag(&die) == DW_TAG_inlined_subroutine;
		if (is_inlined && has_range)
			chain[(*count)++] = die;
		if (collect_inlined(&die, address, chain, count, depth + 1) || has_range)
			return true;
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

size_t symbolize_scope_list(struct symbolize_module *module, uint64_t address,
                            struct symbolize_scope ret_scopes[SYMBOLIZE_SCOPES_MAX])
{
	Dwarf_Die unit_die, mem, chain[SYMBOLIZE_SCOPES_MAX];
	size_t count = 0;
	if (!symbolize_unit_find(module, address, &unit_die))
		return 0;
	Dwarf_Die *body = symbolize_unit_body(&unit_die, &mem);
	bool has_function = symbolize_unit_function(module, &unit_die, address, &chain[0]);
	memset(ret_scopes, 0, SYMBOLIZE_SCOPES_MAX * sizeof(*ret_scopes));
	read_line(&unit_die, address - module->dwarf_bias, &ret_scopes[0]);
	if (!has_function)
		return ret_scopes[0].line ? 1 : 0;
	count = 1;
	collect_inlined(&chain[0], address - module->dwarf_bias, chain, &count, 0);
	for (size_t i = 0; i < count; i++) {
		Dwarf_Die *die = &chain[count - 1 - i];
		ret_scopes[i].function = symbolize_name_function(die);
		ret_scopes[i].is_inlined = i + 1 < count;
		if (ret_scopes[i].is_inlined)
			read_call_place(body, die, &ret_scopes[i + 1]);
	}
	return count;
}
