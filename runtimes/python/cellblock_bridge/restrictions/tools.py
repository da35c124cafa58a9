"""Programs that libraries call on their own: ffmpeg and ImageMagick for films."""

from __future__ import annotations

import functools
import os
from types import ModuleType
from typing import Any

from ..after_import import after_import


class ToolUnavailable(RuntimeError):
    """A library needs a program that cannot be run."""

    cellblock_reason = "tool"

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


_FILMS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".ogv", ".flv", ".mpg", ".mpeg", ".wmv")


def _unavailable(tool: str) -> ToolUnavailable:
    return ToolUnavailable(f"the program {tool} is not available: the sandbox runs none", tool)


def _explain(animation: ModuleType) -> None:
    """matplotlib would try Pillow in its place, which knows no films."""
    module: Any = animation
    look_up, save = module.MovieWriterRegistry.__getitem__, module.Animation.save

    @functools.wraps(look_up)
    def find(self: Any, name: str) -> Any:
        if name in self._registered and not self.is_available(name):
            raise _unavailable(name.partition("_")[0])
        return look_up(self, name)

    @functools.wraps(save)
    def save_film(self: Any, filename: Any, *args: Any, **kwargs: Any) -> Any:
        name = os.fspath(filename) if isinstance(filename, (str, os.PathLike)) else ""
        if str(name).lower().endswith(_FILMS) and not module.writers.is_available("ffmpeg"):
            raise _unavailable("ffmpeg")
        return save(self, filename, *args, **kwargs)

    module.MovieWriterRegistry.__getitem__ = find
    module.Animation.save = save_film


def install() -> None:
    """Have matplotlib say so as it is asked."""
    after_import("matplotlib.animation", _explain)
