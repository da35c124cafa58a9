"""`%fuel`: what the last cell took of its budget, as the host has analysed it."""

from __future__ import annotations

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

from .door import door

_COMMANDS = {"": "show", "show": "show", "on": "on", "off": "off"}
_USAGE = """\
%fuel      show the analysis of the last cell's fuel
%fuel on   show it after every cell
%fuel off  show it only when a cell comes near its budget"""


@magics_class
class FuelMagics(Magics):
    """The magic, for IPython."""

    @line_magic
    def fuel(self, line: str) -> None:
        """Show what the last cell took of its fuel budget; `%fuel on` and `off` for every cell."""
        command = _COMMANDS.get(line.strip())
        if command is None:
            raise UsageError(f"%fuel: there is no command {line.strip()[:40]!r}.\n\n{_USAGE}")
        answer, _ = door.ask("fuel_display", command=command)
        error, bundle, text = (answer.get(name) for name in ("error", "bundle", "text"))
        if error is not None:
            raise UsageError(str(error))
        if isinstance(bundle, dict):
            self.shell.display_pub.publish(bundle)
        elif text:
            print(text)


def install(shell: InteractiveShell) -> None:
    """Give a shell the magic and the completion of its commands."""
    shell.register_magics(FuelMagics)
    shell.set_hook("complete_command", lambda *_: ["on", "off"], str_key="%fuel")
