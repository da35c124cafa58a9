"""Fills the holes that a warm-up leaves in the heap, so that a session allocates in one place.

The allocator (WASI's builds of CPython have the C library's alone) fills a free chunk that fits
before it takes new memory: after a warm-up those are scattered over thousands of pages, and a cell
that makes a thousand objects for a moment dirties hundreds of them. With the holes filled and kept
so, new objects come one after another, from the same pages in every cell.
"""

from __future__ import annotations

import sys

# The allocator's chunks are multiples of 16 bytes, of which it uses 4.
_STEP = 16
_HEAD = 4
# Larger holes are left: they are few, and worth having.
_LARGEST = 4096

# Blocks that follow one another for so long do not come from holes.
_RUN = 8 * 1024
# What the holes of one size may take at most, should the end never be seen.
_MOST = 1 << 20

# A bytes object's head and the zero behind its end.
_OVERHEAD = sys.getsizeof(b"")

_plugs: list[bytes] = []


def plug_holes() -> None:
    """Fill the holes, the large ones first: small blocks would only cut them up."""
    if sys.platform != "wasi":
        return
    sizes = [*range(_LARGEST, 512, -256), *range(512, 2 * _STEP - 1, -_STEP)]
    for size in sizes:
        _plug(size)


def _plug(size: int) -> None:
    """Allocate chunks of one size until many follow one another."""
    start, last = 0, 0
    for _ in range(_MOST // size):
        plug = bytes(size - _HEAD - _OVERHEAD)
        _plugs.append(plug)
        address = id(plug)
        if address != last + size:
            start = address
        last = address
        if last - start >= _RUN:
            return
