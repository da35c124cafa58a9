"""The standard builtins, put back when a notebook deletes one.

`del builtins.len` breaks the cell that did it, which is its own affair, but must not break the
bridge and IPython for the rest of the session. What a notebook replaces stays replaced.
"""

from __future__ import annotations

import builtins

_vars = vars
_standard = dict(_vars(builtins))


def restore_missing() -> None:
    """Put back what is missing."""
    now = _vars(builtins)
    if not _standard.keys() <= now.keys():
        for name, value in _standard.items():
            if name not in now:
                now[name] = value
