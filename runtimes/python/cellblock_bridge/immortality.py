"""Makes what an image holds immortal, so that using it does not write to it.

CPython writes to an object whenever it takes or drops a reference. In a session on a warm image each
first write to a page copies it, and the page then belongs to the next commit: without this, two
thirds of the pages that a small cell dirties end with the bytes that they began with. CPython leaves
the count of an immortal object alone. What is in an image is there for as long as the session lives
anyway: it was alive after the warm-up's last collection.

There is no call that makes an object immortal; its count is a word at its address, and numpy can
view memory by its address. So this happens in images that have numpy, and on the 32-bit build whose
layout it proves before it writes anything.
"""

from __future__ import annotations

import gc
import struct
import sys
from array import array
from collections.abc import Iterator
from types import CodeType, FrameType, TracebackType
from typing import Any

# Between the least count that is immortal, `1 << 30`, and the most that fits, as CPython's own.
_IMMORTAL = 5 << 28

# Alive by chance: they end with the warm-up itself.
_PASSING = (FrameType, TracebackType)

_BATCH = 20_000


# Where the view of the memory begins: numpy takes no array at address 0.
_START = 1024


class _Memory:
    """The guest's memory, as far as the count at an address, for `numpy.asarray`."""

    def __init__(self, last: int) -> None:
        self.__array_interface__ = {
            "data": (_START, False),
            "shape": ((last - _START) // 4 + 1,),
            "typestr": "<u4",
            "version": 3,
        }


def immortalise() -> None:
    """Make everything immortal that the collector can see, and what that refers to."""
    if sys.platform != "wasi" or struct.calcsize("P") != 4 or "numpy" not in sys.modules:
        return
    if not _layout_is_as_expected():
        return
    addresses = array("I")
    for found in _lasting():
        addresses.append(id(found))
        if len(addresses) >= _BATCH:
            _write(addresses)
            addresses = array("I")
    _write(addresses)


def _lasting() -> Iterator[Any]:
    for held in gc.get_objects():
        if isinstance(held, _PASSING):
            continue
        yield held
        for referent in gc.get_referents(held):
            if not gc.is_tracked(referent) and not sys._is_immortal(referent):  # type: ignore[attr-defined]
                yield from _untracked(referent)


def _untracked(found: Any) -> Iterator[Any]:
    """Something that the collector does not list, and what only it refers to."""
    yield found
    if isinstance(found, CodeType):
        parts: Any = (found.co_consts, found.co_names, found.co_name, found.co_qualname)
    elif isinstance(found, (tuple, frozenset)):
        parts = found
    else:
        return
    for part in parts:
        if not gc.is_tracked(part) and not sys._is_immortal(part):  # type: ignore[attr-defined]
            yield from _untracked(part)


def _layout_is_as_expected() -> bool:
    """Whether an object's address is that of its count, and a large count means immortal."""
    import numpy

    probe = object()
    count = numpy.asarray(_Memory(id(probe)))[-1:]
    before = int(count[0])
    more = [probe, probe, probe]
    if int(count[0]) != before + len(more):
        return False
    count[0] = _IMMORTAL
    return bool(sys._is_immortal(probe))  # type: ignore[attr-defined]


def _write(addresses: array[int]) -> None:
    import numpy

    if addresses:
        memory = numpy.asarray(_Memory(max(addresses)))
        words = (numpy.frombuffer(addresses, dtype=numpy.uint32) - _START) // 4
        mortal = memory[words] < 1 << 30
        memory[words[mortal]] = _IMMORTAL
