"""Payloads: what a cell asks of the front end besides showing output."""

from __future__ import annotations

from typing import Any

Payload = dict[str, Any]


def page(text: str | dict[str, Any], start: int = 0) -> Payload:
    """Show text (or a bundle) in the pager, as `?` does."""
    data = text if isinstance(text, dict) else {"text/plain": text}
    return {"source": "page", "data": data, "start": max(0, start)}


def next_input(text: str, replace: bool) -> Payload:
    """Put text into the next cell (or into this one), as `%load` does."""
    return {"source": "set_next_input", "text": text, "replace": replace}


def exit_kernel(keep: bool | None) -> Payload:
    """Leave, as `exit` does."""
    return {"source": "ask_exit", "keepkernel": bool(keep)}
