"""SIGINT in the guest: the host's way of asking a cell to stop, and why.

The host sets the interpreter's own "a signal has arrived" flags, so the handler runs at the next
bytecode. It asks the host `why` and raises the exception for that reason, but only while user
code is running: an interrupt that lands in the bridge itself waits until user code runs again in
the same turn, and dies with the turn otherwise. The host may also only want to know where the
cell is: then nothing is raised.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from cellblock import FuelExhausted, LimitReached, TimeLimitExceeded

from .door import door
from .sampling import samples

_LIMITS: dict[str, type[LimitReached]] = {
    "fuel": FuelExhausted,
    "timeout": TimeLimitExceeded,
}


class Gate:
    """Whether an interrupt may be raised right now."""

    def __init__(self) -> None:
        self._open = False
        self._pending = False

    @contextmanager
    def user_code(self) -> Iterator[None]:
        """The span in which interrupts are raised."""
        _install_if_replaced()
        self._open = True
        try:
            if self._pending:
                self.heed(None)
            yield
        finally:
            self._open = False

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self._open:
            self.heed(frame)
        else:
            self._pending = True

    def heed(self, frame: FrameType | None) -> None:
        """Ask the host why it interrupts, and raise that; or note where we are, if that is all."""
        self._pending = False
        answer = door.ask("why")[0]
        if answer.get("reason") == "sample":
            samples.take(frame)
            return
        raise exception_for(answer)

    def end_turn(self) -> None:
        """Forget an interrupt that came too late to interrupt anything."""
        self._pending = False


gate = Gate()


def exception_for(answer: dict[str, Any]) -> KeyboardInterrupt:
    """The exception that tells the user what the host's answer to `why` says."""
    reason = answer.get("reason", "interrupt")
    if reason == "interrupt":
        return KeyboardInterrupt(*filter(None, [answer.get("message")]))
    kind = _LIMITS.get(reason, LimitReached)
    return kind(
        _limit_text(reason, answer),
        key=answer.get("key"),
        limit=answer.get("limit"),
        used=answer.get("used"),
    )


def _limit_text(reason: str, answer: dict[str, Any]) -> str:
    text = answer.get("message") or f"the cell reached a limit of the sandbox ({reason})"
    limit, used, key = answer.get("limit"), answer.get("used"), answer.get("key")
    if limit is not None and used is not None and str(used) not in text:
        text += f": used {used:,} of {limit:,}"
    if key and key not in text:
        text += f"; the policy key that raises the limit is `{key}`"
    return text


def _install_if_replaced() -> None:
    """Take the signal back if a notebook put its own handler there: it must stay interruptible."""
    if signal.getsignal(signal.SIGINT) != gate.handle:
        signal.signal(signal.SIGINT, gate.handle)
