"""`os.dup` of a text stream: what goes to 0, 1 and 2 is the host's, and no file that a second number could name."""

from __future__ import annotations

import errno
import functools
import os

_STREAMS = range(3)


def install() -> None:
    """Have it say so; files are duplicated."""
    original = os.dup

    @functools.wraps(original)
    def dup(fd: int, /) -> int:
        try:
            return original(fd)
        except OSError as error:
            if error.errno != errno.ENOTSUP or fd not in _STREAMS:
                raise
            refusal = OSError(errno.ENOTSUP, "the sandbox's text streams have no second number; files have")
            refusal.cellblock_reason = "system"  # type: ignore[attr-defined]
            refusal.cellblock_function = "os.dup"  # type: ignore[attr-defined]
            raise refusal from None

    os.dup = dup
