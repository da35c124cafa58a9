"""The magics that are the kernel's and not IPython's: what they mean where there is neither editor nor screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class

from . import notebook_files, payloads


@magics_class
class KernelMagics(Magics):
    """As ipykernel's, but for what would reach out of the sandbox."""

    @line_magic
    def autosave(self, line: str) -> None:
        """Set how often the notebook is saved, in seconds; 0 for never. The front end's business."""
        try:
            interval = int(line)
        except ValueError:
            raise UsageError(f"%autosave requires an integer, got {line!r}") from None
        print(f"Autosaving every {interval} seconds" if interval else "Autosave disabled")
        print("(A sandboxed cell cannot change how the front end saves; see its own settings.)")

    @line_magic
    def clear(self, line: str) -> None:
        """Clear a terminal that shows the output."""
        print("\x1b[H\x1b[2J", end="")

    @line_magic
    def edit(self, line: str) -> None:
        """Not available: a front end would open a file of the host's of that name."""
        raise UsageError(
            "%edit has no editor here: the sandbox can start none. `%load FILE` puts a file's text "
            "into the next cell, and `%%writefile FILE` writes a cell to a file."
        )

    ed = line_magic("ed")(edit)

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

    @line_magic
    def notebook(self, line: str) -> None:
        """Write the session's cells to a notebook: `%notebook FILE.ipynb`."""
        name = line.strip().strip("'\"")
        if not name:
            raise UsageError("%notebook needs a file name")
        history: Any = self.shell.history_manager
        cells = [(count, source) for _, count, source in list(history.get_range())[:-1]]
        if not cells:
            raise ValueError("History is empty, cannot export")
        notebook_files.write(Path(name).expanduser(), cells, history.output_hist_reprs)
