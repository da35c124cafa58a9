"""Inspection: what a front end shows in a tooltip for the name under the cursor."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.tokenutil import token_at_cursor


def inspect(
    shell: InteractiveShell, code: str, cursor_pos: int, detail_level: int
) -> dict[str, Any]:
    """The `inspect_reply` content for a position in a cell."""
    name = token_at_cursor(code, min(max(cursor_pos, 0), len(code)))
    reply: dict[str, Any] = {"status": "ok", "found": False, "data": {}, "metadata": {}}
    if not name:
        return reply
    try:
        bundle = shell.object_inspect_mime(name, detail_level=1 if detail_level else 0)
    except KeyError:
        return reply
    if not shell.enable_html_pager:
        bundle.pop("text/html", None)
    return reply | {"found": True, "data": bundle}
