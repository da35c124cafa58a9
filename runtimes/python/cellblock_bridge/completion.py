"""Completion: jedi and IPython's own matchers, with the types that front ends show as icons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import parso.cache
from IPython.core.completer import Completion, provisionalcompleter, rectify_completions
from IPython.core.interactiveshell import InteractiveShell

# Jedi's parsed modules stay in memory, which is what a session keeps: on disk they would be files
# that the user never made, in the user's workspace.
parso.cache._save_to_file_system = lambda *args, **kwargs: None
parso.cache._load_from_file_system = lambda *args, **kwargs: None
parso.cache._remove_cache_and_update_lock = lambda *args, **kwargs: None


def complete(shell: InteractiveShell, code: str, cursor_pos: int) -> dict[str, Any]:
    """The `complete_reply` content for a position in a cell."""
    cursor_pos = min(max(cursor_pos, 0), len(code))
    with provisionalcompleter():
        raw = shell.Completer.completions(code, cursor_pos)
        found = _once_each(rectify_completions(code, raw))
    return {
        "status": "ok",
        "matches": [completion.text for completion in found],
        "cursor_start": found[0].start if found else cursor_pos,
        "cursor_end": found[0].end if found else cursor_pos,
        "metadata": {
            "_jupyter_types_experimental": [
                {
                    "start": completion.start,
                    "end": completion.end,
                    "text": completion.text,
                    "type": completion.type,
                    "signature": completion.signature,
                }
                for completion in found
            ]
        },
    }


def _once_each(completions: Iterable[Completion]) -> list[Completion]:
    """The completions without repetitions of a text; one whose type is known is preferred."""
    found: dict[str, Completion] = {}
    for completion in completions:
        before = found.get(completion.text)
        if before is None or before.type in _TYPE_UNKNOWN:
            found[completion.text] = completion
    return list(found.values())


_TYPE_UNKNOWN = (None, "", "<unknown>")
