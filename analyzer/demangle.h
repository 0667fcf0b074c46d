/* Readable names of linker symbols. */
#ifndef AFTERFORK_ANALYZER_DEMANGLE_H
#define AFTERFORK_ANALYZER_DEMANGLE_H

/* The readable form of a symbol: demangled where it is a C++ (or legacy Rust) name, without symbol
 * version (`@@GLIBC_2.34`) and without the suffixes of compiler-made copies (`.part.0`, `.cold`).
 * Returns a string to be freed by the caller; never NULL but out of memory. */
char *demangle_symbol(const char *symbol);

/* demangle_symbol() of a variable: a function-local static of C, which the compiler
 * numbers (`lock.1`), is given without the number. */
char *demangle_variable(const char *symbol);

#endif
