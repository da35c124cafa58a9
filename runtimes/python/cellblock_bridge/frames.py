"""The door's frame: one JSON object and any number of binary buffers, length-prefixed.

Knows bytes and JSON only. The decoder trusts nothing, although its input comes from the host: a
codec that both sides can lean on is checked from both sides. It works in the midst of user code, so
it holds on to the builtins and functions that it needs.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
import numbers
import os
import struct
from builtins import (
    RecursionError,
    StopIteration,
    TypeError,
    UnicodeDecodeError,
    ValueError,
    bytearray,
    bytes,
    dict,
    float,
    frozenset,
    int,
    isinstance,
    len,
    list,
    memoryview,
    range,
    repr,
    set,
    str,
    tuple,
    type,
)
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_LENGTH = struct.Struct("<I")
_NO_BUFFERS = _LENGTH.pack(0)

Buffer = bytes | bytearray | memoryview


class FrameError(ValueError):
    """Bytes that are not one whole frame."""


def encode(message: dict[str, Any], buffers: Iterable[Buffer] | None = None) -> bytes:
    """Make the frame of a message, raising `TypeError` for what JSON cannot carry."""
    text = _json_text(message).encode("utf-8", "replace")
    if not buffers:
        return _LENGTH.pack(len(text)) + text + _NO_BUFFERS
    flat = [_flat(buffer) for buffer in buffers]
    parts = [_LENGTH.pack(len(text)), text, _LENGTH.pack(len(flat))]
    for buffer in flat:
        parts.append(_LENGTH.pack(buffer.nbytes))
        parts.append(buffer)
    return b"".join(parts)


def decode(frame: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Take a frame apart, or raise `FrameError`."""
    text, at = _counted(frame, 0)
    count, at = _length(frame, at)
    buffers: list[bytes] = []
    for _ in range(count):
        buffer, at = _counted(frame, at)
        buffers.append(buffer)
    if at != len(frame):
        raise FrameError(f"{len(frame) - at} bytes after the frame's end")
    try:
        message = _parsed(text.decode())
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FrameError(f"the frame's text is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise FrameError(f"the frame's JSON is not an object but {type(message).__name__}")
    return message, buffers


def _length(frame: bytes, at: int) -> tuple[int, int]:
    if at + 4 > len(frame):
        raise FrameError("the frame ends inside a length")
    return _LENGTH.unpack_from(frame, at)[0], at + 4


def _counted(frame: bytes, at: int) -> tuple[bytes, int]:
    size, at = _length(frame, at)
    if at + size > len(frame):
        raise FrameError("the frame is shorter than its lengths say")
    return frame[at : at + size], at + size


def _flat(buffer: Buffer) -> memoryview:
    """A buffer as bytes in a row, copied only if it is strided."""
    view = memoryview(buffer)
    if view.nbytes == 0:
        return memoryview(b"")
    return view.cast("B") if view.contiguous else memoryview(view.tobytes())


def _plain(value: Any) -> Any:
    """What stands for a value that JSON has no form for, as Jupyter clients expect it."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, (set, frozenset, Iterator)):
        return list(value)
    if isinstance(value, os.PathLike):
        return value.__fspath__()
    raise TypeError(f"{type(value).__name__} objects cannot be sent as JSON")


# Bound once: `json.dumps` makes a new encoder for each call that passes options.
_strict: Callable[[Any], str] = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
).encode

_decoder = json.JSONDecoder()
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # in C, and asks no builtins


def _parsed(text: str) -> Any:
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    return value if end == len(text) else _decoder.decode(text)


def _json_text(message: dict[str, Any]) -> str:
    try:
        return _strict(message)
    except ValueError:
        # NaN or infinity (or a cycle, which raises again below): JSON has no such numbers, and
        # clients are used to their names.
        return _strict(_finite(message, 0))


def _finite(value: Any, depth: int) -> Any:
    if depth > 200:
        raise ValueError("a value to be sent as JSON is nested too deeply, or contains itself")
    if isinstance(value, float) and not math.isfinite(value):
        return repr(float(value))
    if isinstance(value, dict):
        return {key: _finite(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item, depth + 1) for item in value]
    return value
