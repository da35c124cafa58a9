"""The standard builtins, which the bridge works with whatever a notebook makes of them.

What a notebook puts in place of a builtin is there while its cells run, as in any Python, and taken
away while the bridge works: `builtins.len = None` breaks cells, which is their own affair, but not
the turn. What a notebook deletes is put back.
"""

from __future__ import annotations

import builtins
import operator
from typing import Any

# Bound here, because these very names may be broken when they are needed.
_all, _map, _is, _zip, _list = all, map, operator.is_, zip, list

# Changed by the display hook, by IPython while a cell runs, or by nobody.
_PASSING = ("_", "exit", "quit", "get_ipython", "display")

_now: dict[str, Any] = vars(builtins)
_names: tuple[str, ...] = ()
_values: tuple[Any, ...] = ()
_missing = object()

#: What the notebook has in place of the standard ones.
replaced: dict[str, Any] = {}


def remember() -> None:
    """Take the builtins as they are now for the standard ones."""
    global _names, _values
    standard = {name: value for name, value in _now.items() if name not in _PASSING}
    _names, _values = tuple(standard), tuple(standard.values())


def take_away() -> None:
    """Have the standard ones, and remember what the notebook had in place of them."""
    replaced.clear()
    if _all(_map(_is, _map(_now.get, _names), _values)):
        return
    for name, value in _zip(_names, _values):
        found = _now.get(name, _missing)
        if found is not value:
            _now[name] = value
            if found is not _missing:
                replaced[name] = found


def give_back() -> None:
    """Have what the notebook had in place of the standard ones."""
    if replaced:
        _now.update(replaced)


def forget() -> list[str]:
    """Take away for good what the notebook had; the names of it."""
    names = _list(replaced)
    replaced.clear()
    return names


remember()
