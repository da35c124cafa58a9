"""Takes the fixtures that start kernels; skips, for a stand-in, what only the sandboxed kernel does."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures import home_of_its_own, kernel, start  # noqa: F401
from frontend import KERNEL_NAME, SANDBOXED

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SANDBOXED:
        return
    skip = pytest.mark.skip(reason=f"only the sandboxed kernel does this, and the stand-in {KERNEL_NAME} is under test")
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("sandbox"):
            item.add_marker(skip)
