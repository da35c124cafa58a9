"""What a turn needs to begin and to end around the bridge: modules that the reactor uses, and its hooks.

The reactor compiles the turn's source with `ast`, registers it with `linecache`, and at the end flushes
whatever is `sys.stdout`. Between turns these are as they were when the image was made, whatever a
notebook put in their place: nobody could interrupt what runs there.
"""

from __future__ import annotations

import ast  # noqa: F401 - so that they are loaded
import linecache  # noqa: F401
import operator
import sys
from types import ModuleType
from typing import Any

from . import streams

_all, _map, _is, _zip = all, map, operator.is_, zip
_displayhook = sys.__displayhook__
# All of it, or what the reactor and what that calls use.
_NEEDED: tuple[tuple[str, tuple[str, ...] | None], ...] = (
    ("ast", None),
    ("_reactor", None),
    ("linecache", ("cache", "_interactive_cache", "_register_code")),
)


class Entry:
    """Knows how these were when the image was made."""

    def __init__(self) -> None:
        self._known: list[tuple[ModuleType, tuple[str, ...], tuple[Any, ...]]] = []
        #: What the notebook has for its streams while no cell runs.
        self._streams: dict[str, Any] = {}
        self.remember()

    def remember(self) -> None:
        """Take them as they are now."""
        self._known = []
        for name, wanted in _NEEDED:
            module = sys.modules.get(name)
            if module is None:
                continue
            names = [key for key in vars(module) if wanted is None or key in wanted]
            values = tuple(vars(module)[key] for key in names)
            self._known.append((module, tuple(names), values))

    def begin(self) -> None:
        """The notebook's streams are in place again."""
        for name, stream in self._streams.items():
            setattr(sys, name, stream)
        self._streams.clear()

    def end(self) -> None:
        """Nothing of the notebook's is in the reactor's way."""
        for module, names, values in self._known:
            now = vars(module)
            if not _all(_map(_is, _map(now.get, names), values)):
                for name, value in _zip(names, values):
                    now[name] = value
        sys.displayhook = _displayhook
        for name, own in streams.own().items():
            found = getattr(sys, name, None)
            if found is not own:
                self._streams[name] = found
                setattr(sys, name, own)

