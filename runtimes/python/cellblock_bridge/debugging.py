"""`pdb.set_trace()`, `breakpoint()`, `%debug` and `%pdb`: IPython's debugger, which an interrupt ends together with the cell.

The one of the standard library takes an interrupt at its prompt for the end of the command that is being typed, and asks
again; IPython's own goes on with the cell, up to the next breakpoint. Between prompts an interrupt stops the cell, as
without a debugger: a handler of its own would keep limits from the cell as well.
"""

from __future__ import annotations

import pdb
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from IPython.core import debugger


class CellDebugger(debugger.InterruptiblePdb):
    """A debugger in a cell."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("nosigint", True)
        super().__init__(*args, **kwargs)
        #: What ended the prompt, until it has ended the cell.
        self._stop: KeyboardInterrupt | None = None

    def cmdloop(self, intro: Any = None) -> None:
        """Ask for commands until one goes on."""
        try:
            super().cmdloop(intro)
        except KeyboardInterrupt as stop:
            self._stop = stop
            raise

    def interaction(self, *args: Any, **kwargs: Any) -> None:
        """Stop at a frame; an interrupt goes up into it."""
        super().interaction(*args, **kwargs)
        stop, self._stop = self._stop, None
        if stop is not None:
            raise stop


def set_trace(
    frame: FrameType | None = None, header: str | None = None, commands: Iterable[str] | None = None
) -> None:
    """Debug from here on; `commands` are done at the first stop."""
    made = CellDebugger()
    if header is not None:
        made.message(header)
    if commands is not None:
        made.rcLines.extend(commands)
    made.set_trace(frame or sys._getframe().f_back)


def install() -> None:
    """Put it where code that debugs finds it."""
    debugger.Pdb = debugger.InterruptiblePdb = CellDebugger  # type: ignore[misc]
    pdb.Pdb = CellDebugger  # type: ignore[misc]
    debugger.set_trace = pdb.set_trace = set_trace  # type: ignore[assignment]
