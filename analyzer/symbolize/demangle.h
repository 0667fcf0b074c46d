/* Readable names of linker symbols. */
#ifndef AFTERFORK_ANALYZER_DEMANGLE_H
#define AFTERFORK_ANALYZER_DEMANGLE_H

/* The readable form of a symbol: demangled where it is a C++ or Rust name, without symbol
 * version (`@@GLIBC_2.34`) and without the suffixes of compiler-made copies (`.part.0`, `.cold`).
 * Returns a string to be freed by the caller; never NULL but out of memory. */
char *demangle_symbol(const char *symbol);

/* demangle_symbol() of a variable. Static variables of C functions: clang's `get.lock` becomes `get()::lock`,
 * as C++ has it; gcc's `lock.1`, which does not tell the function, becomes `lock`. */
char *demangle_variable(const char *symbol);

#endif
