"""`%session`: the history, the names and the forks of the notebook's own session.

The guest knows nothing of them. It says which command with which argument, the host answers with a
text to print, and decides alone which session that is about: there is no field to name another.
"""

from __future__ import annotations

import shlex
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

from . import streams
from .departure import Departure
from .door import door

_USAGE = """\
%session               status: cells, memory, files, what undo and redo would do
%session log [n]       the last cells, with their time, size and fuel
%session undo [n]      go back by a cell, or by n: memory and files
%session redo [n]      take that back, until something else is run
%session save NAME     give this state a name
%session restore NAME  go back to it
%session fork NAME     a second session that goes on from here
%session reset         begin again, with nothing; undo takes it back
%session resume        take up the session that was saved before this kernel started
%session help          this text"""

# What may follow each command.
_NOTHING, _COUNT, _NAME = "", "n", "NAME"
_COMMANDS = {
    "status": _NOTHING,
    "log": _COUNT,
    "undo": _COUNT,
    "redo": _COUNT,
    "save": _NAME,
    "restore": _NAME,
    "fork": _NAME,
    "reset": _NOTHING,
    "resume": _NOTHING,
    "help": _NOTHING,
}
_MOST_DIGITS = 6
_LONGEST_NAME = 128


@magics_class
class SessionMagics(Magics):
    """The magic, for IPython."""

    @line_magic
    def session(self, line: str) -> None:
        """Look at this notebook's session, or go back and forth in it; `%session help` says how."""
        request = parse(line)
        if request["command"] == "help":
            print(_USAGE)
            return
        answer, _ = door.ask("session", **request)
        error = answer.get("error")
        if error is not None:
            raise UsageError(str(error))
        text = str(answer.get("text") or "")
        if text:
            print(text)
        if answer.get("ends"):
            streams.flush()
            raise Departure


def parse(line: str) -> dict[str, Any]:
    """The door's fields for a line behind `%session`; `UsageError` if it makes no sense."""
    try:
        command, *rest = shlex.split(line) or ["status"]
    except ValueError as error:  # a quotation mark without its partner
        raise _misused(str(error)) from None
    expected = _COMMANDS.get(command)
    if expected is None:
        raise _misused(f"there is no command {command[:40]!r}")
    if expected == _NAME:
        return {"command": command, "name": _name(command, rest)}
    if len(rest) > (expected == _COUNT):
        raise _misused(f"{command} takes {'one number at most' if expected else 'no argument'}")
    if rest:
        return {"command": command, "n": _count(command, rest[0])}
    return {"command": command}


def _name(command: str, rest: list[str]) -> str:
    if len(rest) != 1 or not rest[0]:
        raise _misused(f"{command} takes one name (in quotation marks, if it has spaces)")
    if len(rest[0]) > _LONGEST_NAME:
        raise _misused(f"a name has at most {_LONGEST_NAME} characters, this one {len(rest[0])}")
    return rest[0]


def _count(command: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) > 0):
        raise _misused(f"{command} takes a number of cells, from 1, not {text[:40]!r}")
    return int(text)


def _misused(what: str) -> UsageError:
    return UsageError(f"%session: {what}.\n\n{_USAGE}")


def _complete(event: Any) -> list[str]:
    before = event.text_until_cursor.split()
    at_second = len(before) == (1 if event.text_until_cursor[-1:].isspace() else 2)
    return list(_COMMANDS) if at_second else []


def install(shell: InteractiveShell) -> None:
    """Give a shell the magic and the completion of its commands."""
    shell.register_magics(SessionMagics)
    shell.set_hook("complete_command", lambda _, event: _complete(event), str_key="%session")
