"""Native code and operating-system modules that a WebAssembly build does not have.

`import` of them fails as it would, with `ModuleNotFoundError`, but says why. The finder stands at
the end of `sys.meta_path`: a module that does exist is found before it is asked.

`ctypes` is a case of its own. The artifact has a stand-in with the types and no functions, because
scipy and others import it and then do without. Cells that import it mean to call something, so for
them it is not there.
"""

from __future__ import annotations

import errno
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType
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
        ["fcntl", "psutil", "resource", "syslog"], _OPERATING_SYSTEM
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


class _StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives libraries the stand-in for `ctypes`, and cells the reason why it is none."""

    def __init__(self, modules: dict[str, ModuleType]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != "ctypes":
            return None
        if _imported_by_cell():
            raise NativeModuleUnavailable(
                "ctypes cannot call native code from the sandbox, which runs WebAssembly only",
                name=fullname,
            )
        if fullname not in self._modules:
            return None
        return importlib.machinery.ModuleSpec(
            fullname, self, is_package=hasattr(self._modules[fullname], "__path__")
        )

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return self._modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """It has run already."""


def _imported_by_cell() -> bool:
    """Whether the import statement that is being served stands in a cell."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith("importlib") and name != "_frozen_importlib":
            return bool(name == "__main__")
        frame = frame.f_back
    return False


def hide_stand_in() -> None:
    """Have the next `import ctypes` be looked up again. Called when an image is about to be saved."""
    if any(isinstance(finder, _StandInFinder) for finder in sys.meta_path):
        for name in [name for name in sys.modules if name.partition(".")[0] == "ctypes"]:
            del sys.modules[name]


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
        if not any(isinstance(finder, _StandInFinder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _StandInFinder({"ctypes": ctypes}))
            hide_stand_in()
