#include "symbolize_module.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demangle.h"

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		return dwarf_formstring(&attribute);
	return NULL;
}

/* The DIE that stands where the source declares the thing: its parents are the namespaces and classes. */
static void to_declaration(Dwarf_Die *die)
{
	enum { STEPS_MAX = 8 };
	Dwarf_Attribute attribute;
	for (int i = 0; i < STEPS_MAX; i++)
		if ((!dwarf_attr(die, DW_AT_abstract_origin, &attribute) &&
		     !dwarf_attr(die, DW_AT_specification, &attribute)) ||
		    !dwarf_formref_die(&attribute, die))
			return;
}

static void print_scope(FILE *out, Dwarf_Die *scope, bool is_of_lambda)
{
	const char *name = dwarf_diename(scope);
	switch (dwarf_tag(scope)) {
	case DW_TAG_namespace:
		fprintf(out, "%s::", name ? name : "(anonymous namespace)");
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_module:
		fprintf(out, "%s::", name ? name : is_of_lambda ? "{lambda}" : "{unnamed type}");
		break;
	default:
		break;
	}
}

/* A function around it brings its own namespaces and classes along. */
static void print_function_scope(FILE *out, Dwarf_Die *scope)
{
	char *name = symbolize_name_function(scope);
	if (name)
		fprintf(out, "%s%s::", name, strchr(name, '(') ? "" : "()");
	free(name);
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

char *symbolize_name_qualified(Dwarf_Die *die)
{
	Dwarf_Die declaration = *die;
	Dwarf_Die *scopes = NULL;
	char *text = NULL;
	size_t size = 0;
	to_declaration(&declaration);
	const char *name = dwarf_diename(&declaration);
	if (!name)
		return NULL;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	/* scopes[0] is the DIE itself, the last one the unit. */
	int count = dwarf_getscopes_die(&declaration, &scopes);
	int outermost = 1;
	while (outermost < count && !is_function(&scopes[outermost]))
		outermost++;
	if (outermost < count)
		print_function_scope(out, &scopes[outermost]);
	for (int i = outermost - 1; i > 0; i--)
		print_scope(out, &scopes[i], strcmp(name, "operator()") == 0);
	fputs(name, out);
	free(scopes);
	fclose(out);
	return text;
}

/* A function seen by the linker without a linkage name is of C, or extern "C": nothing is around it. */
static bool is_plain_c(Dwarf_Die *die)
{
	bool external = false;
	Dwarf_Attribute attribute;
	if (dwarf_attr_integrate(die, DW_AT_external, &attribute))
		dwarf_formflag(&attribute, &external);
	Dwarf_Die unit_die;
	if (external || !dwarf_diecu(die, &unit_die, NULL, NULL))
		return external;
	switch (dwarf_srclang(&unit_die)) {
	case DW_LANG_C89:
	case DW_LANG_C:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_Mips_Assembler:
		return true;
	default:
		return false;
	}
}

char *symbolize_name_function(Dwarf_Die *function_die)
{
	const char *linkage = linkage_name(function_die);
	if (linkage)
		return demangle_symbol(linkage);
	if (!is_plain_c(function_die))
		return symbolize_name_qualified(function_die);
	const char *name = dwarf_diename(function_die);
	return name ? strdup(name) : NULL;
}
