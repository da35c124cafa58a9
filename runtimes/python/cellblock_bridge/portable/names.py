"""Which globals are the user's own, and how they are described to the host."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any

from ..shell import ZMQInteractiveShell, text_of

# IPython's: results, inputs and directories; and what every module has.
_HISTORY = re.compile(r"_{1,3}|_i{1,3}|_\d+|_i\d+|_[iod]h|_exit_code|__\w+__|In|Out")
_LONGEST = 200


def own_globals(shell: ZMQInteractiveShell) -> dict[str, Any]:
    """The names that cells have bound, in the order in which they did so first."""
    hidden = shell.user_ns_hidden
    return {
        name: value
        for name, value in list(shell.user_ns.items())
        if isinstance(name, str)
        and not _HISTORY.fullmatch(name)
        and not (name in hidden and hidden[name] is value)
    }


def importable_name(value: Any) -> str | None:
    """The name under which a module can be imported again, if it is a module that can."""
    if not issubclass(type(value), ModuleType):
        return None
    name = vars(value).get("__name__")
    return name if isinstance(name, str) and sys.modules.get(name) is value else None


def type_name(value: Any) -> str:
    """The name of a value's type, as a user would write it."""
    kind = type(value)
    module = kind.__module__
    plain = not isinstance(module, str) or module in ("builtins", "__main__")
    return (kind.__qualname__ if plain else f"{module}.{kind.__qualname__}")[:_LONGEST]


def why(error: BaseException) -> str:
    """An exception in one short line."""
    text = " ".join(text_of(error).split())
    return (text or type(error).__name__)[:_LONGEST]
