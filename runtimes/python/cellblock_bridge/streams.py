"""`sys.stdout` and `sys.stderr`: text to file descriptors 1 and 2, a line at a time.

A line is one call to the host, which coalesces further; half a line goes out when the cell asks
for it (`flush=True`), shows something, waits or ends. So output is in order with displays, a
progress bar is live, and a memory image never contains half a line. The class is
`io.TextIOWrapper` itself, because `print` then stays in C.
"""

from __future__ import annotations

import functools
import io
import sys
import time
from typing import Any


class DirectText(io.TextIOWrapper):
    """Line-buffered UTF-8 text on a descriptor that cannot be closed."""

    def __init__(self, fd: int, name: str) -> None:
        raw = io.FileIO(fd, "w", closefd=False)
        raw.name = name  # type: ignore[misc]  # what `repr` and `.name` show
        # Characters that UTF-8 has no form for (lone surrogates) must not fail a `print`.
        super().__init__(
            io.BufferedWriter(raw),
            encoding="utf-8",
            errors="backslashreplace",
            newline="\n",
            line_buffering=True,
        )
        self.mode = "w"

    def close(self) -> None:
        """Flush only: a notebook that closes its stdout would lose all later output."""
        self.flush()

    def detach(self) -> Any:
        """Refused, for the reason of `close`."""
        raise io.UnsupportedOperation("detach")


_ATTRIBUTES = frozenset(vars(DirectText))
_own: dict[str, DirectText] = {}
_flush_text = io.TextIOWrapper.flush


def install() -> None:
    """Put both streams in place of those that the interpreter made."""
    _make("stdout", 1)
    _make("stderr", 2)
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = _own["stdout"], _own["stderr"]
    time.sleep = _flushing(time.sleep)


def _make(name: str, fd: int) -> None:
    _own[name] = DirectText(fd, f"<{name}>")


def flush() -> None:
    """Let go of half lines, in the bridge's own streams or what a notebook put in their place: its code may run."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except Exception:  # noqa: BLE001 - a closed or odd stream is no reason to lose a display
            pass
    flush_own()


def own() -> dict[str, DirectText]:
    """The bridge's own streams, by their names in `sys`."""
    return _own


def flush_own() -> None:
    """The same for the bridge's own streams alone, without any of the notebook's code."""
    for stream in _own.values():
        try:
            _flush_text(stream)
        except (OSError, ValueError):  # closed below
            pass


def mend() -> list[str]:
    """Put back what a notebook made unusable as a stream; the names of it. What can be written to stays."""
    mended = []
    for fd, name in enumerate(("stdout", "stderr"), 1):
        if name in _own and not _is_usable(_own[name]):
            _make(name, fd)
        own = _own.get(name)
        if own is None:
            continue
        mended.extend(f"sys.{name}.{method}" for method in _unhidden(own))
        before, now = getattr(sys, f"__{name}__", None), getattr(sys, name, None)
        if before is not own:
            setattr(sys, f"__{name}__", own)
        if now is not own and not _is_stream(now):
            setattr(sys, name, own)
            mended.append(f"sys.{name}")
    return mended


def _is_usable(own: DirectText) -> bool:
    try:
        return not own.buffer.closed and not own.buffer.raw.closed
    except (ValueError, AttributeError):  # detached, or an attribute was taken away
        return False


def _unhidden(own: DirectText) -> list[str]:
    """Take away what hides methods of a stream and cannot be called; the names of the methods."""
    found = []
    for place, take, kept in ((own, object.__delattr__, frozenset()), (DirectText, type.__delattr__, _ATTRIBUTES)):
        for name, value in list(vars(place).items()):
            if name not in kept and not callable(value) and callable(getattr(io.TextIOWrapper, name, None)):
                take(place, name)
                found.append(name)
    return found


def _is_stream(found: Any) -> bool:
    """Whether something may be one, told by its type alone: asking it would run the notebook's code."""
    if isinstance(found, DirectText):  # one that is closed
        return False
    return any("write" in vars(kind) or "__getattr__" in vars(kind) for kind in type(found).__mro__)


def say(text: str) -> None:
    """A line of the bridge's own, to the standard error."""
    _own["stderr"].write(f"[cellblock] {text}\n")
    flush_own()


def _flushing(sleep: Any) -> Any:
    """`time.sleep`, after showing what was printed so far."""

    @functools.wraps(sleep)
    def sleep_after_flush(seconds: float, /) -> None:
        flush()
        sleep(seconds)

    return sleep_after_flush
