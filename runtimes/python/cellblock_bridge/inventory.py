"""The user's variables in short: names, types, shapes, and values that are short."""

from __future__ import annotations

from typing import Any

from .interrupts import gate
from .portable.names import own_globals, type_name
from .shell import ZMQInteractiveShell

_MOST = 1_000
_LONGEST_TEXT = 80
#: What has a length that says something of it. Subclasses may do anything when they are asked.
_SIZED = (list, tuple, dict, set, frozenset, str, bytes, bytearray, range)
#: What is shown itself, if it is short.
_SHOWN = (int, float, complex, bool, str, bytes, type(None))
#: Libraries whose `shape` is a tuple of numbers, and costs nothing.
_SHAPED = ("numpy", "pandas", "scipy")


def inventory(shell: ZMQInteractiveShell) -> dict[str, Any]:
    """Serve a `variables` request: the content of its reply."""

    def describe() -> list[dict[str, str]]:
        own = own_globals(shell)
        return [_described(name, value) for name, value in list(own.items())[:_MOST]]

    return {"status": "ok", "variables": gate.run(describe, users=False)}


def _described(name: str, value: Any) -> dict[str, str]:
    found = {"name": name, "type": type_name(value)}
    try:
        found.update(_details(value))
    except Exception:  # noqa: BLE001 - of the user's own classes
        pass
    return found


def _details(value: Any) -> dict[str, str]:
    kind, found = type(value), {}
    if kind in _SIZED:
        found["shape"] = str(len(value))
    elif (kind.__module__ or "").partition(".")[0] in _SHAPED:
        shape = getattr(value, "shape", None)
        if type(shape) is tuple and all(isinstance(part, int) for part in shape):
            found["shape"] = str(shape)
    if kind in _SHOWN and not (kind in (str, bytes) and len(value) > _LONGEST_TEXT):
        try:
            text = repr(value)
        except ValueError:  # an integer of very many digits
            text = ""
        if len(text) <= _LONGEST_TEXT + 4:
            found["text"] = text
    return found
