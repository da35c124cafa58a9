"""Writes the seed corpora: a few tiny inputs for each target, into corpus/, which git ignores.

Run from anywhere; needs nothing but Python. What an input looks like is said at the top of each target.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
DELIMITER = b"<IDS|MSG>"


def write(target: str, seeds: dict[str, bytes]) -> None:
    directory = CORPUS / target
    directory.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds.items():
        (directory / name).write_bytes(seed)


# Messages.

def dicts(msg_type: str, content: object, parent: object = None) -> list[bytes]:
    header = {"msg_id": "m1", "msg_type": msg_type, "session": "s", "username": "u", "date": "2026-01-01T00:00:00Z", "version": "5.5"}
    return [json.dumps(part).encode() for part in (header, parent or {}, {}, content)]


REQUESTS = {
    "execute": dicts("execute_request", {"code": "1+1", "silent": False, "store_history": True, "user_expressions": {"a": "b"},
                                         "allow_stdin": True, "stop_on_error": True}),
    "complete": dicts("complete_request", {"code": "añb", "cursor_pos": 2}),
    "inspect": dicts("inspect_request", {"code": "len", "cursor_pos": 3, "detail_level": 1}),
    "history": dicts("history_request", {"output": True, "raw": False, "hist_access_type": "search", "session": 0, "start": 1,
                                         "stop": 9, "n": 5, "pattern": "a*", "unique": True}),
    "comm": dicts("comm_info_request", {"target_name": "t"}),
    "input": dicts("input_reply", {"value": "line"}, parent={"msg_id": "m0"}),
    "shutdown": dicts("shutdown_request", {"restart": True}),
}

write("wire_frames", {
    **{name: b"\xff".join([b"identity", DELIMITER, b"", *parts, b"buffer"]) for name, parts in REQUESTS.items()},
    "repaired": b"\xff".join([DELIMITER, b"", b'{"msg_type":"x"}', b"{}", b"{}", b'{"code":"\xfe"}']),
    "short": b"\xff".join([DELIMITER, b"", b"{}"]),
})
# Key, how and where to change, three cuts, dictionaries, a forged signature.
write("wire_signature", {
    **{name: bytes([3]) + b"key" + bytes([at, 0, at, 33, 0, 99, 0, 101, 0, 103]) + b"\xff".join([*parts, b"0" * 64])
       for at, (name, parts) in enumerate(REQUESTS.items())},
    "unsigned": bytes(11) + b"\xff".join([b"{}"] * 4),
    "long key": bytes([80]) + b"k" * 80 + bytes(10) + b"\xff".join([b'{"msg_type":"x"}', b"{}", b"{}", b"{}"]),
})


# ZMTP.

def zmtp_frame(body: bytes, flags: int = 0) -> bytes:
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body


def zmtp_ready(kind: bytes) -> bytes:
    properties = [(b"Socket-Type", kind), (b"Identity", b"me")]
    body = b"".join(bytes([len(name)]) + name + struct.pack(">I", len(value)) + value for name, value in properties)
    return zmtp_frame(b"\x05READY" + body, 4)


GREETING = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL".ljust(64, b"\0")
COMMANDS = [b"\x04PING\0\x0aabc", b"\x04PONG", b"\x09SUBSCRIBEtopic", b"\x06CANCELtopic", b"\x05ERROR\x03bad", b"\x03NEW"]
SIZES = bytes([1, 0, 3, 40, 0, 7, 200, 2])
MESSAGE = zmtp_frame(b"identity", 1) + zmtp_frame(b"", 1) + zmtp_frame(b"x" * 300)
write("zmtp_frames", {
    "message": bytes([0]) + SIZES + MESSAGE,
    "commands": bytes([0]) + SIZES + b"".join(zmtp_frame(body, 4) for body in COMMANDS),
    "router": bytes([1]) + SIZES + GREETING + zmtp_ready(b"DEALER") + MESSAGE,
    "publisher": bytes([2]) + SIZES + GREETING + zmtp_ready(b"SUB") + zmtp_frame(COMMANDS[2], 4) + zmtp_frame(b"\x01topic"),
    "misfit": bytes([1]) + SIZES + GREETING + zmtp_ready(b"PUB"),
    "huge": bytes([0]) + SIZES + b"\2" + b"\xff" * 8,
})


# What is done, where and how something is changed, what is sent or said.
write("curve_handshake", {
    **{f"kind {kind} {by}": bytes([kind, 0, 180, by]) + b"\x0bSocket-Type\0\0\0\x06DEALER" for kind in range(6) for by in (3, 4, 5)},
    "frames": bytes([3, 1, 4, 0]) + b"x" * 600,
    "initiate": bytes([5, 0, 0, 0]) + zmtp_frame(b"\x08INITIATE" + b"\0" * 248 + b"metadata", 4),
})


# The door.

def door_frame(content: object, *buffers: bytes) -> bytes:
    text = json.dumps(content).encode()
    parts = [struct.pack("<I", len(text)), text, struct.pack("<I", len(buffers))]
    return b"".join(parts + [struct.pack("<I", len(buffer)) + buffer for buffer in buffers])


write("door_frame", {
    "op": door_frame({"op": "display", "data": {"text/plain": "é", "n": [1, -2, 0.1, 1e300, None, True]}}),
    "buffers": door_frame({"op": "comm_msg"}, b"one", b"", b"\0" * 40),
    "empty": door_frame({}),
    "list": door_frame([]),
    "many": struct.pack("<I", 2) + b"{}" + struct.pack("<I", 0xFFFFFFFF),
})


# Modules.

def leb(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def name(text: str) -> bytes:
    return leb(len(text)) + text.encode()


def vector(items: list[bytes]) -> bytes:
    return leb(len(items)) + b"".join(items)


def section(number: int, body: bytes) -> bytes:
    return bytes([number]) + leb(len(body)) + body


def custom(title: str, body: bytes) -> bytes:
    return section(0, name(title) + body)


TYPES = section(1, vector([b"\x60\0\x01\x7f", b"\x60\0\0"]))
IMPORTS = section(2, vector([name("env") + name("f") + b"\0\1", name("env") + name("g") + b"\3\x7f\0"]))
FUNCTIONS = section(3, vector([b"\0", b"\0"]))
TABLES = section(4, vector([b"\x70\0\x02"]))
MEMORIES = section(5, vector([b"\x01\x02\x09"]))
GLOBALS = section(6, vector([b"\x7f\x01\x41\x07\x0b"]))
EXPORTS = section(7, vector([name("memory") + b"\2\0", name("run") + b"\0\1"]))
START = section(8, b"\0")
ELEMENTS = section(9, vector([b"\0\x41\0\x0b\x01\x01"]))
DATA_COUNT = section(12, leb(3))
# memory.init of the passive segment, data.drop of an active one.
CODE = section(10, vector([leb(len(body)) + body for body in (
    b"\0\x41\x07\x0b", b"\0\x41\0\x41\0\x41\1\xfc\x08\1\0\xfc\x09\0\x41\x08\x0b")]))
DATA = section(11, vector([b"\0\x41\x10\x0b" + name("hello"), b"\1" + name("kept"), b"\0\x41\xf0\xa2\x04\x0b" + name("far")]))
MAIN = TYPES + FUNCTIONS + TABLES + MEMORIES + GLOBALS


def names(*pairs: tuple[int, str]) -> bytes:
    body = vector([leb(index) + name(text) for index, text in pairs])
    return custom("name", b"\1" + leb(len(body)) + body)


HEADER = b"\0asm\1\0\0\0"
BOTH = names((0, "alpha"), (1, "beta"))
write("module_rewrite", {
    "full": HEADER + MAIN + EXPORTS + ELEMENTS + DATA_COUNT + CODE + DATA + BOTH + custom("producers", b"\0") + custom("own", b"x"),
    "no exports": HEADER + MAIN + ELEMENTS + DATA_COUNT + CODE + DATA + BOTH,
    "names first": HEADER + BOTH + MAIN + EXPORTS + ELEMENTS + DATA_COUNT + CODE + DATA,
    "imports": HEADER + TYPES + IMPORTS + FUNCTIONS + TABLES + MEMORIES + EXPORTS + DATA_COUNT + CODE + DATA + names((1, "alpha"), (2, "beta")),
    "memory alone": HEADER + MEMORIES,
    "data alone": HEADER + MEMORIES + DATA,
    "exported already": HEADER + MAIN + section(7, vector([name("alpha") + b"\0\0"])) + DATA_COUNT + CODE + DATA + BOTH,
    "start": HEADER + TYPES + FUNCTIONS + MEMORIES + START + DATA_COUNT + CODE + DATA,
    "component": b"\0asm\x0d\0\1\0",
})

def session_record(kind: object, steps: list[object], *blocks: bytes, **changes: object) -> bytes:
    identity = {"runtime": "python", "image": "ab" * 32, "image_bytes": 1}
    timeline = {"steps": ["run", *steps], "position": len(steps), "names": {}, "previous": None}
    header = {"lineage": "l", "seq": 1, "epoch": 1, "prev": "", "identity": identity, "at": "2026-01-01T00:00:00Z", "clock_ns": 1,
              "timeline": timeline, "forked_at": None, "live": None, "kind": kind} | changes
    packed = b"".join(struct.pack(">H", len(block)) + block for block in blocks)
    return bytes([len(blocks)]) + packed + json.dumps(header, separators=(",", ":")).encode()


CELL = {"number": 1, "first_line": "x", "code_sha256": "cd" * 32, "ok": True, "fuel": 1, "duration_ms": 1, "at": "2026-01-01T00:00:00Z"}
FILES = {"set": {"app/a": {"kind": "file", "sha256": "ef" * 32, "size": 3, "mode": 420, "mtime_ns": 0}, "app": {"kind": "dir"}}, "gone": ["tmp/b"]}
STATE = {"id": 1, "parent": None, "cell": CELL, "cells": 1, "memory_bytes": 1 << 20, "facts": {"a": [1]}, "clock_ns": 1,
         "files": {"changes": FILES}}
write("session_record", {
    "open": session_record({"open": "somebody"}, []),
    "commit": session_record({"commit": STATE}, [{"state": 1}], b"\x03\x01", b"x"),
    "no pages": session_record({"commit": STATE}, [{"state": 1}]),
    "two runs": session_record({"commit": STATE}, [{"state": 1}], b"\x00\x01\x05\x01", b"x" * 4097),
    "snapshot": session_record({"snapshot": STATE | {"files": {"all": FILES["set"]}}}, [{"state": 1}], b"\x03\x01", b"x", seq=2, live=[]),
    "trim": session_record("trim", ["reset"], seq=2, live=[[1, "00"]]),
    "runs": b"\x03\x01\x80\x01\x02",
})

write("connection_file", {
    "tcp": json.dumps({"transport": "tcp", "ip": "127.0.0.1", "shell_port": 1, "control_port": 2, "stdin_port": 3, "iopub_port": 4,
                       "hb_port": 5, "key": "a0436f6c-1916-498b-8eb9-e81ab9368e84", "signature_scheme": "hmac-sha256",
                       "kernel_name": "x"}).encode(),
    "ipc": b'{"transport":"ipc","ip":"/tmp/k","hb_port":65535}',
    "empty": b"{}",
})


# Outputs: those that the firewall's own tests hold it against.

OUTPUTS = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent.parent / "tests/firewall").glob("*/*.json"))}
# The longest are pictures and tables, which teach a fuzzer nothing.
MAX_SEED = 8191


def joined(contents: object) -> bytes:
    text = "".join(contents) if isinstance(contents, list) else contents
    return text.encode() if isinstance(text, str) else b""


def short(seeds: dict[str, bytes]) -> dict[str, bytes]:
    return {name: seed for name, seed in seeds.items() if 0 < len(seed) <= MAX_SEED}


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def typed(*kinds: str) -> dict[str, bytes]:
    found = {name: item.get("bundle", {}).get("data", {}) for name, item in OUTPUTS.items()}
    return short({name: joined(data[kind]) for name, data in found.items() for kind in kinds if kind in data})


write("firewall_html", typed("text/html"))
write("firewall_svg", typed("image/svg+xml") | {name: seed for name, seed in typed("text/html").items() if b"<svg" in seed})
write("firewall_markdown", typed("text/markdown", "text/html"))
write("firewall_text", short({name: bytes([3, 1, 5, 2]) + joined(item["stream"]) for name, item in OUTPUTS.items() if "stream" in item}
                             | {name: b"\0" + seed for name, seed in typed("text/plain").items() if b"\x1b" in seed}))
CHARTS = {"application/json": 0, "application/vnd.plotly.v1+json": 1, "application/vnd.vega.v5+json": 2, "application/vnd.vegalite.v5+json": 3}
EXPRESSIONS = ["datum.a * 2 > 3 ? 'x' : \"y\"", "datum['a b'][0].c", "test(/^a[/]$/i, datum.a)", "scale('x', datum.a) + bandwidth('x') / 2", "{a: [1, 2.5e3], 'b': !datum.c}",
               "event.shiftKey && x() < width", "item().bounds.x1 - datum.datum.a", "if(isValid(datum.a), format(datum.a, '.2f'), null)", "data('d')[length(data('d')) - 1]"]
SELECTORS = ["click", "[pointerdown, window:pointerup] > window:pointermove!{10, 20}", "@m:click[event.shiftKey][!event.item], symbol:pointerover", "timer{100}"]
write("firewall_vega", short(
    {f"{name} chart": bytes([number]) + compact(item["bundle"]["data"][kind])
     for name, item in OUTPUTS.items() for kind, number in {"application/vnd.vega.v5+json": 0, "application/vnd.vegalite.v5+json": 1}.items()
     if kind in item.get("bundle", {}).get("data", {})}
    | {f"expression {place} {number}": bytes([number]) + text.encode() for place, text in enumerate(EXPRESSIONS) for number in (2, 3, 5)}
    | {f"selector {place}": b"\4" + text.encode() for place, text in enumerate(SELECTORS)}))
write("firewall_json", short(
    {f"{name} chart": bytes([number]) + compact(item["bundle"]["data"][kind])
     for name, item in OUTPUTS.items() for kind, number in CHARTS.items() if kind in item.get("bundle", {}).get("data", {})}
    | {f"{name} bundle": b"\4" + compact(item["bundle"]) for name, item in OUTPUTS.items() if "bundle" in item}
    | {f"{name} widgets": b"\5" + compact(item["comm"]) for name, item in OUTPUTS.items() if "comm" in item}))


def texts(value: object) -> list[str]:
    """Every text in a figure that has a sign of markup in it."""
    match value:
        case str():
            return [value] if "<" in value or "&" in value else []
        case list():
            return [text for part in value for text in texts(part)]
        case dict():
            return [text for part in value.values() for text in texts(part)]
    return []


PLOTLY = "application/vnd.plotly.v1+json"
FIGURES = {name: texts(item["bundle"]["data"][PLOTLY]) for name, item in OUTPUTS.items() if PLOTLY in item.get("bundle", {}).get("data", {})}
write("firewall_plotly_text", short({name: b"\xff".join(text.encode() for text in found) for name, found in FIGURES.items()}))

# To cmark and its kin a run of more than 80 backticks begins no code: what was code to us was a link to them.
write("firewall_markdown", {"a link in what is code": zlib.decompress(base64.b64decode(
    "eNrVlN9KwzAUxnM98B1C2WgKhtQLBbMu4L0+wVZYl2RrXNfVNOta7N5ij7IXEPc+voGY6i72B73wYuIPzoEvnJNwvoTUGNzAGkqcqax9iCA0TyNdITc2swQn"
    "KjeuF5CcS9dzLgDYbrcAAEJ4BJ3YmLt0aGKpW+CU8O1QD04IDtZsia6aQoxxexDrYDnSTI6fH6MiyrlW2WbHQifIIcZklJjNPlGIipzPhaSlB/ujEPH5bBYd"
    "yVTQcnge7Kk8RO/rfeA9vvX9yya5Hrzy/U4XLpUwMYXXflZ2YSzVJDZWvTRqFPHpRM8XaQn7/2G8taBQSwFX9smYKpEsyFgZkIwFQhUssC0iRLmMNI/xLCeC"
    "Pi2krnqqGUGGaKwSSQkhjRz/aE2iUjzF6SjPXMWnrz3nwYfemfzy/tQwf9UOiEO+9y1EKjUyNbQsmNWTEP36Vhj72h8AZv+LoY0aWo9t5rBu1biDcY130bIF"
    "JTz+Lz7ZNX8AeN+Dhw=="
))})
