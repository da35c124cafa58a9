"""`!command`, `%%bash`, `%pip` and their relatives: IPython's ways out to a shell."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magics.script import ScriptMagics

from .. import packages
from .processes import ProcessUnavailable, unavailable


def no_shell(command: str) -> ProcessUnavailable:
    """The error for a shell command."""
    return unavailable(f"!{str(command).strip()[:200]}")


def run(command: str) -> None:
    """Answer a shell command that is about packages; there is no shell for any other."""
    words = packages.from_shell(str(command))
    if words is None:
        raise no_shell(command)
    packages.run(words)


def _no_script(self: Any, line: str, cell: str) -> None:
    raise unavailable(f"%%{line.split(maxsplit=1)[0] if line.strip() else 'script'}")


# Every script magic (`%%bash`, `%%sh`, `%%perl` …) ends in this one method.
ScriptMagics.shebang = _no_script  # type: ignore[method-assign]


@magics_class
class PackageMagics(Magics):
    """Package managers: they say what is there."""

    @no_var_expand
    @line_magic
    def pip(self, line: str) -> None:
        """Say what is installed. Packages are added from outside of the sandbox."""
        packages.run(["pip", *_words(line)])

    @no_var_expand
    @line_magic
    def conda(self, line: str) -> None:
        """Say what is installed. Packages are added from outside of the sandbox."""
        packages.run(["conda", *_words(line)])

    @no_var_expand
    @line_magic
    def mamba(self, line: str) -> None:
        """Say what is installed. Packages are added from outside of the sandbox."""
        packages.run(["mamba", *_words(line)])

    @no_var_expand
    @line_magic
    def micromamba(self, line: str) -> None:
        """Say what is installed. Packages are added from outside of the sandbox."""
        packages.run(["micromamba", *_words(line)])

    @no_var_expand
    @line_magic
    def uv(self, line: str) -> None:
        """Say what is installed. Packages are added from outside of the sandbox."""
        packages.run(["uv", *_words(line)])


def _words(line: str) -> list[str]:
    return (packages.from_shell(f"pip {line}") or ["pip", *line.split()])[1:]
