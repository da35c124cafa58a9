"""Native code and operating-system modules that a WebAssembly build does not have.

`import` of them fails as it would, with `ModuleNotFoundError`, but says why. The finder stands at
the end of `sys.meta_path`: a module that does exist is found before it is asked.
"""

from __future__ import annotations

import errno
import importlib.abc
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple


class NativeModuleUnavailable(ModuleNotFoundError):
    """A module was imported that only exists outside of the sandbox."""

    cellblock_reason = "native"


class NativeLibraryUnavailable(OSError):
    """A native library was to be loaded with `ctypes`."""

    cellblock_reason = "native"


class _Why(NamedTuple):
    reason: str
    text: str


_OTHER_MACHINE = _Why("native", "it is native code, and the sandbox runs WebAssembly only")
_OPERATING_SYSTEM = _Why("native", "it needs operating system services that a sandbox has not")
_NETWORK = _Why("network", "the sandbox has no network, and this build of Python no TLS")
_PROCESSES = _Why("subprocess", "the sandbox cannot start processes")
_SCREEN = _Why("native", "the sandbox has no screen and no terminal")
_FIGURES = _Why("native", "the interactive figure backend is not there; figures are shown inline")

_REASONS: dict[str, _Why] = {
    **dict.fromkeys(
        [
            "_ctypes",
            "cffi",
            "_cffi_backend",
            "cupy",
            "jax",
            "numba",
            "llvmlite",
            "polars",
            "pyarrow",
            "tensorflow",
            "torch",
        ],
        _OTHER_MACHINE,
    ),
    **dict.fromkeys(
        ["fcntl", "grp", "mmap", "psutil", "pwd", "resource", "syslog"], _OPERATING_SYSTEM
    ),
    **dict.fromkeys(["_multiprocessing", "_posixsubprocess", "_posixshmem"], _PROCESSES),
    **dict.fromkeys(
        ["_curses", "_tkinter", "pty", "readline", "termios", "tkinter", "tty"], _SCREEN
    ),
    "_ssl": _NETWORK,
    "ipympl": _FIGURES,
}


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing, and says why for the modules it knows."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> Any:
        why = _REASONS.get(fullname)
        if why is None:
            return None
        error = NativeModuleUnavailable(
            f"No module named {fullname!r} in the sandbox: {why.text}", name=fullname
        )
        error.cellblock_reason = why.reason
        raise error


def _refuse_library(self: Any, name: Any = None, *args: Any, **kwargs: Any) -> None:
    raise NativeLibraryUnavailable(
        errno.ENOTSUP, f"ctypes cannot load {name!r}: the sandbox runs WebAssembly only"
    )


def install() -> None:
    """Put the finder at the end of the import system."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
    if sys.platform == "wasi":  # where ctypes is a stand-in that has the types and loads nothing
        import ctypes

        ctypes.CDLL.__init__ = _refuse_library  # type: ignore[method-assign]
