"""`!command`, `%%bash`, `%pip` and their relatives: IPython's ways out to a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magics.script import ScriptMagics

from .. import payloads
from .processes import ProcessUnavailable, unavailable


class PackagesFixed(UsageError):
    """A package manager was called."""

    cellblock_reason = "packages"


def no_shell(command: str) -> ProcessUnavailable:
    """The error for a shell command."""
    return unavailable(f"!{str(command).strip()[:200]}")


def _no_script(self: Any, line: str, cell: str) -> None:
    raise unavailable(f"%%{line.split(maxsplit=1)[0] if line.strip() else 'script'}")


# Every script magic (`%%bash`, `%%sh`, `%%perl` …) ends in this one method.
ScriptMagics.shebang = _no_script  # type: ignore[method-assign]


_NO_INSTALLING = (
    "packages cannot be installed from inside of the sandbox, which has no network and no "
    "processes. `pip install --target DIR NAME`, outside, and DIR among the policy's mounts add "
    "pure-Python packages."
)


@magics_class
class SandboxMagics(Magics):
    """Magics that mean something else here, or nothing."""

    @no_var_expand
    @line_magic
    def pip(self, line: str) -> None:
        """Not available: packages are added from outside of the sandbox."""
        raise PackagesFixed(_NO_INSTALLING)

    @no_var_expand
    @line_magic
    def conda(self, line: str) -> None:
        """Not available: packages are added from outside of the sandbox."""
        raise PackagesFixed(_NO_INSTALLING)

    @no_var_expand
    @line_magic
    def mamba(self, line: str) -> None:
        """Not available: packages are added from outside of the sandbox."""
        raise PackagesFixed(_NO_INSTALLING)

    @no_var_expand
    @line_magic
    def uv(self, line: str) -> None:
        """Not available: packages are added from outside of the sandbox."""
        raise PackagesFixed(_NO_INSTALLING)

    @line_magic
    def less(self, line: str) -> None:
        """Show a file in the front end's pager."""
        name = line.strip()
        if not name:
            raise UsageError("%less and %more need a file name")
        text = Path(name).read_text(encoding="utf-8", errors="replace")
        self.shell.payload_manager.write_payload(payloads.page(text))

    @line_magic
    def more(self, line: str) -> None:
        """Show a file in the front end's pager."""
        self.less(line)
