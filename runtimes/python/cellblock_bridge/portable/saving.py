"""Saving: pickles of the user's globals, as many as can be made and have room.

The usual case, in which everything pickles, takes one pass. When something does not, each global
is tried on its own to find all that do not (a pickler whose pickle was not finished cannot go on:
its memo names objects that nobody will read), and the pass is repeated without them.
"""

from __future__ import annotations

import importlib.util
import io
import pickle
import sys
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

import cloudpickle

from ..frames import Buffer
from ..interrupts import gate
from ..shell import ZMQInteractiveShell
from .functions import user_function, user_shell
from .names import importable_name, own_globals, type_name, why

# Data of this size and more (of arrays) are sent as they are, beside the pickle: no copies.
_APART = 1 << 16
# How often the pass is repeated. Each time, what stopped it is left out.
_PASSES = 8


class _NoRoom(Exception):
    pass


class _Unpicklable(pickle.PicklingError):
    pass


@dataclass
class _Sink:
    """Takes what a pickler writes, up to a number of bytes."""

    room: int
    keeps: bool = True
    size: int = 0
    parts: list[bytes] = field(default_factory=list)
    apart: list[Buffer] = field(default_factory=list)

    def write(self, data: Any) -> int:
        self._grow(len(data))
        if self.keeps:
            self.parts.append(bytes(data))
        return len(data)

    def take(self, buffer: pickle.PickleBuffer) -> bool:
        """Whether a buffer is to be part of the pickle; otherwise it has been taken."""
        raw = buffer.raw()
        if raw.nbytes < _APART:
            return True
        self._grow(raw.nbytes)
        if self.keeps:
            self.apart.append(raw)
        return False

    def next(self) -> None:
        """Begin another pickle, in the room that is left."""
        self.room -= self.size
        self.size, self.parts, self.apart = 0, [], []

    def _grow(self, by: int) -> None:
        if self.size + by > self.room:
            raise _NoRoom
        self.size += by


class _Pickler(cloudpickle.Pickler):
    """cloudpickle's, for a notebook's namespace."""

    def __init__(self, sink: _Sink, shell: ZMQInteractiveShell) -> None:
        super().__init__(sink, protocol=5, buffer_callback=sink.take)
        self._shell = shell
        #: Whether bytecode was written, which no other version of Python can run.
        self.has_code = False

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is CodeType:
            self.has_code = True
        elif kind is io.TextIOWrapper:  # cloudpickle would turn it into a StringIO
            raise _Unpicklable("cannot pickle an open file")
        elif obj is self._shell:
            return user_shell, ()
        elif obj is sys.stdout or obj is sys.stderr:
            return getattr, (sys, "stdout" if obj is sys.stdout else "stderr")
        return super().reducer_override(obj)

    def _dynamic_function_reduce(self, func: FunctionType) -> Any:
        reduced = super()._dynamic_function_reduce(func)
        if func.__globals__ is not self._shell.user_ns:
            return reduced
        (code, _, _, _, closure), state = reduced[1], reduced[2]
        state[1]["__globals__"] = {}
        return (user_function, (code, closure), *reduced[2:])


@dataclass
class _Pickled:
    name: str
    kind: str
    size: int
    text: bytes
    apart: list[Buffer]
    has_code: bool


class _Saving:
    """The state of one saving, of use also when it is interrupted halfway."""

    def __init__(self, shell: ZMQInteractiveShell, room: int) -> None:
        self._shell = shell
        self._room = room
        self._left: dict[str, Any] = {}
        self.modules: list[dict[str, Any]] = []
        self.pickled: list[_Pickled] = []
        self.lost: dict[str, dict[str, str]] = {}
        for name, value in own_globals(shell).items():
            module = importable_name(value)
            if module is None:
                self._left[name] = value
            else:
                self.modules.append({"name": name, "module": module})

    def run(self) -> None:
        for number in range(_PASSES):
            stopped = self._pass()
            if stopped is None:
                return
            name, error = stopped
            if number == 0:
                self._try_each()
            elif isinstance(error, _NoRoom):
                self.give_up(self._no_room())
                return
            else:
                self._lose(name, why(error))
        self.give_up("it could not be saved together with what was saved before it")

    def give_up(self, reason: str) -> None:
        """List what is not saved as lost."""
        done = {pickled.name for pickled in self.pickled}
        for name in [name for name in self._left if name not in done]:
            self._lose(name, reason)

    def _pass(self) -> tuple[str, BaseException] | None:
        """Pickle what is left with one memo; where that stopped, if it did."""
        sink = _Sink(self._room)
        pickler = _Pickler(sink, self._shell)
        self.pickled = []
        for name, value in self._left.items():
            pickler.has_code = False
            try:
                pickler.dump(value)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - from `__reduce__` may come anything
                return name, error
            self.pickled.append(
                _Pickled(
                    name,
                    type_name(value),
                    sink.size,
                    b"".join(sink.parts),
                    sink.apart,
                    pickler.has_code,
                )
            )
            sink.next()
        return None

    def _try_each(self) -> None:
        """Lose what does not pickle on its own, and the largest of what together is too large."""
        sizes: dict[str, int] = {}
        for name, value in list(self._left.items()):
            sink = _Sink(self._room, keeps=False)
            try:
                _Pickler(sink, self._shell).dump(value)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001
                self._lose(name, self._no_room() if isinstance(error, _NoRoom) else why(error))
            else:
                sizes[name] = sink.size
        room = self._room
        for name in sorted(sizes, key=sizes.__getitem__):
            room -= sizes[name]
            if room < 0:
                self._lose(name, self._no_room())

    def _no_room(self) -> str:
        return f"no room for it in the {self._room:,} bytes that portable globals may take"

    def _lose(self, name: str, reason: str) -> None:
        value = self._left.pop(name)
        self.lost[name] = {"name": name, "type": type_name(value), "why": reason}


def save(shell: ZMQInteractiveShell, max_bytes: int) -> tuple[dict[str, Any], list[Buffer]]:
    """The reply to `portable`, and its buffers."""
    saving = _Saving(shell, max(0, max_bytes))
    try:
        gate.run(saving.run, users=False)
    except BaseException as stop:  # noqa: BLE001 - an interrupt or a limit
        saving.give_up(f"saving was stopped before it: {why(stop)}")
    return _reply(saving)


def _reply(saving: _Saving) -> tuple[dict[str, Any], list[Buffer]]:
    names: list[dict[str, Any]] = list(saving.modules)
    buffers: list[Buffer] = []
    for pickled in saving.pickled:
        names.append(
            {
                "name": pickled.name,
                "type": pickled.kind,
                "bytes": pickled.size,
                "buffer": len(buffers),
                "apart": len(pickled.apart),
                "code": pickled.has_code,
            }
        )
        buffers.append(pickled.text)
        buffers.extend(pickled.apart)
    content = {
        "python": importlib.util.MAGIC_NUMBER.hex(),
        "names": names,
        "lost": list(saving.lost.values()),
    }
    return content, buffers
