"""Charts of altair and plotly, which a policy may have mounted: as data, which the front end draws.

Both would send a page with scripts beside or instead of it, which the output firewall takes out.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..after_import import after_import


def _altair(module: ModuleType) -> None:
    renderers: Any = module.renderers
    renderers.enable("mimetype")


def _plotly(module: ModuleType) -> None:
    renderers: Any = module.renderers
    renderers.default = "plotly_mimetype"


def install() -> None:
    """Choose their renderers as they are imported."""
    after_import("altair", _altair)
    after_import("plotly.io", _plotly)
