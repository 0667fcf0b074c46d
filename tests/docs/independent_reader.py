"""A reader of traces, written from docs/trace-format.md alone: it shares no code, header or table with afterfork.

read_folder(path) gives {"run": {...} or None, "images": [{"header": ..., "incidents": [...], "notices": [...]}]}.
"""

import struct
from pathlib import Path

HEADER_SIZE, GRANULE, RECORD_MAX = 16384, 256, 65536
INCIDENT, NOTICE, ATFORK = 1, 2, 3
CHECKSUM_FROM_MAX = {INCIDENT: 72, NOTICE: 40, ATFORK: 40}
UNKNOWN_MODULE = 0xffffffff


class NotATrace(Exception):
    pass


class View:
    """Integers and strings at offsets, in the file's byte order."""

    def __init__(self, data, order):
        self.data, self.order = data, order

    def number(self, offset, code):
        return struct.unpack_from(self.order + code, self.data, offset)[0]

    def u16(self, offset):
        return self.number(offset, "H")

    def u32(self, offset):
        return self.number(offset, "I")

    def i32(self, offset):
        return self.number(offset, "i")

    def u64(self, offset):
        return self.number(offset, "Q")

    def text(self, offset, size):
        return self.data[offset:offset + size].split(b"\0")[0].decode("utf-8", "backslashreplace")

    def arguments(self, offset, size):
        return [part.decode("utf-8", "backslashreplace") for part in self.data[offset:offset + size].split(b"\0")[:-1]]


def fnv1a(data):
    ret = 2166136261
    for byte in data:
        ret = (ret ^ byte) * 16777619 % 2**32
    return ret


def open_view(data):
    if data[:8] != b"AFTRFORK" or len(data) < HEADER_SIZE:
        raise NotATrace("no magic, or shorter than its header")
    order = {b"\x04\x03\x02\x01": "<", b"\x01\x02\x03\x04": ">"}.get(data[12:16])
    if order is None:
        raise NotATrace("no byte order")
    view = View(data, order)
    if view.u32(8) != 1 or view.u32(24) != HEADER_SIZE or view.u32(28) != GRANULE:
        raise NotATrace("another version")
    return view


def read_stack(record, offset, frames):
    first, count, flags = record.u32(offset), record.u16(offset + 4), record.u16(offset + 6)
    return {"frames": frames[first:first + count], "cut": bool(flags & 1), "truncated": bool(flags & 2)}


def read_tables(record, offset):
    """The three tables whose places stand at `offset`: (frames, modules, strings as a view)."""
    frames_at, frame_count, modules_at, module_count, strings_at, strings_size = (
        record.u32(offset + 4 * i) for i in range(6))
    strings = View(record.data[strings_at:strings_at + strings_size], record.order)
    modules = []
    for at in range(modules_at, modules_at + 64 * module_count, 64):
        modules.append({"bias": record.u64(at + 16), "build_id": record.data[at + 24:][:record.u32(at + 56)].hex(),
                        "path": strings.text(record.u32(at + 60), strings_size)})
    frames = []
    for at in range(frames_at, frames_at + 16 * frame_count, 16):
        frame = {"pc": record.u64(at)}
        if record.u32(at + 8) != UNKNOWN_MODULE:
            module = modules[record.u32(at + 8)]
            frame.update(module=module["path"], build_id=module["build_id"], offset=frame["pc"] - module["bias"])
        frames.append(frame)
    return frames, modules, strings


def read_incident(record):
    frames, _, strings = read_tables(record, 264)
    lock, holder, fork, victim = 96, 136, 192, 224
    return {
        "pid": record.i32(24), "tid": record.i32(28), "time_ns": record.u64(32),
        "outcome": record.u32(40), "result": record.i32(44), "repeats": record.u64(56), "observed": record.u32(72),
        "lock": {"address": record.u64(lock), "kind": record.u32(lock + 8), "type": record.u32(lock + 12),
                 "owner_tid": record.i32(lock + 24), "initialised_at": read_stack(record, lock + 32, frames)},
        "holder": {"tid": record.i32(holder), "name": record.text(holder + 8, 16), "call": record.u32(holder + 36),
                   "created_at": read_stack(record, holder + 40, frames),
                   "acquired_at": read_stack(record, holder + 48, frames)},
        "fork": {"pid": record.i32(fork), "tid": record.i32(fork + 4), "call": record.u32(fork + 8),
                 "vanished_threads": record.u32(fork + 12), "stack": read_stack(record, fork + 24, frames)},
        "victim": {"ppid": record.i32(victim), "call": record.u32(victim + 4), "live_threads": record.u32(victim + 8),
                   "exe": strings.text(record.u32(victim + 12), len(strings.data)),
                   "name": record.text(victim + 16, 16), "stack": read_stack(record, victim + 32, frames)},
    }


def read_notice(record):
    return {"kind": record.u32(40), "error": record.i32(44), "path": record.text(56, record.u32(48))}


def whole_record(view, offset):
    """The record at the offset as a view, or None."""
    if offset + 40 > len(view.data) or view.data[offset:offset + 4] != struct.pack(view.order + "I", 0x43524641):
        return None
    kind, size, state = (view.u32(offset + at) for at in (4, 8, 12))
    checksum, start = view.u32(offset + 16), view.u32(offset + 20)
    if state != 1 or not 40 <= size <= RECORD_MAX or offset + size > len(view.data):
        return None
    if not 24 <= start <= min(size, CHECKSUM_FROM_MAX.get(kind, size)):
        return None
    data = view.data[offset:offset + size]
    return View(data, view.order) if fnv1a(data[start:]) == checksum else None


def records(view):
    offset = HEADER_SIZE
    while offset < len(view.data):
        record = whole_record(view, offset)
        yield record
        offset += (len(record.data) + GRANULE - 1) // GRANULE * GRANULE if record else GRANULE


def read_records(view):
    ret = {"incidents": [], "notices": []}
    for record in filter(None, records(view)):
        kind = record.u32(4)
        if kind == INCIDENT:
            ret["incidents"].append(read_incident(record))
        elif kind == NOTICE:
            ret["notices"].append(read_notice(record))
    return ret


def read_run(path):
    view = open_view(path.read_bytes())
    names = ("processes", "threads", "forks", "images", "images_unrecorded", "cut_stacks", "lost_held",
             "execs_uncovered")
    ret = {name: view.u64(128 + 8 * i) for i, name in enumerate(names)}
    ret.update(run_id=view.u64(40), dropped_records=view.u64(56), ended=view.u32(92), exit_code=view.i32(104),
               exit_signal=view.i32(108), command=view.arguments(224, view.u32(196)), **read_records(view))
    return ret


def read_image(path):
    view = open_view(path.read_bytes())
    return {"run_id": view.u64(40), "dropped_records": view.u64(56), "pid": view.i32(80), "exe": view.text(120, 1024),
            "command": view.arguments(1152, view.u32(1144)), **read_records(view)}


def read_folder(folder):
    folder = Path(folder)
    run = folder / "run"
    return {"run": read_run(run) if run.exists() else None,
            "images": [read_image(path) for path in sorted(folder.glob("image-*"))]}
