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
import linecache
import os
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from . import module_names, sizes
from .cell_files import described, innermost_in_traceback, is_cell_file
from .imports import imports
from .interrupts import gate
from .restrictions import absent
from .shell import ZMQInteractiveShell

Facts = dict[str, Any]

_LONGEST = 1000
# How far an error is followed to what led to it.
_LINKS = 20
_MOST_NAMES = 5000
_MOST_LINES = 20
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
# What a call of these has to do with is a count of more than 31 bits, and not memory.
_COUNTING = ("len(", "islice(", "itertools.islice(", "__len__(", "deque(", "repeat(", "itertools.repeat(")
_ENDS_OF_ISLICE = "for islice() must be None or an integer: 0 <= x <= sys.maxsize.',)"
# What the parser says of a source that is nested too deep for its stack.
_PARSER = ("Parser stack overflowed - Python source too complex to parse",)
# What a lock says that nothing could release while somebody waits for it (the host's table of patches of the guest).
_DEADLOCK = ("deadlock: no other thread can release this lock",)
_WAITING = ("threading", "queue", "concurrent.futures._base", "multiprocessing.pool")
# How CPython begins to say that the C stack is used up, and that Python's calls nest too deep.
_C_STACK = "Stack overflow (used "
_CALLS = "maximum recursion depth exceeded"
# Where installed code says that it is from; the user's is from a cell, a file of the workspace or a text.
_INSTALLED = ("/usr/local/", "/data/site-packages/", "<frozen ")
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
    own = _raising_opcode(error) == "RAISE_VARARGS" and _is_of_the_user(error)
    if own:
        found["own"] = True
    if type(error) is ImportError:
        found.update(_missing_part(error))
    wants_module = issubclass(type(error), ImportError) or _raised_in(error, "pandas.plotting.")
    if wants_module and "module" not in found and imports.missing:
        # Some try several modules and then say, without a cause, that none is there.
        found["tried"] = [name[:_LONGEST] for name in imports.missing]
        reasons = [reason for reason in imports.missing.values() if reason]
        if reasons:
            found.setdefault("reason", reasons[0])
    reason = None if own else _reason_of_text(error)
    if reason is not None:
        found.setdefault("reason", reason)
    if reason == "lock":
        found["function"] = _waiting(error)
    if "module" in found or found.get("reason") in ("packages", "subprocess"):
        found["modules"] = [name for name in _importable() if not name.startswith("_")][:_MOST_NAMES]
    found.update(_place(shell, error))
    found.update(_similar(shell, error, found))
    return found


def _reason_of_text(error: BaseException) -> str | None:
    """What of the sandbox is behind an error that the interpreter or numpy made, and has no type of its own for."""
    kind, args = type(error), error.args
    text = str(args[0]) if args and isinstance(args[0], str) else ""
    if kind in (ValueError, OverflowError) and args in _ADDRESS_SPACE:
        if _wants_more_than_linux_has(error):
            return None
        return "length" if _failing_text(_innermost(error)).startswith(_COUNTING) else "address_space"
    if kind is ValueError and str(args[:1]).endswith(_ENDS_OF_ISLICE):
        return None if _wants_more_than_linux_has(error) else "length"
    if kind is MemoryError and args == _PARSER:
        return "parser"
    if kind is RuntimeError and args == _DEADLOCK:
        return "lock"
    if kind is RecursionError:
        return "c_stack" if text.startswith(_C_STACK) else "calls" if text.startswith(_CALLS) else None
    return None


def _waiting(error: BaseException) -> str:
    """The function of the standard library that was called to wait; a lock's own leaves no frame."""
    tb = error.__traceback__
    while tb is not None:
        module = tb.tb_frame.f_globals.get("__name__")
        if module in _WAITING:
            # As they are imported: a class of the sandbox's own choice stands for one in C.
            name = f"{module}.{tb.tb_frame.f_code.co_qualname}"
            return name.replace("._base.", ".").replace("._Py", ".")[:_LONGEST]
        tb = tb.tb_next
    return "threading.Lock.acquire"


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
    if _is_of_an_unnamed_file(error):
        found["unnamed_file"] = True
    if issubclass(type(error), RecursionError):
        found["recursion_limit"] = gate.depth_of_cells
    function = _attribute(error, "cellblock_function")
    if isinstance(function, str):
        found["function"] = function[:_LONGEST]
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
    return _raising_opcode(error) in _RAISING


def _innermost(
    error: BaseException, of: Callable[[str], bool] = lambda filename: True
) -> TracebackType | None:
    """The last entry of its traceback, of those whose file is one that is asked for."""
    found = None
    tb = error.__traceback__
    while tb is not None:
        if of(tb.tb_frame.f_code.co_filename):
            found = tb
        tb = tb.tb_next
    return found


def _raising_opcode(error: BaseException) -> str | None:
    """The instruction that failed, or that raised it."""
    tb = _innermost(error)
    if tb is None:
        return None
    code = tb.tb_frame.f_code.co_code
    return dis.opname[code[tb.tb_lasti]] if 0 <= tb.tb_lasti < len(code) else None


def _is_of_the_user(error: BaseException) -> bool:
    """Whether the code that raised it is a cell's, or of a file that is not installed."""
    tb = _innermost(error)
    return tb is not None and not tb.tb_frame.f_code.co_filename.startswith(_INSTALLED)


def _raised_in(error: BaseException, module: str) -> bool:
    tb = _innermost(error)
    name = None if tb is None else tb.tb_frame.f_globals.get("__name__")
    return isinstance(name, str) and f"{name}.".startswith(module)


def _is_of_an_unnamed_file(error: BaseException) -> bool:
    """Whether a file could not be opened whose name the error does not carry: pandas' own checks, and sqlite's."""
    if type(error) is OSError and not error.filename:
        return _raised_in(error, "pandas.io.")
    return _attribute(error, "sqlite_errorname") == "SQLITE_CANTOPEN"


def _missing_part(error: BaseException) -> Facts:
    """Why `from module import name` found no such name."""
    module, name = _attribute(error, "name"), _attribute(error, "name_from")
    if not (isinstance(module, str) and isinstance(name, str)):
        return {}
    reason = absent.reason_of(module, name)
    return {} if reason is None else {"reason": reason, "function": f"{module}.{name}"[:_LONGEST]}


def _wants_more_than_linux_has(error: BaseException) -> bool:
    """Whether it would fail on Linux too: what failed, or what the cell called, has a number that no size is there."""
    places = (_innermost(error), _innermost(error, is_cell_file))
    return any(sizes.is_too_large_anywhere(_failing_text(tb), tb) for tb in places)


def _failing_text(tb: TracebackType | None) -> str:
    """The expression that failed, or in which what failed was called."""
    if tb is None:
        return ""
    code = tb.tb_frame.f_code
    positions = list(code.co_positions())
    at = tb.tb_lasti // 2
    line, end_line, start, end = positions[at] if at < len(positions) else (None,) * 4
    if line is None or end_line is None or start is None or end is None or end_line - line > _MOST_LINES:
        return ""
    lines = [linecache.getline(code.co_filename, each).encode() for each in range(line, end_line + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode(errors="replace")


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
