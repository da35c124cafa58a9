"""The user's functions in pickles: their globals are the notebook's, then and later.

cloudpickle gives each function a copy of the globals that it uses. In a notebook that would be
wrong twice: a function would not see what later cells assign, and one global that does not pickle
would take every function that mentions it with it.

The names here are in stored pickles: what a released version wrote must find them.
"""

from __future__ import annotations

from types import CellType, CodeType, FunctionType
from typing import Any

from ..session import session


def user_function(code: CodeType, closure: tuple[CellType, ...] | None) -> FunctionType:
    """A function of the notebook's own namespace."""
    return FunctionType(code, session().shell.user_ns, None, None, closure)


def user_shell() -> Any:
    """What stands for IPython's shell, which pickles nowhere."""
    return session().shell
