/* One module of a traced program, opened off line. Internal to symbolize*.c.
 *
 * All addresses are file addresses (the p_vaddr space of the ELF file): recorded address minus the
 * module's bias. Nothing here is thread-safe; strings live as long as the module unless said otherwise. */
#ifndef AFTERFORK_ANALYZER_SYMBOLIZE_MODULE_H
#define AFTERFORK_ANALYZER_SYMBOLIZE_MODULE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "symbolize.h"

enum symbolize_file_state {
	SYMBOLIZE_FILE_MATCHES,      /* same build-id as recorded */
	SYMBOLIZE_FILE_UNVERIFIED,   /* no build-id was recorded: the file at that path, taken on trust */
	SYMBOLIZE_FILE_GONE,         /* nothing at that path, and nothing with that build-id elsewhere */
	SYMBOLIZE_FILE_OTHER_BUILD,  /* the file there has another build-id, or none */
	SYMBOLIZE_FILE_UNREADABLE,   /* no permission, no regular file, or no valid ELF file */
	SYMBOLIZE_FILE_NO_FILE_NAME, /* vdso, anonymous or deleted mapping: nothing to open */
};

struct symbolize_symbol {
	uint64_t start, end;
	uint64_t
	    enclosing_end; /* the largest `end` of this and all earlier symbols: ends a backward search */
	const char *name;
	bool is_global;
};

struct symbolize_table {
	struct symbolize_symbol *symbols; /* by start */
	size_t count;
};

/* A compilation unit's share of the addresses. */
struct symbolize_range {
	uint64_t start, end;
	Dwarf_Off die_offset;
};

/* Functions of one compilation unit, indexed when the first address in it is asked for. */
struct symbolize_unit;

struct symbolize_module {
	enum symbolize_file_state state;
	Dwfl *dwfl; /* owns all of libdw's memory; NULL unless the file is open */
	Dwfl_Module *dwfl_module;
	bool symbols_read, dwarf_read, ranges_read;
	struct symbolize_table functions;
	struct symbolize_table variables;
	Dwarf *dwarf;                   /* NULL: none found */
	Dwarf_Addr dwarf_bias;          /* file address - dwarf_bias = address in the DWARF */
	struct symbolize_range *ranges; /* of units, by start; read when .debug_aranges fails */
	size_t range_count;
	struct symbolize_unit *units; /* uthash, by offset of the unit's DIE */
	struct symbolize_range *data; /* of variables, by start */
	size_t data_count;
	int data_level; /* 0: not read; 1: without those of functions; 2: all */
};

/* Where files are looked for; shared by all modules of a symbolizer, which outlives them. */
struct symbolize_places {
	const char *sysroot; /* tried before the recorded path; NULL: none */
	bool debuginfod, names_only;
	time_t debuginfod_waited_s; /* in vain */
	char *debug_folders;        /* owned */
	Dwfl_Callbacks callbacks;
};

/* One of the functions that an address belongs to: the inlined ones come first. */
struct symbolize_scope {
	char *function; /* demangled; NULL: not known; owned */
	char *file;     /* NULL: not known; owned */
	unsigned line;  /* 0: not known */
	bool is_inlined;
};
enum { SYMBOLIZE_SCOPES_MAX = 32 };

/* symbolize_file.c: opens the file that has the build-id, or says by `state` why there is none. The build-id
 * is in hex; NULL: none was recorded. */
void symbolize_file_open(struct symbolize_module *module, struct symbolize_places *places, const char *path,
                         const char *build_id);
void symbolize_file_close(struct symbolize_module *module);
bool symbolize_file_places_init(struct symbolize_places *places, const struct symbolizer_options *options);
void symbolize_file_places_release(struct symbolize_places *places);

/* symbolize_table.c: what the symbol tables say. NULL where no symbol covers the address. */
const struct symbolize_symbol *symbolize_table_function(struct symbolize_module *module, uint64_t address);
const struct symbolize_symbol *symbolize_table_variable(struct symbolize_module *module, uint64_t address);
void symbolize_table_release(struct symbolize_module *module);

/* symbolize_code.c: true where the code is that which a signal handler returns to. */
bool symbolize_code_is_signal_return(struct symbolize_module *module, uint64_t address);

/* symbolize_unit.c: from an address to the DIEs that cover it. */
bool symbolize_unit_find(struct symbolize_module *module, uint64_t address, Dwarf_Die *ret_unit_die);
/* The concrete subprogram that covers the address; false: none. */
bool symbolize_unit_function(struct symbolize_module *module, Dwarf_Die *unit_die, uint64_t address,
                             Dwarf_Die *ret_function_die);
Dwarf *symbolize_unit_dwarf(struct symbolize_module *module);
/* The DIE that carries a unit's children: of split DWARF, the one in the .dwo file. */
Dwarf_Die *symbolize_unit_body(Dwarf_Die *unit_die, Dwarf_Die *mem);
void symbolize_unit_release(struct symbolize_module *module);

/* symbolize_scope.c: functions, files and lines, innermost first; 0: the DWARF says nothing about the
 * address. The caller frees the strings by symbolize_scope_clear(). */
size_t symbolize_scope_list(struct symbolize_module *module, uint64_t address,
                            struct symbolize_scope ret_scopes[SYMBOLIZE_SCOPES_MAX]);
void symbolize_scope_clear(struct symbolize_scope *scope);

/* symbolize_name.c: names of DIEs. Each returns an allocated string, or NULL where the DIE has no name. */
char *symbolize_name_function(Dwarf_Die *function_die);
char *symbolize_name_qualified(Dwarf_Die *die); /* with the namespaces, classes and functions around it */

/* symbolize_data.c: name of the variable that covers an address, with the path of members and indices to
 * it (`server.shards[3].lock`), or with `+0x18` where the types do not tell. NULL: no variable is known. */
char *symbolize_data_name(struct symbolize_module *module, uint64_t address);
void symbolize_data_release(struct symbolize_module *module);

#endif
