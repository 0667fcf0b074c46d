#!/usr/bin/env python3
"""Compares docs/trace-format.md with preload/format/: offsets and sizes as the compiler gives them, constants, call ids.

usage: check_trace_format.py --root DIR --compiler CC
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HEADERS = ("preload/format/trace_format.h", "preload/format/trace_descriptor.h")
CALLS = "preload/format/trace_calls.def"
PAGE = "docs/trace-format.md"


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def declared_structs(header):
    """{struct: [field, ...]}, in the header's order."""
    ret = {}
    for name, body in re.findall(r"\bstruct\s+(\w+)\s*\{([^{}]*)\}\s*;", strip_comments(header)):
        fields = []
        for declaration in filter(str.strip, body.split(";")):
            names = re.sub(r"\[[^]]*\]", "", declaration).split(",")
            fields += [re.search(r"(\w+)\s*$", part).group(1) for part in names]
        ret[name] = fields
    return ret


def declared_constants(header):
    ret = []
    for body in re.findall(r"\benum\b\s*\w*\s*\{([^{}]*)\}", strip_comments(header)):
        ret += re.findall(r"(?:^|,)\s*(\w+)", body)
    return ret


def rows_of(line):
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    return [cell.strip("`") for cell in cells]


def documented(page):
    """({struct: {field: (offset, size)}}, {struct: size}, {constant: value}, {call: id})"""
    structs, sizes, constants, calls = {}, {}, {}, {}
    struct = columns = None
    for line in page.splitlines():
        if line.startswith("#"):
            match = re.match(r"### struct (\w+)$", line)
            struct, columns = (match.group(1) if match else None), None
        elif not line.startswith("|"):
            columns = None
            size = re.match(r"Size: (\d+)\.$", line)
            if size and struct:
                sizes[struct] = int(size.group(1))
        elif columns is None:
            columns = rows_of(line)
        elif not line.startswith("|---"):
            take_row(dict(zip(columns, rows_of(line))), columns, struct, structs, constants, calls)
    return structs, sizes, constants, calls


def take_row(row, columns, struct, structs, constants, calls):
    if columns[:3] == ["offset", "size", "field"]:
        structs.setdefault(struct, {})[row["field"]] = (int(row["offset"]), int(row["size"]))
    elif columns[:2] == ["constant", "value"]:
        constants[row["constant"]] = int(row["value"], 0)
    elif columns == ["id", "call"]:
        calls[row["call"]] = int(row["id"])


def compiled(compiler, include, structs, constants):
    """The same numbers from the compiler: {name: number}."""
    lines = ["#include <stdio.h>", *(f'#include "{Path(header).name}"' for header in HEADERS), "int main(void)", "{"]
    for struct, fields in structs.items():
        lines.append(f'printf("{struct} %zu\\n", sizeof(struct {struct}));')
        for field in fields:
            lines.append(f'printf("{struct}.{field}@ %zu\\n", offsetof(struct {struct}, {field}));')
            lines.append(f'printf("{struct}.{field}# %zu\\n", sizeof((struct {struct} *)0)->{field});')
    for constant in constants:
        lines.append(f'printf("{constant} %llu\\n", (unsigned long long)({constant}));')
    lines += ["return 0;", "}"]
    with tempfile.TemporaryDirectory(prefix="afterfork-format-") as folder:
        source, program = Path(folder) / "numbers.c", Path(folder) / "numbers"
        source.write_text("\n".join(lines))
        subprocess.run([compiler, "-std=gnu11", "-I", str(include), "-o", str(program), str(source)], check=True)
        output = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    return {name: int(number) for name, number in (line.split() for line in output.splitlines())}


def differences(page, header, calls_def, compiler, include):
    structs, constants = declared_structs(header), declared_constants(header)
    numbers = compiled(compiler, include, structs, constants)
    described, sizes, described_constants, described_calls = documented(page)
    ret = []

    def compare(what, said, is_):
        if said != is_:
            ret.append(f"{what}: the page says {said}, the compiler {is_}")

    def compare_names(what, said, is_):
        for name in sorted(set(said) ^ set(is_)):
            ret.append(f"{what}: {name} is {'not in the page' if name in is_ else 'in the page only'}")

    for struct, fields in structs.items():
        compare(f"struct {struct}: fields", list(described.get(struct, {})), fields)
        compare(f"struct {struct}: size", sizes.get(struct), numbers[struct])
        for field in fields:
            is_ = (numbers[f"{struct}.{field}@"], numbers[f"{struct}.{field}#"])
            compare(f"{struct}.{field}: (offset, size)", described.get(struct, {}).get(field), is_)
    compare_names("structs", described, structs)
    compare_names("constants", described_constants, constants)
    for constant in set(constants) & set(described_constants):
        compare(constant, described_constants[constant], numbers[constant] & 0xffffffff)
    calls = {name: int(number) for number, name in re.findall(r"^CALL\((\d+), (\w+)\)", calls_def, re.M)}
    compare_names("call ids", described_calls, calls)
    for call in set(calls) & set(described_calls):
        compare(f"id of {call}", described_calls[call], calls[call])
    magic = re.search(r'#define TRACE_MAGIC\s+"(.{8})"', header).group(1)
    if f"`{magic}`" not in page:
        ret.append(f"the page does not name the magic {magic}")
    return ret, len(structs), len(constants), len(calls)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--compiler", required=True)
    given = parser.parse_args()
    header = "".join((given.root / name).read_text() for name in HEADERS)
    found, structs, constants, calls = differences((given.root / PAGE).read_text(), header,
                                                   (given.root / CALLS).read_text(), given.compiler,
                                                   given.root / Path(CALLS).parent)
    for line in found:
        print(f"{PAGE}: {line}", file=sys.stderr)
    print(f"compared {structs} structs, {constants} constants, {calls} call ids: {len(found)} differences")
    if not (structs and constants and calls):
        print(f"{HEADERS[0]}: nothing was found to compare: this check no longer understands it", file=sys.stderr)
        return 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
