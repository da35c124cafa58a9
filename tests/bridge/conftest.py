"""Fixtures: one guest per test module and kind, since making one takes a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import guests  # noqa: E402


@pytest.fixture(scope="module", params=guests.kinds(), ids=lambda kind: kind.kind)
def guest(request: pytest.FixtureRequest) -> Iterator[guests.Guest]:
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def child() -> Iterator[guests.ChildGuest]:
    """A guest of the test's own, which real signals can be sent to."""
    made = guests.ChildGuest()
    yield made
    made.close()


@pytest.fixture
def real(guest: guests.Guest) -> guests.Guest:
    """The guest, if it is the real one: for what only exists there."""
    if guest.kind != "wasi":
        pytest.skip("only in the real guest")
    return guest
