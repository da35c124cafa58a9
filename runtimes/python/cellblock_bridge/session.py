"""The one session of this guest: its shell, its event loop and its comms, made on first use."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from types import ModuleType

from . import (
    belonging,
    builtin_names,
    comms,
    computing_time,
    debugging,
    imports,
    loop,
    module_names,
    offers,
    restrictions,
    stdin,
    streams,
    supplied,
    wide_integers,
    working_directory,
)
from .comms import DoorCommManager
from .healing import Healer, share_loop
from .kernel import Kernel
from .loop import CellRunner
from .repair import Repair
from .shell import ZMQInteractiveShell, make_shell

# For hosts that do not set them; what the host sets wins.
_ENVIRONMENT = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "TERM": "xterm-color",
}


@dataclass(frozen=True)
class Session:
    """Everything that lives from cell to cell."""

    shell: ZMQInteractiveShell
    runner: CellRunner
    comms: DoorCommManager
    #: What puts back what a notebook broke, at each turn and when cells cannot be run any more.
    healer: Healer
    repair: Repair

    def remember(self) -> None:
        """Take everything as it is now for what it has to be."""
        self.healer.remember()
        self.repair.remember()

    @property
    def main_module(self) -> ModuleType:
        """The user's `__main__`."""
        return self.shell.user_module


@functools.cache
def session() -> Session:
    """Make the session, or return the one that there is."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    imports.install()
    working_directory.install()
    streams.install()
    supplied.install()
    restrictions.install()
    wide_integers.install()
    belonging.install()
    computing_time.install()
    runner = loop.install()
    module_names.install()
    shell = make_shell()
    shell.loop_runner_map["asyncio"] = (runner, True)
    shell.loop_runner = runner
    share_loop(shell, runner)
    shell.extension_manager.load_extension("storemagic")
    manager = comms.install()
    offers.offers.serve_with(
        lambda message: manager.serve(
            message.msg_type, message.content, message.metadata, message.buffers
        )
    )
    shell.kernel = Kernel(shell, manager, runner)
    debugging.install()
    stdin.install()
    shell.raw_input_original = stdin.asker.input
    builtin_names.remember()
    return Session(shell, runner, manager, Healer(shell, runner), Repair(shell))
