"""`os.dup` and `os.dup2`, of files alone: what goes to 0, 1 and 2 is the host's, and no file that a second number could name."""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable

_STREAMS = range(3)


def _refusal(function: str, text: str) -> OSError:
    refusal = OSError(errno.ENOTSUP, text)
    refusal.cellblock_reason = "system"  # type: ignore[attr-defined]
    refusal.cellblock_function = function  # type: ignore[attr-defined]
    return refusal


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _careful(original: Callable[[int], int]) -> Callable[[int], int]:
    @functools.wraps(original)
    def dup(fd: int, /) -> int:
        try:
            return original(fd)
        except OSError as error:
            if error.errno != errno.ENOTSUP:
                raise
            if fd in _STREAMS:
                text = "the sandbox's text streams have no second number; files have"
                raise _refusal("os.dup", text) from None
            # The C library has one number for whatever goes wrong.
            os.fstat(fd)
            try:
                os.close(os.open(".", os.O_RDONLY))  # which fails at the limit on open files, and says so
            except OSError as limit:
                raise _error(limit.errno or errno.EMFILE) from None
            raise

    return dup


def _made_of(dup: Callable[[int], int], original: Callable[..., int]) -> Callable[..., int]:
    @functools.wraps(original)
    def dup2(fd: int, fd2: int, inheritable: bool = True) -> int:
        os.fstat(fd)
        if fd2 < 0:
            raise _error(errno.EBADF)
        if fd == fd2:
            return fd2
        if fd in _STREAMS or fd2 in _STREAMS:
            text = "the sandbox's text streams have numbers of their own, which name no files"
            raise _refusal("os.dup2", text)
        # A duplicate gets the lowest number that is free: those below are taken until it is the wanted one's turn.
        taken = []
        try:
            while (number := dup(fd)) < fd2:
                taken.append(number)
            if number > fd2:  # it was taken, by a file that is closed for it, or by a directory that cannot be
                os.close(number)
                os.close(fd2)
                number = dup(fd)
            return number
        except OSError as error:
            if error.errno == errno.EMFILE:  # larger than any number that there can be
                raise _error(errno.EBADF) from None
            raise
        finally:
            for number in taken:
                os.close(number)

    return dup2


def install() -> None:
    """Have them say what is wrong, and the second one work."""
    os.dup = _careful(os.dup)
    os.dup2 = _made_of(os.dup, os.dup2)
