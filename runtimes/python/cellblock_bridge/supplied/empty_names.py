"""The empty name, which WASI's C library takes for the working directory: there is no file of that name."""

from __future__ import annotations

import builtins
import errno
import functools
import io
import os
import sys
from typing import Any

# Functions of `os` by the number of names that they take.
_TAKE_ONE = (
    "chdir",
    "chmod",
    "listdir",
    "lstat",
    "mkdir",
    "open",
    "readlink",
    "remove",
    "rmdir",
    "scandir",
    "stat",
    "truncate",
    "unlink",
    "utime",
)
_TAKE_TWO = ("link", "rename", "replace")
_SETS = ("supports_dir_fd", "supports_fd", "supports_follow_symlinks", "supports_effective_ids")


def _is_empty(name: Any) -> bool:
    if isinstance(name, (str, bytes)):
        return not name
    return isinstance(name, os.PathLike) and not os.fspath(name)


def _refuse(name: Any) -> None:
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def _of_one(function: Any) -> Any:
    @functools.wraps(function)
    def named(*args: Any, **kwargs: Any) -> Any:
        name = args[0] if args else kwargs.get("path")
        if name is not None and _is_empty(name):
            _refuse(name)
        return function(*args, **kwargs)

    return named


def _of_two(function: Any) -> Any:
    @functools.wraps(function)
    def named(src: Any, dst: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_empty(src) or _is_empty(dst):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), src, None, dst)
        return function(src, dst, *args, **kwargs)

    return named


def _access(access: Any) -> Any:
    @functools.wraps(access)
    def named(path: Any, mode: int, *args: Any, **kwargs: Any) -> bool:
        return not _is_empty(path) and bool(access(path, mode, *args, **kwargs))

    return named


def _opening(function: Any) -> Any:
    @functools.wraps(function)
    def open(file: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_empty(file):
            _refuse(file)
        return function(file, *args, **kwargs)

    return open


def install() -> None:
    """Have the empty name refused wherever one is taken."""
    if sys.platform != "wasi":
        return
    wraps = [*((name, _of_one) for name in _TAKE_ONE), *((name, _of_two) for name in _TAKE_TWO)]
    for name, wrap in [*wraps, ("access", _access)]:
        if hasattr(os, name):
            replace_in_os(name, wrap)
    replace_open(_opening)


def replace_in_os(name: str, wrap: Any) -> None:
    """Put a wrapped function of `os` in the place of it, also where `os` says what it supports."""
    function = getattr(os, name)
    wrapped = wrap(function)
    wrapped.__module__ = "os"
    setattr(os, name, wrapped)
    for supported in (getattr(os, name, ()) for name in _SETS):
        if function in supported:
            supported.add(wrapped)


def replace_open(wrap: Any) -> None:
    """Put a wrapped `open` in the place of it, also where cells find it."""
    wrapped = wrap(io.open)
    wrapped.__module__ = "io"
    io.open = builtins.open = wrapped
    from IPython.core import interactiveshell

    interactiveshell.io_open = wrapped  # type: ignore[attr-defined]
