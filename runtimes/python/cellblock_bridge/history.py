"""`%history`, `%recall`, `%rerun`, `%macro`, `%save`: IPython's history, over the host's.

The session's own lines are in memory. What earlier kernels of this notebook ran the host has, which tells this
session of its own and of no other (`docs/sessions.md`). Patterns are looked for here: what they cost is the cell's.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from typing import Any

from IPython.core.history import HistoryManager

from .door import door

Line = tuple[int, int, Any]

#: As many lines as the host tells at once.
_ALL = 10_000


class HostHistory(HistoryManager):
    """IPython's manager, with what the host has in place of a file."""

    def get_tail(
        self,
        n: int | None = 10,
        raw: bool = True,
        output: bool = False,
        include_latest: bool = False,
    ) -> Iterable[Line]:
        """The last lines, without the one that asks."""
        n = 10 if n is None else n
        lines = self._told(n + 1, output)
        if not include_latest and lines and lines[-1][:2] == (0, self.shell.stored_line):
            lines.pop()
        return self._as(lines[len(lines) - n :] if n < len(lines) else lines, raw, output)

    def search(
        self,
        pattern: str = "*",
        raw: bool = True,
        search_raw: bool = True,
        output: bool = False,
        n: int | None = None,
        unique: bool = False,
    ) -> Iterable[Line]:
        """The lines that a pattern fits."""
        fits = re.compile(fnmatch.translate(pattern.replace("[^", "[!"))).match
        found = [line for line in self._told(_ALL, output) if fits(_source(line, output))]
        if unique:
            latest = {_source(line, output): line for line in found}
            found = [line for line in found if latest[_source(line, output)] is line]
        if n is not None:
            found = found[len(found) - n :] if n < len(found) else found
        return self._as(found, raw, output)

    def get_range(
        self,
        session: int = 0,
        start: int = 1,
        stop: int | None = None,
        raw: bool = True,
        output: bool = False,
    ) -> Iterable[Line]:
        """The lines of a session: 0 is this one, -1 the one before it."""
        if session == 0:
            return self._get_range_session(start, stop, raw, output)
        asked = {"session": session, "start": start, "stop": stop, "output": output}
        return self._as(self._ask(hist_access_type="range", **asked) or [], raw, output)

    def get_session_info(self, session: int = 0) -> tuple[int, None, None, None, str]:
        """Nothing but the number is known of sessions."""
        return (session, None, None, None, "")

    def get_last_session_id(self) -> None:
        """Not told."""

    def _told(self, n: int, output: bool) -> list[Line]:
        lines = self._ask(hist_access_type="tail", n=n, output=output)
        if lines is None:  # nothing but what is in memory
            lines = list(self._get_range_session(1, None, True, output))
            lines = lines[len(lines) - n :] if n < len(lines) else lines
        return lines

    def _ask(self, **asked: Any) -> list[Line] | None:
        if door.is_muted:
            return None
        answer, _ = door.ask("history", **asked)
        if "history" not in answer:
            return None
        here = answer.get("session")
        return [
            (0 if session == here else session, line, tuple(text) if isinstance(text, list) else text)
            for session, line, text in answer["history"]
        ]

    def _as(self, lines: list[Line], raw: bool, output: bool) -> Iterator[Line]:
        """As they were typed, or as IPython translates them."""
        for session, line, text in lines:
            if not raw:
                text = (self._translated(text[0]), text[1]) if output else self._translated(text)
            yield (session, line, text)

    def _translated(self, source: str) -> str:
        try:
            return self.shell.transform_cell(source).rstrip("\n")
        except SyntaxError:
            return source


def _source(line: Line, output: bool) -> str:
    return str(line[2][0] if output else line[2])
