"""Where a cell's fuel goes: the lines at which the host happened to look.

Now and then the host raises the flag of an interrupt and answers `why` with `sample`. What is noted
then is one line of a cell, so it costs nothing to speak of, and a cell that ends before the host
looks pays nothing at all.
"""

from __future__ import annotations

from collections import Counter
from types import FrameType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from .cell_files import Place, described, innermost_in_stack

_SHOWN = 5


class Samples:
    """What was seen in the current cell."""

    def __init__(self) -> None:
        self._lines: Counter[Place] = Counter()
        self._taken = 0

    def begin_cell(self) -> None:
        if self._taken:
            self._lines.clear()
            self._taken = 0

    def take(self, frame: FrameType | None) -> None:
        """Note where a frame is."""
        self._taken += 1
        place = innermost_in_stack(frame)
        if place is not None:
            self._lines[place] += 1

    def report(self, shell: InteractiveShell) -> dict[str, Any]:
        """What goes into the reply: nothing, if nothing was sampled."""
        if not self._taken:
            return {}
        lines = [
            {**described(shell, place), "samples": count}
            for place, count in self._lines.most_common(_SHOWN)
        ]
        return {"samples": self._taken, "hot_lines": lines}


samples = Samples()
