"""Tracebacks without the bridge: a user should see where their code stopped, not how we noticed.

An interrupt is raised by our signal handler, a refusal by our stand-in for what is missing, and
between a cell and its tasks stands the event loop. The frames of this package and of the loop's
machinery are taken out, unless a traceback has no others (a fault of the bridge itself).
"""

from __future__ import annotations

import asyncio.base_events
import asyncio.events
import asyncio.runners
import os
import traceback
from collections.abc import Iterable
from types import TracebackType

import IPython

_HERE = os.path.dirname(__file__) + os.sep
_IPYTHON = os.path.dirname(IPython.__file__) + os.sep
_LOOP = frozenset(
    module.__name__ for module in (asyncio.base_events, asyncio.events, asyncio.runners)
)

# Characters of a text of an error, and of the lines of a traceback together, that anybody is shown. Each is copied several
# times on its way: rendered, sent, and once more with the reply.
MOST_TEXT = 4_000_000


def shortened(text: str, most: int = MOST_TEXT) -> str:
    """Cut a text of an error to what is shown of it, and say so."""
    if len(text) <= most:
        return text
    return f"{text[:most]} … [cellblock] the other {len(text) - most:,} characters are left out"


def bounded(lines: Iterable[str]) -> list[str]:
    """Cut the lines of a traceback to what is shown of them together, the last ones first."""
    kept: list[str] = []
    left = MOST_TEXT
    for line in lines:
        kept.append(shortened(line, left))
        left -= len(line)
        if left <= 0:
            break
    return kept


def prune(error: BaseException) -> None:
    """Take our frames out of an exception's traceback, and out of those it chains to."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        _prune_one(link)
        link = link.__cause__ or link.__context__


def _prune_one(error: BaseException) -> None:
    # One look at each entry, and no list of them: a recursion without a limit leaves millions. Setting `tb_next` walks
    # all that follows, so it is done where it changes something only.
    first: TracebackType | None = None
    last: TracebackType | None = None
    tb = error.__traceback__
    while tb is not None:
        if not _is_ours(tb):
            if last is None:
                first = tb
            elif last.tb_next is not tb:
                last.tb_next = tb
            last = tb
        tb = tb.tb_next
    if last is None:
        return
    if last.tb_next is not None:
        last.tb_next = None
    error.__traceback__ = first


def _is_ours(tb: TracebackType) -> bool:
    frame = tb.tb_frame
    return frame.f_code.co_filename.startswith(_HERE) or frame.f_globals.get("__name__") in _LOOP


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
