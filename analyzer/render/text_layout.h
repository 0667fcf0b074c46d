/* Fitting text into columns. Strings come from traced programs: whatever a terminal could take for a command
 * is made visible by text_layout_clean(), which everything that is printed has to pass. All functions that
 * return char * return malloc'ed strings, NULL when out of memory. */
#ifndef AFTERFORK_ANALYZER_TEXT_LAYOUT_H
#define AFTERFORK_ANALYZER_TEXT_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Control characters (utf8_is_control() among them) and bytes that are not UTF-8 become \xNN; a tab becomes
 * one space. */
char *text_layout_clean(const char *text);

/* Columns that clean UTF-8 text takes; every character counts as one. */
size_t text_layout_columns(const char *text);

/* A space that is never a line's end; text_layout_wrap() prints it as a space. */
#define TEXT_LAYOUT_NO_BREAK "\xc2\xa0"

/* Prints clean text with lines broken at spaces only. The first line starts at `column`, the others at
 * `indent`. A word that is too long for a line stays whole. No newline at the end. */
void text_layout_wrap(FILE *out, const char *text, size_t column, size_t indent, size_t width);

/* A C++ name, with the standard library's spellings made short (std::string), and folded only if it takes
 * more than `columns`: first nested template arguments become <...>, then parameters (...), then all template
 * arguments. The function's own name is never cut, so the result may still be too long. */
char *text_layout_fold_name(const char *name, size_t columns);

/* A sentence that has such names in it, the same way, but only template arguments are folded: parentheses are
 * the sentence's own. */
char *text_layout_fold_sentence(const char *sentence, size_t columns);

/* A pattern in the manner of fnmatch() that matches the name; of a long C++ name, whatever its template
 * arguments and parameters are. */
char *text_layout_name_glob(const char *name);

/* The path as seen from `folder` if it is below it, else the path itself. folder NULL: none. */
char *text_layout_short_path(const char *path, const char *folder);

/* "12.3 s", "1 min 5 s", rounded down, with TEXT_LAYOUT_NO_BREAK for its spaces. */
enum { TEXT_LAYOUT_DURATION_SIZE = 32 };
void text_layout_duration(char ret_text[TEXT_LAYOUT_DURATION_SIZE], uint64_t duration_ns);

#endif
