"""`mmap`: files as memory, which WASI cannot map.

A map is a copy of the file, read when it is made. What was written to it goes to the file when it is
flushed or closed, before that file is opened, and when a cell ends: in blocks, of which only those
that have changed are written. Nothing is seen of what others write to the file meanwhile.
"""

from __future__ import annotations

import errno
import operator
import os
import sys
import weakref
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from ..after_import import after_import
from . import opened_paths

ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY = range(4)
MAP_SHARED, MAP_PRIVATE, MAP_ANON = 1, 2, 32
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
PAGESIZE = ALLOCATIONGRANULARITY = 4096

_BLOCK = 1 << 20
_READ_ONLY = "mmap can't modify a readonly memory map."

# References to what a map alone holds: its own, and the question's.
_UNSHARED = 2

# Those that have something to write.
_written: weakref.WeakSet[mmap] = weakref.WeakSet()


class mmap:
    """A file as bytes that can be written to, and as a file as well."""

    _data: bytearray
    _closed = True
    _own: int | None = None
    # numpy takes the address of a buffer and gives it back at once: what was lent stays where it is.
    _lent = False

    def __init__(
        self,
        fileno: int,
        length: int,
        flags: int = MAP_SHARED,
        prot: int = PROT_READ | PROT_WRITE,
        access: int = ACCESS_DEFAULT,
        offset: int = 0,
        *,
        trackfd: bool = True,
    ) -> None:
        fileno, length, offset = map(operator.index, (fileno, length, offset))
        if length < 0:
            raise OverflowError("memory mapped length must be positive")
        if offset < 0:
            raise OverflowError("memory mapped offset must be positive")
        if access != ACCESS_DEFAULT and (flags != MAP_SHARED or prot != PROT_READ | PROT_WRITE):
            raise ValueError("mmap can't specify both access and flags, prot.")
        if access == ACCESS_DEFAULT:
            if not prot & PROT_WRITE:
                access = ACCESS_READ
            elif flags & MAP_PRIVATE:
                access = ACCESS_COPY
        elif access not in (ACCESS_READ, ACCESS_WRITE, ACCESS_COPY):
            raise ValueError("mmap invalid access parameter.")
        self._access, self._offset, self._position = access, offset, 0
        if fileno == -1:
            if length == 0:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            self._data = bytearray(length)
        else:
            self._map(fileno, length)
        self._closed = False

    def _map(self, fileno: int, length: int) -> None:
        size = os.fstat(fileno).st_size
        if length == 0:
            if size == 0:
                raise ValueError("cannot mmap an empty file")
            if self._offset >= size:
                raise ValueError("mmap offset is greater than file size")
            length = size - self._offset
        elif self._offset > size or size - self._offset < length:
            raise ValueError("mmap length is greater than file size")
        if self._offset % ALLOCATIONGRANULARITY:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        shared = self._access in (ACCESS_DEFAULT, ACCESS_WRITE)
        if shared:
            self._own = _opened_again(fileno)
            self._file = _identity(os.fstat(fileno))
        # Read into place: a large file is not held twice.
        self._data = bytearray(length)
        view, at = memoryview(self._data), 0
        while at < length:
            piece = os.pread(fileno, min(_BLOCK, length - at), self._offset + at)
            if not piece:
                break
            view[at : at + len(piece)] = piece
            at += len(piece)
        view.release()
        if shared:
            self._known = list(map(zlib.crc32, self._blocks()))
            _written.add(self)

    def _blocks(self) -> Iterator[memoryview]:
        with memoryview(self._data) as view:
            for at in range(0, len(view), _BLOCK):
                yield view[at : at + _BLOCK]

    def _write_back(self) -> None:
        """Write the blocks that have changed."""
        if self._own is None or self._closed:
            return
        for number, block in enumerate(self._blocks()):
            found = zlib.crc32(block)
            if found == self._known[number]:
                continue
            at = 0
            while at < len(block):
                at += os.pwrite(self._own, block[at:], self._offset + number * _BLOCK + at)
            self._known[number] = found

    def _open(self) -> bytearray:
        if self._closed:
            raise ValueError("mmap closed or invalid")
        return self._data

    def _writable(self) -> bytearray:
        data = self._open()
        if self._access == ACCESS_READ:
            raise TypeError(_READ_ONLY)
        return data

    # As bytes.

    def __buffer__(self, flags: int) -> memoryview:
        view = memoryview(self._open())
        self._lent = True
        return view.toreadonly() if self._access == ACCESS_READ else view

    def __len__(self) -> int:
        return len(self._open())

    def __getitem__(self, key: Any) -> Any:
        data = self._open()
        if isinstance(key, slice):
            return bytes(data[key])
        return data[_index(key, "indices")]

    def __setitem__(self, key: Any, value: Any) -> None:
        data = self._writable()
        if isinstance(key, slice):
            with memoryview(value) as given:
                if given.nbytes != len(range(*key.indices(len(data)))):
                    raise IndexError("mmap slice assignment is wrong size")
                with memoryview(data) as view:
                    view[key] = given.cast("B")
        else:
            data[_index(key, "indices")] = _index(value, "item value")

    def __contains__(self, item: Any) -> bool:
        return item in self._open()

    def __iter__(self) -> Iterator[bytes]:
        return (bytes((byte,)) for byte in self._open())

    # As a file.

    def find(self, sub: Any, start: int | None = None, end: int | None = None) -> int:
        start = self._position if start is None else start
        return self._open().find(sub, start, len(self) if end is None else end)

    def rfind(self, sub: Any, start: int | None = None, end: int | None = None) -> int:
        start = self._position if start is None else start
        return self._open().rfind(sub, start, len(self) if end is None else end)

    def read(self, n: int | None = None) -> bytes:
        data = self._open()
        end = len(data) if n is None or n < 0 else min(len(data), self._position + n)
        piece = bytes(data[self._position : end])
        self._position = max(self._position, end)
        return piece

    def read_byte(self) -> int:
        data = self._open()
        if self._position >= len(data):
            raise ValueError("read byte out of range")
        self._position += 1
        return data[self._position - 1]

    def readline(self) -> bytes:
        data = self._open()
        end = data.find(b"\n", self._position)
        return self.read((len(data) if end < 0 else end + 1) - self._position)

    def write(self, data: Any, /) -> int:
        own = self._writable()
        with memoryview(data) as given:
            end = self._position + given.nbytes
            if end > len(own):
                raise ValueError("data out of range")
            with memoryview(own) as view:
                view[self._position : end] = given.cast("B")
            self._position = end
            return given.nbytes

    def write_byte(self, byte: int, /) -> None:
        own = self._writable()
        if self._position >= len(own):
            raise ValueError("write byte out of range")
        own[self._position] = _index(byte, "item value")
        self._position += 1

    def seek(self, pos: int, whence: int = 0) -> int:
        size = len(self._open())
        base = {0: 0, 1: self._position, 2: size}.get(whence)
        if base is None:
            raise ValueError("unknown seek type")
        if not 0 <= base + pos <= size:
            raise ValueError("seek out of range")
        self._position = base + pos
        return self._position

    def tell(self) -> int:
        self._open()
        return self._position

    def seekable(self) -> bool:
        return True

    def size(self) -> int:
        self._open()
        return len(self._data) if self._own is None else os.fstat(self._own).st_size

    def move(self, dest: int, src: int, count: int) -> None:
        own = self._writable()
        if min(dest, src, count) < 0 or max(dest, src) + count > len(own):
            raise ValueError("source, destination, or count out of range")
        with memoryview(own) as view:
            view[dest : dest + count] = bytes(view[src : src + count])

    def madvise(self, option: int, start: int = 0, length: int = 0, /) -> None:
        """Nothing: all of it is in memory."""
        self._open()

    def resize(self, newsize: int, /) -> None:
        own = self._open()
        if self._access not in (ACCESS_DEFAULT, ACCESS_WRITE):
            raise TypeError("mmap can't resize a readonly or copy-on-write memory map.")
        if newsize < 0:
            raise ValueError("new size out of range")
        self._write_back()
        if self._lent:
            raise BufferError("mmap can't resize with extant pointers exported.")
        if newsize < len(own):
            del own[newsize:]
        else:
            own.extend(bytes(newsize - len(own)))
        if self._own is not None:
            os.ftruncate(self._own, self._offset + newsize)
            self._known = list(map(zlib.crc32, self._blocks()))

    def flush(self, offset: int = 0, size: int | None = None, /, **kwargs: Any) -> None:
        data = self._open()
        size = len(data) - offset if size is None else size
        if offset < 0 or size < 0 or offset + size > len(data):
            raise ValueError("flush values out of range")
        if self._access not in (ACCESS_READ, ACCESS_COPY):
            self._write_back()

    def close(self) -> None:
        if self._closed:
            return
        self._write_back()
        if sys.getrefcount(self._data) > _UNSHARED:  # a view of it that is still in use holds it
            raise BufferError("cannot close exported pointers exist")
        if not self._lent:
            self._data.clear()
        self._let_go()

    def _let_go(self) -> None:
        self._closed = True
        if self._own is not None:
            own, self._own = self._own, None
            os.close(own)

    @property
    def closed(self) -> bool:
        return self._closed

    def __enter__(self) -> mmap:
        self._open()
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._closed:
            try:
                self._write_back()
            finally:
                self._let_go()

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'mmap.mmap' object")

    def __repr__(self) -> str:
        if self._closed:
            return "<mmap.mmap closed=True>"
        names = ("ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY")
        return (
            f"<mmap.mmap closed=False, access={names[self._access]}, length={len(self._data)}, "
            f"pos={self._position}, offset={self._offset}>"
        )


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _index(value: Any, what: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"mmap {what} must be integers") from None


