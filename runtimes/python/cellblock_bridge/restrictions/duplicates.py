"""`os.dup` of a text stream: what goes to 0, 1 and 2 is the host's, and no file that a second number could name."""

from __future__ import annotations

import errno
import functools
import os

_STREAMS = range(3)


class StreamNotDuplicated(OSError):
    """A second number was wanted for a text stream."""

    cellblock_reason = "system"
    cellblock_function = "os.dup"


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
            message = "the sandbox's text streams have no second number; files have"
            raise StreamNotDuplicated(errno.ENOTSUP, message) from None

    os.dup = dup
