"""`ipykernel` as far as libraries import it for their comms, or to find the kernel: names of what there is here.

It is no other kernel's module: what it has leads to the same objects as `comm` and `get_ipython()`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from IPython.core.getipython import get_ipython

from .comms import DoorComm, DoorCommManager

#: The version whose behaviour is followed.
_VERSION = (7, 4, 0)


class IPKernelApp:
    """Where libraries look for the running kernel."""

    connection_file = ""

    @classmethod
    def initialized(cls) -> bool:
        """There is one."""
        return True

    @classmethod
    def instance(cls, *_: Any, **__: Any) -> IPKernelApp:
        """It."""
        return _app

    @property
    def shell(self) -> Any:
        return get_ipython()

    @property
    def kernel(self) -> Any:
        return self.shell.kernel


_app = IPKernelApp()


def get_connection_file(app: Any = None) -> str:
    """Not told: whoever has the file can speak to the kernel as its user."""
    raise RuntimeError("the connection file is outside of the sandbox, with the key by which clients speak to the kernel")


def install(shell_module: ModuleType) -> None:
    """Make the names importable. `shell_module` is what tqdm takes for the sign of a notebook."""
    package = ModuleType("ipykernel", __doc__)
    package.__path__ = []
    package.version_info = _VERSION  # type: ignore[attr-defined]
    package.__version__ = ".".join(map(str, _VERSION))  # type: ignore[attr-defined]
    package.get_connection_file = get_connection_file  # type: ignore[attr-defined]
    package.get_connection_info = get_connection_file  # type: ignore[attr-defined]
    comm = ModuleType("ipykernel.comm")
    comm.Comm, comm.CommManager = DoorComm, DoorCommManager  # type: ignore[attr-defined]
    kernelapp = ModuleType("ipykernel.kernelapp")
    kernelapp.IPKernelApp = IPKernelApp  # type: ignore[attr-defined]
    modules = {"comm": comm, "kernelapp": kernelapp, "zmqshell": shell_module}
    sys.modules.setdefault("ipykernel", package)
    for name, module in modules.items():
        sys.modules.setdefault(f"ipykernel.{name}", module)
        setattr(package, name, module)
