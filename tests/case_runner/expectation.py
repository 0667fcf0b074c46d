"""What a case's head comment demands: read from the first block comment of its source."""

import re
import shlex
from dataclasses import dataclass, field

VERDICTS = ("certain", "likely", "possible", "note")
PARTS = ("lock", "holder", "fork", "handed_over", "victim")
PART_KEYS = {
    "lock": ("kind", "type", "name", "initialised_at"),
    "holder": ("name", "start_routine", "created_at", "acquired_at"),
    "fork": ("call", "function"),
    "handed_over": ("kind", "name", "call", "waiting_threads", "function"),
    "victim": ("call", "function"),
}
STACK_KEYS = ("initialised_at", "created_at", "acquired_at", "function")
ABSENT = "-"
NEED = re.compile(r"root|glibc (<|>=) 2\.\d+")
LINE = re.compile(r"^\s*\*?\s*([a-z_]+):\s*(.*?)\s*$")


class ExpectationError(Exception):
    """The head comment cannot be understood; the text says which line and why."""


@dataclass
class Finding:
    """One demanded finding. parts: {"lock": {"kind": "mutex", ...}, ...}; what is not named is not checked."""

    verdict: str
    rule: str
    parts: dict = field(default_factory=dict)
    count: int | None = None


@dataclass
class Expectation:
    findings: list = field(default_factory=list)
    exit_code: int = 0
    arguments: list = field(default_factory=list)
    environment: dict = field(default_factory=dict)
    options: list = field(default_factory=list)
    hangs_natively: bool = False
    loops_natively: bool = False
    stderr_texts: list = field(default_factory=list)
    notices: list = field(default_factory=list)
    needs: list = field(default_factory=list)


def head_comment(source):
    """The text between the first /* and */ of a source file."""
    start = source.find("/*")
    end = source.find("*/", start)
    if start < 0 or end < 0:
        raise ExpectationError("no head comment: a case starts with /* ... */")
    return source[start + 2 : end]


def parse_part(key, text):
    """'mutex normal cache_mutex initialised_at=f' or 'call=fork function=main' as a dictionary."""
    ret = {}
    if text == "none":
        return None
    words = shlex.split(text)
    if key == "lock":
        if len(words) < 3 or any("=" in word for word in words[:3]):
            raise ExpectationError(f"lock: wants KIND TYPE NAME, '{ABSENT}' where left out: {text}")
        ret.update(zip(("kind", "type", "name"), words[:3]))
        words = words[3:]
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in PART_KEYS[key] or not value:
            raise ExpectationError(f"{key}: '{word}' is none of {', '.join(PART_KEYS[key])} as NAME=VALUE")
        ret[name] = value
    return ret


def parse_expect(text):
    words = text.split()
    if len(words) != 2 or words[0] not in VERDICTS:
        raise ExpectationError(f"expect: wants 'VERDICT RULE' or 'nothing': {text}")
    return Finding(words[0], words[1])


def parse_setting(expectation, key, value):
    if key == "exit":
        expectation.exit_code = int(value)
    elif key == "args":
        expectation.arguments = shlex.split(value)
    elif key == "env":
        expectation.environment.update(pair.split("=", 1) for pair in shlex.split(value))
    elif key == "options":
        expectation.options = shlex.split(value)
    elif key == "notice":
        expectation.notices.append(value)
    elif key == "needs" and NEED.fullmatch(value):
        expectation.needs.append(value)
    elif key == "stderr":
        expectation.stderr_texts.append(value)
    elif key == "native" and value in ("hangs", "loops", "ends"):
        expectation.hangs_natively = value == "hangs"
        expectation.loops_natively = value == "loops"
    else:
        raise ExpectationError(f"'{key}: {value}' is no line that a head comment may have here")


def parse(source):
    """Reads an Expectation from the text of a case. Raises ExpectationError."""
    ret = Expectation()
    seen = False
    for line in head_comment(source).splitlines():
        match = LINE.match(line)
        if not match:
            if seen and line.strip(" *"):
                raise ExpectationError(f"not 'key: value': {line.strip()}")
            continue
        key, value = match.groups()
        if key == "expect":
            seen = True
            if value != "nothing":
                ret.findings.append(parse_expect(value))
        elif not seen:
            continue
        elif key in PARTS or key == "count":
            if not ret.findings:
                raise ExpectationError(f"'{key}:' stands before any finding")
            if key == "count":
                ret.findings[-1].count = int(value)
            else:
                ret.findings[-1].parts[key] = parse_part(key, value)
        else:
            parse_setting(ret, key, value)
    if not seen:
        raise ExpectationError("the head comment has no 'expect:' line")
    return ret
