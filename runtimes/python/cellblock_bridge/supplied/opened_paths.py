"""Which file a descriptor is of, which nothing else in WASI tells: who opens one by name is watched."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from .empty_names import replace_in_os, replace_open

_paths: dict[int, str] = {}

#: Called with what is to be opened, before it is.
before_opening: list[Callable[[Any], None]] = []


def path_of(descriptor: int) -> str | None:
    """The path by which the file was opened, if that is still the same file."""
    path = _paths.get(descriptor)
    if path is None:
        return None
    try:
        own, found = os.fstat(descriptor), os.stat(path)
    except OSError:
        return None
    return path if (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino) else None


def _note(name: Any, descriptor: int) -> None:
    if not isinstance(name, int):
        _paths[descriptor] = os.path.join(os.getcwd(), os.fsdecode(name))


def _opening(function: Any) -> Any:
    @functools.wraps(function)
    def open(file: Any, *args: Any, **kwargs: Any) -> Any:
        for tell in before_opening:
            tell(file)
        opened = function(file, *args, **kwargs)
        _note(file, opened.fileno())
        return opened

    return open


def _numbering(function: Any) -> Any:
    @functools.wraps(function)
    def open(path: Any, *args: Any, **kwargs: Any) -> int:
        for tell in before_opening:
            tell(path)
        descriptor: int = function(path, *args, **kwargs)
        if kwargs.get("dir_fd") is None:
            _note(path, descriptor)
        return descriptor

    return open


def install() -> None:
    """Watch `open` and `os.open`."""
    if sys.platform == "wasi":
        replace_open(_opening)
        replace_in_os("open", _numbering)
