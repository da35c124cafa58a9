"""Tracebacks without the bridge: a user should see where their code stopped, not how we noticed.

An interrupt is raised by our signal handler, a refusal by our stand-in for what is missing. The
frames of this package at a traceback's inner end are cut off; those further out stay, as does a
traceback that has no others (a fault of the bridge itself).
"""

from __future__ import annotations

import os
import traceback
from types import TracebackType

import IPython

_HERE = os.path.dirname(__file__) + os.sep
_IPYTHON = os.path.dirname(IPython.__file__) + os.sep


def prune(error: BaseException) -> None:
    """Cut the bridge's inner frames off an exception's traceback, and off those it chains to."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        _prune_one(error.__traceback__)
        error = error.__cause__ or error.__context__  # type: ignore[assignment]


def _prune_one(tb: TracebackType | None) -> None:
    last_other: TracebackType | None = None
    while tb is not None:
        if not tb.tb_frame.f_code.co_filename.startswith(_HERE):
            last_other = tb
        tb = tb.tb_next
    if last_other is not None:
        last_other.tb_next = None


def has_group(error: BaseException | None) -> bool:
    """Whether an exception or one of its contexts is an exception group."""
    for _ in range(100):  # contexts can be made to go round in circles
        if error is None:
            return False
        if isinstance(error, BaseExceptionGroup):
            return True
        error = error.__context__
    return False


def group_traceback(error: BaseException) -> list[str]:
    """Python's own rendering of a group, which IPython has none for, from the cell inwards."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith((_IPYTHON, _HERE)):
        tb = tb.tb_next
    lines = traceback.format_exception(type(error), error, tb)
    return "".join(lines).splitlines()
