"""What cells do to the interpreter and to IPython: how much of it the bridge puts back by itself."""

from __future__ import annotations

import pytest
from guests import ChildGuest
from sabotages import BEYOND, ONLY_INSIDE, SABOTAGES


@pytest.mark.parametrize("name", [name for name in SABOTAGES if name not in (*BEYOND, *ONLY_INSIDE)])
def test_the_session_goes_on(child: ChildGuest, name: str) -> None:
    """At most one cell fails, and says so, until what was replaced is found to be in the way."""
    child.ok("import sys; x = 41")
    child.cell(SABOTAGES[name])
    if stuck := child.cell("x = 42; y = [n for n in range(3)]").get("stuck"):
        assert all(isinstance(part, str) for part in stuck)
        child.ok("x = 42")
    if name == "__main__ emptied":
        child.ok("x = 42")
    assert child.value("x") == "42"
    if child.cell("1 / 0").get("stuck"):
        assert not stuck
    assert child.cell("1 / 0")["ename"] == "ZeroDivisionError"
    assert child.turn("complete", code="x.rea", cursor_pos=5)["status"] == "ok"
    assert child.turn("inspect", code="x", cursor_pos=1, detail_level=0)["status"] == "ok"
    assert child.turn("is_complete", code="x = 1")["status"] == "complete"


@pytest.mark.parametrize("name", [name for name in BEYOND if name not in ONLY_INSIDE])
def test_beyond_repair_there_is_no_reply_and_no_hang(child: ChildGuest, name: str) -> None:
    child.ok("x = 41")
    child.host.begin({"op": "execute", "code": SABOTAGES[name], "execution_count": 2}, ())
    child._run_turn()
    child.host.begin({"op": "execute", "code": "x", "execution_count": 3}, ())
    child._run_turn()
    assert child.host.replies == []
