"""What the host classifies an error by: types and attributes, never words of its text.

A library may have wrapped what really happened: `requests` its `ConnectionError` around the refusal
of a socket, pandas an `ImportError` around a missing module. So the exceptions that led to an error
are looked at too, but only where somebody raised one because of the other: an error that happens
by accident in an `except` block is a matter of its own.
"""

from __future__ import annotations

import difflib
import dis
import errno
import os
from collections.abc import Iterable, Iterator
from typing import Any

from . import module_names
from .cell_files import described, innermost_in_traceback, is_cell_file
from .imports import imports
from .shell import ZMQInteractiveShell

Facts = dict[str, Any]

_LONGEST = 1000
# How far an error is followed to what led to it.
_LINKS = 20
_MOST_NAMES = 5000
_PLAIN = ("name", "errno", "filename2", "key", "limit", "used")
# What numpy and Python say, in full, of a size that 32 bits do not address. It has no type of its own.
_ADDRESS_SPACE = [
    (
        "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.",
    ),
    ("Maximum allowed dimension exceeded",),
    ("Python int too large to convert to C ssize_t",),
    ("cannot fit 'int' into an index-sized integer",),
]
# What a lock says that nothing could release while somebody waits for it (the host's table of patches of the guest).
_DEADLOCK = ("deadlock: no other thread can release this lock",)
# How CPython begins to say that the C stack is used up; the other kind of recursion is that of Python calls.
_C_STACK = "Stack overflow (used "
_RAISING = frozenset({"RAISE_VARARGS", "RERAISE"})


def facts(shell: ZMQInteractiveShell, error: BaseException) -> Facts:
    """The facts about an error that a cell ended with."""
    found = _own_facts(error)
    for link in _links(error):
        reason = _attribute(link, "cellblock_reason")
        if "reason" not in found and isinstance(reason, str):
            found["reason"] = reason[:_LONGEST]
            for name, value in _own_facts(link).items():
                found.setdefault(name, value)
        if "module" not in found and issubclass(type(link), ModuleNotFoundError):
            name = _attribute(link, "name")
            if isinstance(name, str):
                found["module"] = name[:_LONGEST]
    if issubclass(type(error), ImportError) and "module" not in found and imports.missing:
        # Some try several modules and then say, without a cause, that none is there.
        found["tried"] = [name[:_LONGEST] for name in imports.missing]
        reasons = [reason for reason in imports.missing.values() if reason]
        if reasons:
            found.setdefault("reason", reasons[0])
    if type(error) in (ValueError, OverflowError) and error.args in _ADDRESS_SPACE:
        found.setdefault("reason", "address_space")
    if type(error) is RuntimeError and error.args == _DEADLOCK:
        found.setdefault("reason", "lock")
    if type(error) is RecursionError and error.args and str(error.args[0]).startswith(_C_STACK):
        found.setdefault("reason", "c_stack")
    if "module" in found or found.get("reason") in ("packages", "subprocess"):
        found["modules"] = [name for name in _importable() if not name.startswith("_")][:_MOST_NAMES]
    found.update(_place(shell, error))
    found.update(_similar(shell, error, found))
    return found


def _own_facts(error: BaseException) -> Facts:
    found: Facts = {
        "types": [
            f"{kind.__module__}.{kind.__qualname__}"
            for kind in type(error).__mro__
            if kind is not object
        ]
    }
    for name in _PLAIN:
        value = _attribute(error, name)
        if isinstance(value, str):
            found[name] = value[:_LONGEST]
        elif isinstance(value, (int, float)):
            found[name] = value
    if issubclass(type(error), OSError):
        found.update(_file_facts(error))
    if issubclass(type(error), MemoryError):
        wanted = _attribute(error, "_total_size")  # numpy's
        if isinstance(wanted, int):
            found["wanted"] = wanted
    if issubclass(type(error), AttributeError):
        owner = _attribute(error, "obj")
        found["owner"] = type(owner).__qualname__[:_LONGEST]
    return found


def _file_facts(error: BaseException) -> Facts:
    found: Facts = {}
    number = _attribute(error, "errno")
    code = errno.errorcode.get(number) if isinstance(number, int) else None
    if code is not None:  # the numbers are WASI's, the names are everybody's
        found["errno_name"] = code
    filename = _attribute(error, "filename")
    try:
        filename = os.fsdecode(filename)
        found["filename"] = filename[:_LONGEST]
        found["path"] = os.path.abspath(filename)[:_LONGEST]
    except (TypeError, ValueError, OSError):  # there is none, or it is a number
        pass
    return found


def _links(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised because of, and what it consists of."""
    waiting, seen = [error], 0
    while waiting and seen < _LINKS:
        link = waiting.pop(0)
        seen += 1
        yield link
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(link.exceptions[:_LINKS])
        before = link.__cause__
        if before is None and not link.__suppress_context__ and _was_raised_on_purpose(link):
            before = link.__context__
        if before is not None:
            waiting.append(before)


def _was_raised_on_purpose(error: BaseException) -> bool:
    """Whether it comes from a `raise`, and not from an operation that failed."""
    tb = error.__traceback__
    if tb is None:
        return False
    while tb.tb_next is not None:
        tb = tb.tb_next
    code = tb.tb_frame.f_code.co_code
    return 0 <= tb.tb_lasti < len(code) and dis.opname[code[tb.tb_lasti]] in _RAISING


def _place(shell: ZMQInteractiveShell, error: BaseException) -> Facts:
    """The line of a cell where it happened."""
    place = innermost_in_traceback(error.__traceback__)
    if isinstance(error, SyntaxError) and is_cell_file(str(error.filename)):
        place = str(error.filename), error.lineno or 1
    return {} if place is None else described(shell, place)


def _similar(shell: ZMQInteractiveShell, error: BaseException, found: Facts) -> Facts:
    """Names that there are, for one that there is not."""
    candidates: Iterable[str]
    if "module" in found:
        wanted, candidates = found["module"].partition(".")[0], _importable()
    elif issubclass(type(error), NameError) and "name" in found:
        wanted, candidates = found["name"], _names_in_scope(shell, error)
    else:
        return {}
    known = [name for name in candidates if name != wanted][:_MOST_NAMES]
    return {"similar": difflib.get_close_matches(wanted[:100], known, 3, 0.75)}


def _importable() -> list[str]:
    try:
        return module_names.root_modules()
    except Exception:  # noqa: BLE001 - of what a notebook put into `sys.path`
        return []


def _names_in_scope(shell: ZMQInteractiveShell, error: BaseException) -> list[str]:
    import builtins

    scopes = [shell.user_ns, vars(builtins)]
    tb = error.__traceback__
    while tb is not None:
        if tb.tb_next is None:
            scopes.insert(0, tb.tb_frame.f_locals)
        tb = tb.tb_next
    names = {name: None for scope in scopes for name in list(scope) if isinstance(name, str)}
    return [name for name in names if not name.startswith("_")]


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except Exception:  # noqa: BLE001 - the user's own property
        return None
