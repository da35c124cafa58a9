"""A host for the bridge, in Python: answers the door and keeps what came through it.

Its codec is its own (not the bridge's `frames`), so that the two check one another.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


def encode(message: dict[str, Any], buffers: Sequence[bytes] = ()) -> bytes:
    text = json.dumps(message).encode()
    out = struct.pack("<I", len(text)) + text + struct.pack("<I", len(buffers))
    return out + b"".join(struct.pack("<I", len(b)) + b for b in buffers)


def decode(frame: bytes) -> tuple[dict[str, Any], list[bytes]]:
    size = struct.unpack_from("<I", frame)[0]
    message = json.loads(frame[4 : 4 + size].decode("utf-8"), parse_constant=_no_constant)
    at = 4 + size
    count = struct.unpack_from("<I", frame, at)[0]
    at += 4
    buffers = []
    for _ in range(count):
        length = struct.unpack_from("<I", frame, at)[0]
        buffers.append(bytes(frame[at + 4 : at + 4 + length]))
        at += 4 + length
    assert at == len(frame), "trailing bytes"
    return message, buffers


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


@dataclass
class Event:
    """A notification from the guest."""

    op: str
    content: dict[str, Any]
    buffers: list[bytes]

    def __getitem__(self, key: str) -> Any:
        return self.content[key]


@dataclass
class FakeHost:
    """The host's side of the door for one turn at a time."""

    inputs: list[str | dict[str, str]] = field(default_factory=list)
    why: Any = field(default_factory=lambda: {"reason": "interrupt"})
    refuse: str | None = None
    #: What ops of a name are answered with, or what makes the answer from the request.
    answers: dict[str, Any] = field(default_factory=dict)
    request: tuple[dict[str, Any], Sequence[bytes]] | None = None
    replies: list[dict[str, Any]] = field(default_factory=list)
    reply_buffers: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def begin(self, request: dict[str, Any], buffers: Sequence[bytes]) -> None:
        self.request = (request, buffers)
        self.replies = []
        self.events = []

    def call(self, frame: bytes) -> bytes:
        message, buffers = decode(bytes(frame))
        op = message.pop("op")
        if op == "next":
            if self.request is None:
                return encode({"error": "one request a turn"})
            request, self.request = self.request, None
            return encode(*request)
        if op == "reply":
            self.replies.append(message["content"])
            self.reply_buffers = buffers
            return encode({})
        if op == "why":
            return encode(self.why() if callable(self.why) else self.why)
        if op == "fuel" and op not in self.answers:
            return encode({"error": "not metered"})
        if op in ("wait", "history") and op not in self.answers:
            return encode({"error": "not here"})
        self.events.append(Event(op, message, buffers))
        if op == "input":
            answer = self.inputs.pop(0) if self.inputs else {"error": "eof"}
            return encode(answer if isinstance(answer, dict) else {"value": answer})
        if op in self.answers:
            answer = self.answers[op]
            return encode(answer(message) if callable(answer) else answer)
        if op == self.refuse:
            return encode({"error": f"{op} refused"})
        return encode({})
