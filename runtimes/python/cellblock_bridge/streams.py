"""`sys.stdout` and `sys.stderr`: text straight through to file descriptors 1 and 2.

Nothing is held back in the guest, so what a cell prints is at the host, in order with its displays
and with `os.write(1, …)`, when the call returns, and a memory image never contains half a line.
The host coalesces. The class is `io.TextIOWrapper` itself because `print` then stays in C.
"""

from __future__ import annotations

import io
import sys
from typing import Any


class DirectText(io.TextIOWrapper):
    """Unbuffered UTF-8 text on a descriptor."""

    def __init__(self, fd: int, name: str) -> None:
        raw = io.FileIO(fd, "w", closefd=False)
        raw.name = name  # type: ignore[misc]  # what `repr` and `.name` show, as for <stdout>
        # Characters that UTF-8 has no form for (lone surrogates) must not fail a `print`.
        super().__init__(
            raw,  # type: ignore[arg-type]
            encoding="utf-8",
            errors="backslashreplace",
            newline="\n",
            write_through=True,
        )
        self.mode = "w"

    def close(self) -> None:
        """Nothing: a notebook that closes its stdout would lose all later output."""

    def detach(self) -> Any:
        """Refused, for the reason of `close`."""
        raise io.UnsupportedOperation("detach")


def install() -> None:
    """Put both streams in place of those that the interpreter made."""
    sys.stdout = sys.__stdout__ = DirectText(1, "<stdout>")
    sys.stderr = sys.__stderr__ = DirectText(2, "<stderr>")

