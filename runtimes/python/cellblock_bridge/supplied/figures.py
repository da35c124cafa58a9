"""`fig.show()`: matplotlib says nothing on a Linux without a screen, and warns here, where the platform has another name."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ..after_import import after_import


def _show(self: Any) -> None:
    """Nothing: a figure is shown where the cell ends, if the backend is the inline one."""


def _quieten(bases: ModuleType) -> None:
    bases.FigureManagerBase.show = _show  # type: ignore[attr-defined]


def install() -> None:
    """Change matplotlib's base class for windows as it is imported."""
    if sys.platform == "wasi":
        after_import("matplotlib.backend_bases", _quieten)
