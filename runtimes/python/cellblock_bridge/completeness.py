"""Whether a cell is complete, for consoles that decide what the Enter key does."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell


def is_complete(shell: InteractiveShell, code: str) -> dict[str, Any]:
    """The `is_complete_reply` content."""
    status, indent = shell.input_transformer_manager.check_complete(code)
    reply: dict[str, Any] = {"status": status}
    if status == "incomplete":
        reply["indent"] = " " * (indent or 0)
    return reply
