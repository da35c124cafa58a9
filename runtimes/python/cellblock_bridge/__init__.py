"""The guest side of Cellblock's Python kernel: IPython, bound to the host through one door.

The host enters the guest by evaluating `__import__('cellblock_bridge').serve_turn()`; `docs/door.md`
is the protocol. Read `turn.py` first: it is the dispatch that everything else hangs from.
"""

from __future__ import annotations

from .turn import serve_turn

__version__ = "0.1.0"
__all__ = ["__version__", "serve_turn"]
