"""Native code and operating-system modules that a WebAssembly build does not have.

`import` of them fails as it would, with `ModuleNotFoundError`, but says why. The finder stands at
the end of `sys.meta_path`: a module that does exist is found before it is asked.
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any


class NativeModuleUnavailable(ModuleNotFoundError):
    """A module was imported that only exists outside of the sandbox."""

    cellblock_reason = "native"


_OTHER_MACHINES = "it calls into native libraries, and the sandbox runs WebAssembly only"
_OPERATING_SYSTEM = "it needs operating system services that the sandbox does not have"
_NETWORK = "the sandbox has no network, and this build no TLS"
_PROCESSES = "the sandbox cannot start processes"
_SCREEN = "the sandbox has no screen or terminal"

_REASONS = {
    "_ctypes": _OTHER_MACHINES,
    "cffi": _OTHER_MACHINES,
    "_cffi_backend": _OTHER_MACHINES,
    "cupy": _OTHER_MACHINES,
    "jax": _OTHER_MACHINES,
    "numba": _OTHER_MACHINES,
    "llvmlite": _OTHER_MACHINES,
    "polars": _OTHER_MACHINES,
    "pyarrow": _OTHER_MACHINES,
    "tensorflow": _OTHER_MACHINES,
    "torch": _OTHER_MACHINES,
    "_multiprocessing": _PROCESSES,
    "_posixsubprocess": _PROCESSES,
    "_posixshmem": _PROCESSES,
    "fcntl": _OPERATING_SYSTEM,
    "grp": _OPERATING_SYSTEM,
    "mmap": _OPERATING_SYSTEM,
    "psutil": _OPERATING_SYSTEM,
    "pwd": _OPERATING_SYSTEM,
    "resource": _OPERATING_SYSTEM,
    "syslog": _OPERATING_SYSTEM,
    "_ssl": _NETWORK,
    "ipympl": "interactive figures are not available; `%matplotlib inline` is the default",
    "_curses": _SCREEN,
    "_tkinter": _SCREEN,
    "pty": _SCREEN,
    "readline": _SCREEN,
    "termios": _SCREEN,
    "tkinter": _SCREEN,
    "tty": _SCREEN,
}


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing, and says why for the modules it knows."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> Any:
        reason = _REASONS.get(fullname)
        if reason is not None:
            raise NativeModuleUnavailable(
                f"No module named {fullname!r} in the sandbox: {reason}", name=fullname
            )
        return None


def install() -> None:
    """Put the finder at the end of the import system."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
