"""Runs in a child process: an ordinary CPython that plays the guest.

The arguments are the bridge's directory and two descriptors. One carries what the host says (a byte
`T`: run a turn; answers), the other what the guest says: frames, each with its length before it,
and a length of 2**32 - 1 for the end of the turn.
"""

from __future__ import annotations

import os
import struct
import sys
import traceback
import types

sys.path.insert(0, sys.argv[1])
_IN, _OUT = int(sys.argv[2]), int(sys.argv[3])

_read, _write, _pack, _unpack = os.read, os.write, struct.pack, struct.unpack


def _exactly(size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = _read(_IN, size - len(data))
        if not more:
            raise SystemExit
        data += more
    return data


def _call(frame: bytes) -> bytes:
    data = memoryview(_pack("<I", len(frame)) + frame)
    while data:
        data = data[_write(_OUT, data) :]
    return _exactly(_unpack("<I", _exactly(4))[0])


host = types.ModuleType("_host")
host.call = _call  # type: ignore[attr-defined]
sys.modules["_host"] = host

# As the host does when it makes an image, and then for each turn.
main = {}
_exec, _compile, _print_exc, _stderr = exec, compile, traceback.print_exc, sys.stderr
_exec("from cellblock_bridge import serve_turn", main)
while _exactly(1) == b"T":
    try:
        _exec(_compile("served = serve_turn()", "<turn>", "single"), main)
    except BaseException:  # then there was no reply, and the host rolls back
        _print_exc(file=_stderr)
    finally:
        _write(_OUT, b"\xff" * 4)
