"""`%connect_info` and `%qtconsole`: other clients of this kernel, of which the sandbox knows nothing."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

_WHY = (
    "The connection file is outside of the sandbox, with the key by which clients speak to the kernel: "
    "code that had it could speak for you."
)


@magics_class
class ConnectingMagics(Magics):
    """Say how to connect from outside."""

    @line_magic
    def connect_info(self, line: str) -> None:
        """Say how to connect other clients to this kernel."""
        print(
            f"{_WHY}\n\n"
            "On the machine where the kernel runs, the one started last is found by itself:\n"
            "    $> jupyter <app> --existing\n"
            "and any other by the name of its file in `jupyter --runtime-dir`:\n"
            "    $> jupyter <app> --existing kernel-<id>.json"
        )

    @line_magic
    def qtconsole(self, line: str) -> None:
        """Say how to open a console on this kernel."""
        print(
            f"The sandbox cannot start programs. {_WHY}\n\n"
            "From a terminal on the machine where the kernel runs:\n"
            "    $> jupyter qtconsole --existing"
        )


def install(shell: InteractiveShell) -> None:
    """Give a shell the magics."""
    shell.register_magics(ConnectingMagics)
