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


def install() -> None:
    """Put both streams in place of those that the interpreter made."""
    sys.stdout = sys.__stdout__ = DirectText(1, "<stdout>")
    sys.stderr = sys.__stderr__ = DirectText(2, "<stderr>")
    time.sleep = _flushing(time.sleep)


def flush() -> None:
    """Let go of half lines, in the bridge's own streams or what a notebook put in their place."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001 - a closed or odd stream is no reason to lose a display
            pass


def _flushing(sleep: Any) -> Any:
    """`time.sleep`, after showing what was printed so far."""

    @functools.wraps(sleep)
    def sleep_after_flush(seconds: float, /) -> None:
        flush()
        sleep(seconds)

    return sleep_after_flush
