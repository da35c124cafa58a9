"""Which frames are the notebook's own: what a cell's code has for a file name, and its number."""

from __future__ import annotations

import linecache
from types import FrameType, TracebackType

from IPython.core.interactiveshell import InteractiveShell

# IPython compiles each cell under a name of this form, and cells alone.
_PREFIX = "<ipython-input-"
_LONGEST_LINE = 200

#: A line of a cell: the cell's file name and the line's number in it, from 1.
Place = tuple[str, int]


def is_cell_file(filename: str) -> bool:
    """Whether code of this file name was compiled from a cell."""
    return filename.startswith(_PREFIX)


def innermost_in_stack(frame: FrameType | None) -> Place | None:
    """Where in a cell a running frame is, or the one that called it, and so on."""
    while frame is not None:
        if is_cell_file(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def innermost_in_traceback(tb: TracebackType | None) -> Place | None:
    """The line of a cell that is nearest to where an exception was raised."""
    found = None
    while tb is not None:
        if is_cell_file(tb.tb_frame.f_code.co_filename):
            found = tb.tb_frame.f_code.co_filename, tb.tb_lineno
        tb = tb.tb_next
    return found


def described(shell: InteractiveShell, place: Place) -> dict[str, object]:
    """A line for the host: its number, the number of its cell (null if unknown) and its text."""
    filename, line = place
    return {
        "line": line,
        "cell": shell.compile._filename_map.get(filename),
        "source": linecache.getline(filename, line).strip()[:_LONGEST_LINE],
    }
