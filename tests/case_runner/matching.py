"""Compares a JSON report with an expectation: returns lines that say what differs, none if nothing does."""

import os
import re

import report_shape
from expectation import ABSENT, STACK_KEYS, VERDICTS

RUNTIME_MODULES = re.compile(r"^(libc|libstdc\+\+|libpthread|libutil|libgcc_s|ld-linux[-a-z0-9_]*)[.-]")
RUNTIME_FUNCTIONS = re.compile(r"^(std::|__gnu_cxx::|__gthread|__libc_|__fork|operator new)")
TOOL_MODULE = re.compile(r"^libafterfork")


def bare(function):
    """A function's name without parameters, template arguments, return type and compiler suffixes."""
    name = re.sub(r"\[.*?\]|\(anonymous namespace\)::", "", function or "?")
    depth = 0
    out = []
    for character in name.split("(")[0]:
        depth += (character == "<") - (character == ">")
        if depth == 0 and character != ">":
            out.append(character)
    return "".join(out).split(" ")[-1].split(".")[0]


def is_runtime(frame):
    """True for frames of libc, libstdc++ and of std:: templates compiled into the program."""
    module = os.path.basename(frame.get("module", ""))
    function = re.sub(r"^(void|bool|int) ", "", frame.get("function", ""))
    return bool(RUNTIME_MODULES.match(module) or RUNTIME_FUNCTIONS.match(function))


def own_functions(stack):
    """Names of a stack's frames, innermost first, from the first frame that is the program's own."""
    frames = list(stack or [])
    while frames and is_runtime(frames[0]):
        frames.pop(0)
    return [bare(frame.get("function")) for frame in frames if not is_runtime(frame)]


def expand_chain(text):
    """'a<b*3<c' as ['a', 'b', 'b', 'b', 'c']."""
    ret = []
    for part in text.split("<"):
        name, star, times = part.partition("*")
        ret += [name] * (int(times) if star else 1)
    return ret


def stack_difference(text, stack):
    """None if the stack begins with the demanded chain of callers, else what is there."""
    if text == ABSENT:
        return None if not stack else " < ".join(own_functions(stack))
    wanted = expand_chain(text)
    names = own_functions(stack)
    if names[: len(wanted)] == wanted:
        return None
    return " < ".join(names) if names else "no frame"


def part_differences(part, wanted, found):
    """Lines for each demanded key of one part (lock, holder, fork, ...) that the report has otherwise."""
    if wanted is None:
        return [] if not found else [f"{part}: wanted none, found {found}"]
    found = found or {}
    ret = []
    for key, value in wanted.items():
        if key in STACK_KEYS:
            difference = stack_difference(value, found.get("stack" if key == "function" else key))
        else:
            actual = found.get(key, ABSENT)
            actual = bare(actual) if key == "start_routine" else str(actual)
            difference = None if actual == value else actual
        if difference is not None:
            ret.append(f"{part}: wanted {key}={value}, found {difference}")
    return ret


def finding_differences(wanted, found):
    ret = []
    if (wanted.verdict, wanted.rule) != (found.get("verdict"), found.get("rule")):
        ret.append(f"wanted {wanted.verdict} {wanted.rule}, "
                   f"found {found.get('verdict')} {found.get('rule')}")
    for part, keys in wanted.parts.items():
        ret += part_differences(part, keys, found.get(part))
    if wanted.count is not None and wanted.count != found.get("count"):
        ret.append(f"wanted count {wanted.count}, found {found.get('count')}")
    return ret


def pair_up(wanted, found):
    """Pairs each demanded finding with the nearest found one. Returns (pairs, wanted left, found left)."""
    candidates = sorted(
        (len(finding_differences(w, f)), i, j) for i, w in enumerate(wanted) for j, f in enumerate(found))
    pairs, used_wanted, used_found = [], set(), set()
    for _, i, j in candidates:
        if i not in used_wanted and j not in used_found:
            used_wanted.add(i)
            used_found.add(j)
            pairs.append((wanted[i], found[j]))
    return (pairs, [w for i, w in enumerate(wanted) if i not in used_wanted],
            [f for j, f in enumerate(found) if j not in used_found])


def describe(finding):
    lock = finding.get("lock", {})
    victim = own_functions(finding.get("victim", {}).get("stack"))
    holder = own_functions(finding.get("holder", {}).get("acquired_at"))
    return (f"{finding.get('verdict')} {finding.get('rule')} of {lock.get('type', '')} "
            f"{lock.get('kind')} {lock.get('name', ABSENT)}: held since {' < '.join(holder) or ABSENT}, "
            f"met in {' < '.join(victim) or ABSENT}; {finding.get('message', '')}")


def all_stacks(finding):
    for part, key in (("lock", "initialised_at"), ("holder", "created_at"), ("holder", "acquired_at"),
                      ("fork", "stack"), ("handed_over", "stack"), ("victim", "stack")):
        yield f"{part}.{key}", finding.get(part, {}).get(key, [])


def shape_differences(report):
    """What breaks the contract's JSON whatever the case is."""
    ret = report_shape.faults(report)
    if ret:
        return ret
    summary, findings = report["summary"], report["findings"]
    for verdict in VERDICTS:
        count = sum(1 for f in findings if f["verdict"] == verdict)
        if summary[verdict] != count:
            ret.append(f"summary: {verdict} is {summary[verdict]} beside {count} such findings")
    if summary["dropped_records"]:
        ret.append(f"summary: dropped_records is {summary['dropped_records']}")
    for finding in findings:
        ret += [f"{name}: holds a frame of the tool itself: {frame.get('function')}"
                for name, stack in all_stacks(finding) for frame in stack
                if TOOL_MODULE.match(os.path.basename(frame.get("module", "")))]
    if len({f["fingerprint"] for f in findings}) != len(findings):
        ret.append("findings: two have the same fingerprint")
    return ret


def notice_differences(wanted, notices):
    """`wanted` are kinds, each with words that its text must have, or none."""
    kinds = sorted({notice.get("kind") for notice in notices})
    demanded = [line.partition(" ") for line in wanted]
    if kinds != sorted({kind for kind, _, _ in demanded}):
        return [f"notices: wanted {sorted(wanted)}, found {kinds}"]
    return [
        f"notice {kind}: without {words!r}"
        for kind, _, words in demanded
        if not any(n["kind"] == kind and words in n.get("text", "") for n in notices)
    ]


def differences(expectation, report):
    """All that differs between a case's expectation and its report, as lines; empty: all is as demanded."""
    ret = shape_differences(report)
    found = report.get("findings")
    pairs, missing, surplus = pair_up(expectation.findings, found if isinstance(found, list) else [])
    for wanted, actual in pairs:
        lines = finding_differences(wanted, actual)
        if lines:
            ret.append(f"finding: {describe(actual)}")
            ret += [f"  {line}" for line in lines]
    ret += notice_differences(expectation.notices, report.get("notices", []))
    ret += [f"missing: {w.verdict} {w.rule} {w.parts}" for w in missing]
    ret += [f"not expected: {describe(f)}" for f in surplus]
    return ret
