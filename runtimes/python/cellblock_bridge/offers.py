"""Comm messages for a cell that waits: the host offers them, the cell's event loop takes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import streams
from .door import door


@dataclass
class Message:
    """A comm message, and the request that brought it."""

    msg_type: str
    content: dict[str, Any]
    metadata: dict[str, Any]
    request: str = ""
    buffers: list[bytes] = field(default_factory=list)


class Offers:
    """Where messages come from, and who serves them."""

    def __init__(self) -> None:
        self._serve: Callable[[Message], None] | None = None
        #: Whether the host offers anything: one whose clock is its own does not, nor does an image that is being made.
        self._offered = True

    def serve_with(self, serve: Callable[[Message], None]) -> None:
        """Have messages served so."""
        self._serve = serve

    def serve(self, message: Message) -> None:
        """Serve a message."""
        if self._serve is not None:
            self._serve(message)

    def wait(self, seconds: float) -> Message | None:
        """Wait so long, or until there is a message, or an interrupt."""
        streams.flush()
        if door.is_muted:
            time.sleep(seconds)
            return None
        answer, buffers = door.ask("wait", seconds=seconds)
        if "msg_type" in answer:
            return Message(
                str(answer["msg_type"]),
                answer.get("content") or {},
                answer.get("metadata") or {},
                str(answer.get("msg_id") or ""),
                buffers,
            )
        if answer.get("error") not in (None, "interrupted") and seconds > 0:
            time.sleep(seconds)
        return None


offers = Offers()
