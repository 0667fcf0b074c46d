/* Names of Rust programs as people write them. */
#ifndef AFTERFORK_ANALYZER_DEMANGLE_RUST_H
#define AFTERFORK_ANALYZER_DEMANGLE_RUST_H

#include <stdbool.h>

/* Makes a name that was demangled as C++ into Rust's, in place: it never gets longer. False, and unchanged,
 * where it is not one of Rust. */
bool demangle_rust(char *name);

#endif
