"""Loading: the user's globals put back from pickles that another runtime may have written.

The pickles of one saving have one memo, in which each finds the objects of those before it by their
numbers. If all of them load, the C unpickler does it. If one does not (its module is gone), the
numbers behind it would be off by what it did not build, so everything is loaded again by an
unpickler whose memo can have holes: what refers into a hole is lost too, and says so.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import pickle
import pickletools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..interrupts import gate
from ..shell import ZMQInteractiveShell
from .names import why

_DAMAGED = "its entry or its data are damaged"
_OTHER_PYTHON = "it contains bytecode of another version of Python"


@dataclass
class _Stored:
    name: str
    text: bytes
    apart: list[bytearray]
    #: Why it must not be tried, if so.
    refused: str | None


class _Feed:
    """The file that an unpickler reads: one stored pickle after another."""

    def __init__(self) -> None:
        self._text = io.BytesIO()
        self._apart: Iterator[bytearray] = iter(())

    def turn_to(self, stored: _Stored) -> None:
        self._text = io.BytesIO(stored.text)
        self._apart = iter(stored.apart)

    def read(self, size: int) -> bytes:
        return self._text.read(size)

    def readline(self) -> bytes:
        return self._text.readline()

    def readinto(self, into: Any) -> int:
        return self._text.readinto(into)

    def __iter__(self) -> _Feed:  # the buffers that are kept beside the pickle
        return self

    def __next__(self) -> bytearray:
        return next(self._apart)


class _Memo(dict[int, Any]):
    """An unpickler's memo that can have holes: its length is the next free number."""

    def __init__(self) -> None:
        super().__init__()
        self.end = 0

    def __len__(self) -> int:
        return self.end

    def __setitem__(self, number: int, value: Any) -> None:
        super().__setitem__(number, value)
        self.end = max(self.end, number + 1)

    def make_hole(self, start: int, end: int) -> None:
        """Forget what a pickle that failed has put there: its objects are half built."""
        for number in range(start, self.end):
            self.pop(number, None)
        self.end = end


class _Loading:
    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self.loaded: set[str] = set()
        self.lost: dict[str, str] = {}

    def import_module(self, name: str, module: str) -> None:
        try:
            self._bind(name, importlib.import_module(module))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a module's code may raise anything
            self.lost[name] = why(error)

    def all_at_once(self, everything: list[_Stored]) -> bool:
        """Load everything, or find that something does not load."""
        feed = _Feed()
        unpickler = pickle.Unpickler(feed, buffers=feed)
        for stored in everything:
            if stored.refused:
                return False
            feed.turn_to(stored)
            try:
                value = unpickler.load()
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001
                return False
            self._bind(stored.name, value)
        return True

    def one_by_one(self, everything: list[_Stored]) -> None:
        """Load what can be loaded."""
        for stored in everything:  # what `all_at_once` may have loaded before it found out
            if stored.name in self.loaded:
                self.loaded.remove(stored.name)
                self._namespace.pop(stored.name, None)
        feed, memo = _Feed(), _Memo()
        unpickler = pickle._Unpickler(feed, buffers=feed)  # type: ignore[attr-defined]
        unpickler.memo = memo
        for number, stored in enumerate(everything):
            start = memo.end
            feed.turn_to(stored)
            try:
                if stored.refused:
                    raise pickle.UnpicklingError(stored.refused)
                value = unpickler.load()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001
                self.lost[stored.name] = _plainly(error)
                entries = _memo_entries(stored.text)
                if entries is None:
                    for later in everything[number + 1 :]:
                        self.lost[later.name] = "what was saved before it is damaged"
                    return
                memo.make_hole(start, start + entries)
            else:
                self._bind(stored.name, value)

    def _bind(self, name: str, value: Any) -> None:
        self._namespace[name] = value
        self.loaded.add(name)


def _plainly(error: BaseException) -> str:
    text = why(error)
    if text.startswith("Memo value not found"):
        return "it shares objects with a global that could not be restored"
    return text


def _memo_entries(text: bytes) -> int | None:
    """How many numbers a pickle takes in the memo; None if it cannot be read to its end."""
    try:
        return sum(code.name == "MEMOIZE" for code, _, _ in pickletools.genops(text))
    except Exception:  # noqa: BLE001 - damaged
        return None


def load(
    shell: ZMQInteractiveShell, request: dict[str, Any], buffers: list[bytes]
) -> dict[str, Any]:
    """The reply to `load_portable`."""
    loading = _Loading(shell.user_ns)
    builtins = shell.user_ns.get("__builtins__")
    same_python = request.get("python") == importlib.util.MAGIC_NUMBER.hex()
    modules, everything = _entries(request.get("names"), buffers, same_python)

    def run() -> None:
        for name, module in modules:
            loading.import_module(name, module)
        if not loading.all_at_once(everything):
            loading.one_by_one(everything)

    try:
        gate.run(run, users=False)
    except BaseException as stop:  # noqa: BLE001 - an interrupt or a limit
        for name in [*(name for name, _ in modules), *(stored.name for stored in everything)]:
            if name not in loading.loaded and name not in loading.lost:
                loading.lost[name] = f"loading was stopped before it: {why(stop)}"
    finally:
        shell.user_ns["__builtins__"] = builtins  # which cloudpickle replaces
    return {
        "loaded": sorted(loading.loaded),
        "lost": [{"name": name, "why": reason} for name, reason in loading.lost.items()],
    }


def _entries(
    names: Any, buffers: list[bytes], same_python: bool
) -> tuple[list[tuple[str, str]], list[_Stored]]:
    """What the request lists, checked: it comes from a file."""
    modules: list[tuple[str, str]] = []
    everything: list[_Stored] = []
    for entry in names if isinstance(names, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            continue
        name, module = entry["name"], entry.get("module")
        first, apart = entry.get("buffer"), entry.get("apart", 0)
        if isinstance(module, str):
            modules.append((name, module))
        elif (
            isinstance(first, int)
            and isinstance(apart, int)
            and apart >= 0
            and 0 <= first < len(buffers) - apart
        ):
            everything.append(
                _Stored(
                    name,
                    buffers[first],
                    [bytearray(data) for data in buffers[first + 1 : first + 1 + apart]],
                    _OTHER_PYTHON if entry.get("code") and not same_python else None,
                )
            )
        else:
            everything.append(_Stored(name, b"", [], _DAMAGED))
    return modules, everything
