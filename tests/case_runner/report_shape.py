"""The JSON report as docs/verdicts.md describes it: every key, what its value is, whether it may be absent (`?`). What
is not described is a fault, and so is a value that says that nothing is known: such a key is left out."""

import re

from expectation import VERDICTS

KINDS = ("mutex", "rwlock", "spinlock", "semaphore", "condvar", "barrier", "thread", "futex", "libc", "static-init", "stdio")
TYPES = ("normal", "recursive", "errorcheck", "adaptive")
RULES = ("lock-held-by-vanished-thread", "owner-is-parent-thread", "waker-vanished", "libc-lock-held-by-vanished-thread",
         "static-init-interrupted", "atfork-handler-deadlock", "stale-lock-met", "foreign-unlock",
         "lock-shared-with-vanished-thread", "lock-held-at-fork", "other-deadlock")


def text(value):
    return isinstance(value, str) and value != ""


def any_text(value):
    return isinstance(value, str)


def matching(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def one_of(*values):
    return lambda value: isinstance(value, str) and value in values


def number(lowest):
    return lambda value: type(value) is int and lowest <= value < 2**64


def true(value):
    return value is True


def boolean(value):
    return isinstance(value, bool)


ADDRESS = matching("0x(0|[1-9a-f][0-9a-f]*)")
TIME = matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
COUNT, KNOWN, ID = number(0), number(1), number(1)
PLACE = {"module?": text, "build_id?": matching("([0-9a-f]{2})+"), "offset?": ADDRESS}
FRAME = {"pc": ADDRESS, **PLACE, "function?": text, "file?": text, "line?": KNOWN, "inlined": boolean}


def stack(key):
    return {f"{key}?": [FRAME], f"{key}_cut?": true}


THREAD = {"tid?": ID, "name?": text, "start_routine?": text, "call?": text, **stack("created_at")}
FINDING = {
    "fingerprint": matching("[0-9a-f]{16}"), "verdict": one_of(*VERDICTS), "rule": one_of(*RULES), "count": KNOWN,
    "pending": COUNT, "message": text, "advice": text,
    "process?": {"pid?": ID, "ppid?": ID, "exe?": text},
    "lock?": {"address?": ADDRESS, "kind": one_of(*KINDS), "type?": one_of(*TYPES), "name?": text, **PLACE,
              **stack("initialised_at"), "robust?": true, "process_shared?": true, "prio_inherit?": true},
    "holder?": {**THREAD, **stack("acquired_at")},
    "vanished?": [{**THREAD, **stack("stack"), "doing?": one_of("holds", "calls")}],
    "handed_over?": {"call": text, "tid?": ID, "address": ADDRESS, "kind?": one_of(*KINDS), "name?": text,
                     "waiting_threads": COUNT, "count": COUNT, **stack("stack")},
    "fork?": {"pid?": ID, "tid?": ID, "call?": text, **stack("stack"), "vanished_threads?": KNOWN},
    "victim?": {"pid?": ID, "tid?": ID, "name?": text, "call?": text, **stack("stack"), "blocked_ns?": COUNT,
                "live_threads?": KNOWN},
}
REPORT = {
    "schema": one_of("afterfork/report/1"), "tool": {"name": one_of("afterfork"), "version": text},
    "command?": [any_text], "command_truncated?": true, "started?": TIME, "duration_ns?": COUNT,
    "exit?": {"code?": number(0), "signal": COUNT},
    "summary": {**dict.fromkeys(VERDICTS, COUNT), "processes?": COUNT, "threads?": COUNT, "forks?": COUNT, "images?": COUNT,
                "suppressed": COUNT, "dropped_records": COUNT, "damaged_records": COUNT, "cut_stacks?": COUNT,
                "lost_held?": COUNT, "images_unrecorded?": COUNT, "execs_uncovered?": COUNT},
    "notices": [{"kind": text, "text": text, "path?": text, "pid?": ID, "count": KNOWN}],
    "warnings": [text],
    "findings": [FINDING],
}
# A key that says nothing without another one beside it.
NEEDS = {"build_id": "module", "offset": "module", "line": "file", "type": "kind", "command_truncated": "command"}
MAY_BE_EMPTY = ("findings", "notices", "warnings")


def faults(value, shape=None, at="report"):
    """What breaks the shape, as lines; empty: all is as described."""
    shape = REPORT if shape is None else shape
    if callable(shape):
        return [] if shape(value) else [f"{at}: {value!r}"]
    if isinstance(shape, list):
        if not isinstance(value, list) or (not value and at.rpartition(".")[2] not in MAY_BE_EMPTY):
            return [f"{at}: wanted a list of something, found {value!r}"]
        return [line for i, item in enumerate(value) for line in faults(item, shape[0], f"{at}.{i}")]
    if not isinstance(value, dict) or not value:
        return [f"{at}: wanted an object of something, found {value!r}"]
    return object_faults(value, shape, at)


def object_faults(value, shape, at):
    known = {key.rstrip("?"): inner for key, inner in shape.items()}
    ret = [f"{at}.{key}: is not described" for key in value if key not in known]
    ret += [f"{at}.{key}: is missing" for key in shape if not key.endswith("?") and key not in value]
    for key in value:
        needed = key[: -len("_cut")] if key.endswith("_cut") else NEEDS.get(key)
        if needed and needed in known and needed not in value:
            ret.append(f"{at}.{key}: stands without {needed}")
        if key in known:
            ret += faults(value[key], known[key], f"{at}.{key}")
    return ret


def all_keys(shape=None):
    """Every key that is described, for a comparison with the documentation."""
    shape = REPORT if shape is None else shape
    if isinstance(shape, list):
        return all_keys(shape[0])
    if not isinstance(shape, dict):
        return set()
    return {key.rstrip("?") for key in shape}.union(*(all_keys(inner) for inner in shape.values()))
