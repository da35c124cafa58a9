"""What a cell really imported, and the fuel that each import took.

The import system's own entry for modules that are not loaded yet is wrapped: `import` of a loaded
module does not come here and costs what it always did. The wrapper passes for a part of the import
system, whose frames Python takes out of tracebacks itself.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from .door import door

# Of the modules that an imported one imports, those are worth telling that took this share of it.
_SHARE = 0.05
_MOST = 50


@dataclass(eq=False)
class _Import:
    name: str
    fuel_before: int | None
    #: What it took with everything that it imported; null if the host does not meter.
    fuel: int | None = None
    unfinished: bool = False
    inner: list[_Import] = field(default_factory=list)


class Imports:
    """The imports of the current cell."""

    def __init__(self) -> None:
        self._watching = False
        self._metered = True
        self._open: list[_Import] = []
        self._done: list[_Import] = []
        #: The modules that were not found, which libraries tend to keep to themselves, and the
        #: sandbox's reason if it is one.
        self.missing: dict[str, str | None] = {}

    def begin_cell(self) -> None:
        self._watching = self._metered = True
        self.missing.clear()
        self._open.clear()
        self._done.clear()

    def end_cell(self) -> None:
        self._watching = False

    def report(self) -> dict[str, Any]:
        """What goes into the reply: nothing, if nothing was imported."""
        if not self._done:
            return {}
        found: dict[str, dict[str, Any]] = {}
        for done in self._done:
            _add(found, done, None)
            for inner in done.inner:
                if (inner.fuel or 0) >= _SHARE * (done.fuel or 1):
                    _add(found, inner, done.name)
        return {"imports": list(found.values())[:_MOST]}

    def begin(self, fullname: str) -> _Import | None:
        """An import begins, of a module that may be loaded already."""
        if not self._watching or fullname in sys.modules:
            return None
        name = fullname.partition(".")[0]
        # An import of a submodule counts if a cell asked for it, not if its own package did.
        if self._open and (name != fullname or any(name == begun.name for begun in self._open)):
            return None
        begun = _Import(name, self._fuel())
        self._open.append(begun)
        return begun

    def end(self, begun: _Import, error: BaseException | None) -> None:
        """It has ended. One that failed was none, unless it was the import that took too long."""
        after = self._fuel()
        if begun not in self._open:
            return
        del self._open[self._open.index(begun) :]
        if isinstance(error, ModuleNotFoundError) and len(self.missing) < _MOST:
            self.missing[str(error.name)] = getattr(error, "cellblock_reason", None)
        if error is not None and not isinstance(error, KeyboardInterrupt):
            return
        begun.unfinished = error is not None
        if after is not None and begun.fuel_before is not None:
            begun.fuel = max(0, after - begun.fuel_before)
        if self._open:
            self._open[0].inner.append(begun)
        else:
            self._done.append(begun)

    def _fuel(self) -> int | None:
        """The host's meter, unless it has none."""
        if not self._metered or door.is_muted:
            return None
        fuel = door.ask("fuel")[0].get("fuel")
        self._metered = isinstance(fuel, int)
        return fuel if isinstance(fuel, int) else None


def _add(found: dict[str, dict[str, Any]], done: _Import, within: str | None) -> None:
    entry = found.get(done.name)
    if entry is None:
        found[done.name] = entry = {"name": done.name, "fuel": done.fuel}
        if within is not None:
            entry["within"] = within
    elif done.fuel is not None:  # a second module of the same package
        entry["fuel"] = (entry["fuel"] or 0) + done.fuel
    if done.unfinished:
        entry["unfinished"] = True


imports = Imports()


def install() -> None:
    """Wrap the import system's entry."""
    bootstrap: Any = importlib._bootstrap  # type: ignore[attr-defined]
    bootstrap._find_and_load = _watched(
        bootstrap._find_and_load, vars(bootstrap), imports.begin, imports.end
    )


def _watched(
    find_and_load: Any,
    namespace: dict[str, Any],
    begin: Callable[[str], _Import | None],
    end: Callable[[_Import, BaseException | None], None],
) -> FunctionType:
    def _find_and_load(name: str, import_: Any) -> Any:
        begun = begin(name)
        if begun is None:
            return find_and_load(name, import_)
        try:
            module = find_and_load(name, import_)
        except BaseException as error:
            end(begun, error)
            raise
        end(begun, None)
        return module

    code = _find_and_load.__code__.replace(co_filename=find_and_load.__code__.co_filename)
    return FunctionType(code, namespace, closure=_find_and_load.__closure__)
