"""Changes a module right after it was imported, whenever that is.

The finder stands first in `sys.meta_path`, and finds what the others find; of the few modules that
something is to be done with, its loader does that and leaves no trace of itself.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Change = Callable[[ModuleType], None]

_changes: dict[str, Change] = {}


def after_import(name: str, change: Change) -> None:
    """Have `change` called with the module of that name, now or when it has been imported, after those before it."""
    module = sys.modules.get(name)
    if module is not None:
        change(module)
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    before = _changes.get(name)
    _changes[name] = change if before is None else _both(before, change)


def _both(first: Change, second: Change) -> Change:
    def both(module: ModuleType) -> None:
        for change in (first, second):
            try:
                change(module)
            except (AttributeError, KeyError):
                # As below, for each of them.
                pass

    return both


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        change = _changes.get(fullname)
        if change is None:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, change)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """Stands for the module's own loader until that has done its work."""

    def __init__(self, loader: Any, change: Change) -> None:
        self._loader, self._change = loader, change

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        spec.loader = self._loader
        created = self._loader.create_module(spec)
        spec.loader = self
        return created  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        try:
            self._change(module)
        except (AttributeError, KeyError):
            # Another version of it, or a module of the user's by the same name: it is imported as it is.
            pass

    def __getattr__(self, name: str) -> Any:
        if name == "_loader":
            raise AttributeError(name)
        return getattr(self._loader, name)
