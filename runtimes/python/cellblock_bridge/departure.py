"""The end of a cell whose session is about to be put somewhere else.

After `%session undo` and its relatives the host replaces the whole memory as soon as the turn is
over, so nothing that the rest of the cell could do would stay: it must not run. `Departure` ends
it. It is not an error and is never shown as one.
"""

from __future__ import annotations


class Departure(BaseException):
    """Ends a cell, and passes through `except Exception` on its way."""
