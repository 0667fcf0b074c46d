#!/usr/bin/env python3
"""Compares the dynamic symbols of libafterfork.so with what they may be.

exports: exactly the names of hooks.def, so that no wrapper is forgotten and nothing else is interposed.
imports: exactly the names of imports.txt: each function that the library calls runs inside somebody else's
program, perhaps in a forked child or a signal handler.
"""
import argparse
import os
import re
import subprocess
import sys

ROW = re.compile(
    r"^HOOK(?:_JUMP|_SPECIAL)?\(\s*[^,()]+,\s*(\w+)|^HOOK_NAME\(\s*(\w+)\s*\)"
    r"|^LIBC\(\s*\w+,\s*[^,()]+,\s*(\w+)|^LIBC_VOID\(\s*\w+,\s*(\w+)", re.MULTILINE)
INCLUDE = re.compile(r'^#include "(.*)"$', re.MULTILINE)

# Why a name must never get onto the whitelist. The first match tells.
FORBIDDEN = [
    (r"(malloc|calloc|realloc|reallocarray|free|posix_memalign|aligned_alloc|memalign|strn?dup|asprintf)$",
     "takes the program's allocator: deadlocks inside it and in a child"),
    (r"_?_?(printf|fprintf|dprintf|sprintf|snprintf|v\w*printf|puts|fputs|fwrite|fopen|fclose|fflush|perror|std(in|out|err))"
     r"(_chk)?$", "is stdio: takes locks and allocates"),
    (r"pthread_(mutex|cond|rwlock|spin|barrier|once)", "is a lock: go through `real`, or do without"),
    (r"(signal|sigaction|bsd_signal|sysv_signal|sigset|sigaltstack|pthread_sigmask|sigprocmask)$",
     "changes the program's signals"),
    (r"(pthread_create|thrd_create|fork|vfork|_Fork|clone|syscall)$", "is interposed: go through `real`"),
    (r"(dl_iterate_phdr|backtrace\w*|_Unwind_\w+|_?U\w*x86_64_\w+)$", "takes the loader's lock"),
    (r"(setlocale|strerror(_r|_l)?|gettext|localtime(_r)?|getenv|setenv|atexit|__cxa_atexit|exit|abort|__assert_fail)$",
     "takes a lock of libc, or ends the program"),
    (r"__stack_chk_fail$", "comes from the stack protector, which the library is built without"),
]


def hook_names(definition):
    """The names of the table, in its order."""
    without_comments = re.sub(r"/\*.*?\*/", "", definition, flags=re.DOTALL)
    return ["".join(names) for names in ROW.findall(without_comments)]


def dynamic_symbols(nm_output):
    """(defined, undefined) names of `nm -D`, without versions."""
    defined, undefined = set(), set()
    for line in nm_output.splitlines():
        kind, name = line.split()[-2:]
        (undefined if kind in "Uwv" else defined).add(name.split("@")[0])
    return defined, undefined


def read_whitelist(text):
    """(needed, allowed): a name with a question mark depends on the compiler."""
    needed, allowed = set(), set()
    for line in text.splitlines():
        name = line.split("#")[0].strip()
        if name.endswith("?"):
            allowed.add(name[:-1])
        elif name:
            needed.add(name)
    return needed, allowed | needed


def check_exports(defined, hooks):
    faults = [f"{name} stands twice in hooks.def: remove one row" for name in sorted({n for n in hooks if hooks.count(n) > 1})]
    faults += [f"{name} is in hooks.def and not exported: write its wrapper with HOOK_EXPORT" for name in sorted(set(hooks) - defined)]
    faults += [f"{name} is exported and not in hooks.def: add its row, or make it static or hidden"
               for name in sorted(defined - set(hooks))]
    return faults


def check_imports(undefined, needed, allowed):
    faults = []
    for name in sorted(undefined | allowed):
        reason = next((why for pattern, why in FORBIDDEN if re.match(pattern, name)), None)
        if reason:
            faults.append(f"{name} {reason}: the library must not import it")
        elif name not in allowed:
            faults.append(f"{name} is imported and not in imports.txt: do without it, or add it with the reason why it is safe")
    faults += [f"{name} is in imports.txt and no longer imported: remove it there" for name in sorted(needed - undefined)]
    return faults


def read_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def read_table(path):
    """A table with the tables that it includes."""
    return INCLUDE.sub(lambda match: read_table(os.path.join(os.path.dirname(path), match.group(1))), read_text(path))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["exports", "imports"])
    parser.add_argument("--library", required=True)
    parser.add_argument("--hooks", required=True)
    parser.add_argument("--whitelist", required=True)
    arguments = parser.parse_args()
    nm = subprocess.run(["nm", "-D", arguments.library], check=True, capture_output=True, text=True)
    defined, undefined = dynamic_symbols(nm.stdout)
    if arguments.side == "exports":
        faults = check_exports(defined, hook_names(read_table(arguments.hooks)))
    else:
        faults = check_imports(undefined, *read_whitelist(read_text(arguments.whitelist)))
    for fault in faults:
        print(f"{arguments.library}: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
