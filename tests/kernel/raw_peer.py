"""A peer that speaks ZMTP by hand, below ZeroMQ: for what no library would do, such as to stop in the middle."""

from __future__ import annotations

import socket as sockets
import struct
from types import TracebackType
from typing import Any

from frontend import DEADLINE

SOCKET_TYPES = {"shell": b"DEALER", "control": b"DEALER", "stdin": b"DEALER", "hb": b"REQ", "iopub": b"SUB"}


def frame(body: bytes, *, more: bool = False, command: bool = False, announced: int | None = None) -> bytes:
    """One frame; `announced` is the length that it claims."""
    flags = (1 if more else 0) | (4 if command else 0)
    length = len(body) if announced is None else announced
    if length < 256:
        return bytes([flags, length]) + body
    return bytes([flags | 2]) + struct.pack(">Q", length) + body


def ready(socket_type: bytes, identity: bytes = b"") -> bytes:
    properties = [(b"Socket-Type", socket_type), *([(b"Identity", identity)] if identity else [])]
    body = b"".join(bytes([len(name)]) + name + struct.pack(">I", len(value)) + value for name, value in properties)
    return frame(b"\x05READY" + body, command=True)


def subscription(topic: bytes, *, cancel: bool = False) -> bytes:
    return frame((b"\x00" if cancel else b"\x01") + topic)


PING = frame(b"\x04PING\x00\x00ping", command=True)


class RawPeer:
    """A connection to one of a kernel's sockets. Nothing that comes is read unless a test does it."""

    def __init__(self, connection: dict[str, Any], channel: str, *, identity: bytes = b"", shake: bool = True):
        self.socket = sockets.create_connection((connection["ip"], connection[f"{channel}_port"]), timeout=DEADLINE)
        if shake:
            greeting = b"\xff" + b"\0" * 8 + b"\x7f\x03\x01NULL" + b"\0" * 48
            self.socket.sendall(greeting + ready(SOCKET_TYPES[channel], identity))
            # Its greeting and READY: then it counts as one that has shaken hands.
            got = b""
            while len(got) < 70:
                got += self._some()

    def _some(self) -> bytes:
        part = self.socket.recv(1 << 16)
        assert part, "the kernel closed the connection"
        return part

    def push(self, data: bytes, most: int) -> int:
        """Sends `data` over and over, `most` bytes of it or until the kernel takes no more; says how many it took.

        A kernel takes no more if it has closed the connection, or waits with reading: both end this.
        """
        self.socket.settimeout(2)
        sent = 0
        try:
            while sent < most:
                sent += self.socket.send(data)
        except OSError:
            pass
        return sent

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "RawPeer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