def _opened_again(fileno: int) -> int:
    """A descriptor of the map's own, as the file's may be closed."""
    path = opened_paths.path_of(fileno)
    if path is None:
        raise OSError(
            errno.ENOTSUP, "a map that is written to needs a file that was opened by its name"
        )
    try:
        os.pwrite(fileno, b"", 0)
    except OSError:  # it was opened to be read only
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None
    return os.open(path, os.O_RDWR)


def write_back(name: Any = None) -> None:
    """Have the files hold what was written to their maps: all of them, or the one of that name."""
    if not _written:
        return
    only = None
    if name is not None:
        try:
            only = _identity(os.stat(name))
        except (OSError, TypeError, ValueError):
            return
    for map_ in list(_written):
        if only is not None and map_._file != only:
            continue
        try:
            map_._write_back()
        except OSError as error:
            print(f"[cellblock] what was written to an mmap is not in its file: {error}", file=sys.stderr)


def _put_in_place(module: ModuleType) -> None:
    here = globals()
    mmap.__module__ = "mmap"
    for name in list(here):
        if name == "mmap" or name.startswith(("ACCESS_", "MAP_", "PROT_")) or name in _SIZES:
            setattr(module, name, here[name])
    module.MAP_ANONYMOUS = MAP_ANON  # type: ignore[attr-defined]
    module.error = OSError  # type: ignore[attr-defined]
    for number, name in enumerate(("NORMAL", "RANDOM", "SEQUENTIAL", "WILLNEED", "DONTNEED")):
        setattr(module, f"MADV_{name}", number)


_SIZES = ("PAGESIZE", "ALLOCATIONGRANULARITY")


def install() -> None:
    """Put it in the place of the artifact's module, which refuses everything."""
    if sys.platform != "wasi":
        return
    opened_paths.install()
    opened_paths.before_opening.append(write_back)
    after_import("mmap", _put_in_place)
