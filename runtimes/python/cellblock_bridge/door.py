"""The guest's one way out: requests to the host, each a frame, answered at once.

Everything in the bridge that speaks to the host holds this module's `door`. Its `transport` is
`_host.call` in the sandbox; tests put their own in its place.
"""

from __future__ import annotations

from builtins import len, str
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from . import frames
from .frames import Buffer

Transport = Callable[[bytes], bytes]


class DoorRefused(RuntimeError):
    """The host answered a notification with an error, such as an output over its size limit."""

    cellblock_reason = "door"


class Door:
    """Calls to the host. Bound to a transport when it is first used."""

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport
        self._muted = False

    def ask(self, op: str, /, **fields: Any) -> tuple[dict[str, Any], list[bytes]]:
        """Send a request and return the host's answer, its `error` included, and buffers."""
        fields["op"] = op
        return frames.decode(self._call(frames.encode(fields)))

    def tell(self, op: str, /, buffers: Iterable[Buffer] | None = None, **fields: Any) -> None:
        """Send a notification; raise `DoorRefused` if the host would not take it."""
        if self._muted:
            return
        fields["op"] = op
        answer = self._call(frames.encode(fields, buffers))
        if len(answer) == _EMPTY_ANSWER:  # `{}`: not worth parsing
            return
        error = frames.decode(answer)[0].get("error")
        if error is not None:
            raise DoorRefused(str(error))

    @property
    def is_muted(self) -> bool:
        """Whether notifications are dropped, as nobody is there."""
        return self._muted

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Drop notifications: while an image is warmed up nobody is there to see them."""
        before, self._muted = self._muted, True
        try:
            yield
        finally:
            self._muted = before

    def _call(self, frame: bytes) -> bytes:
        if self._transport is None:
            import _host  # built into the artifact; tests provide a module of that name

            self._transport = _host.call
        return self._transport(frame)


_EMPTY_ANSWER = len(frames.encode({}))

door = Door()
