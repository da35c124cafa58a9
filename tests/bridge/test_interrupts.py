"""Interrupts and limits: real signals to a child, raised ones in both guests."""

from __future__ import annotations

import re
import time

import pytest
from guests import ChildGuest, Guest

_COLOR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "import asyncio; await asyncio.sleep(60)",
        "import asyncio; await asyncio.gather(asyncio.sleep(60), asyncio.sleep(70))",
        "import asyncio\nawait asyncio.Event().wait()",
        "import asyncio; asyncio.run(asyncio.sleep(60))",
    ],
)
def test_an_interrupt_ends_a_cell_and_keeps_variables(child: ChildGuest, code: str) -> None:
    child.ok("kept = 41")
    child.interrupt_after(0.5)
    start = time.monotonic()
    reply = child.fails(code, "KeyboardInterrupt")
    assert time.monotonic() - start < 5
    text = _COLOR.sub("", "\n".join(reply["traceback"]))
    assert "Cell In[2], line" in text
    assert "cellblock_bridge" not in text and "base_events" not in text
    assert child.value("kept + 1") == "42"
    child.ok("import asyncio; await asyncio.sleep(0.01)")


def test_an_interrupt_between_cells_is_nobody_s(child: ChildGuest) -> None:
    child.ok("import signal")
    child.turn("hello")
    assert child.value("1") == "1"


def test_a_notebook_cannot_make_itself_uninterruptible(child: ChildGuest) -> None:
    child.ok("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)")
    child.interrupt_after(0.5)
    child.fails("while True: pass", "KeyboardInterrupt")


@pytest.mark.parametrize(
    "code",
    [
        "signal.raise_signal(signal.SIGINT)",
        "asyncio.create_task(stop())\nawait asyncio.sleep(60)",
        "asyncio.run(stop())",
    ],
)
@pytest.mark.parametrize(
    ("reason", "ename", "key"),
    [
        ("fuel", "FuelExhausted", "fuel_budget"),
        ("timeout", "TimeLimitExceeded", "timeout_seconds"),
        ("other", "LimitReached", "some_key"),
    ],
)
def test_a_limit_names_itself(guest: Guest, code: str, reason: str, ename: str, key: str) -> None:
    guest.ok(
        "import signal, asyncio\n"
        "async def stop():\n"
        "    await asyncio.sleep(0.01)\n"
        "    signal.raise_signal(signal.SIGINT)"
    )
    guest.host.why = {"reason": reason, "message": "too much", "key": key, "limit": 10, "used": 12}
    try:
        reply = guest.fails(code, ename)
    finally:
        guest.host.why = {"reason": "interrupt"}
    for word in ("too much", key, "10", "12"):
        assert word in reply["evalue"]
    assert "Cell In" in _COLOR.sub("", "\n".join(reply["traceback"]))
    assert reply["facts"]["key"] == key and reply["facts"]["limit"] == 10


def test_except_exception_does_not_swallow_a_limit(guest: Guest) -> None:
    guest.host.why = {"reason": "fuel", "message": "m", "key": "k", "limit": 1, "used": 2}
    try:
        guest.fails(
            "import signal\ntry:\n    signal.raise_signal(2)\nexcept Exception:\n    pass",
            "FuelExhausted",
        )
    finally:
        guest.host.why = {"reason": "interrupt"}


def test_input_that_is_interrupted(guest: Guest) -> None:
    guest.host.inputs = [{"error": "interrupted"}]
    guest.fails("input()", "KeyboardInterrupt")


_DURING_THE_REPLY = (
    "import signal\n"
    "class Late:\n"
    "    def __fspath__(self):\n"
    "        signal.raise_signal(signal.SIGINT)\n"
    "        return 'late'\n"
    "import os; os.PathLike.register(Late)\n"
    "get_ipython().payload_manager.write_payload({'source': 'late', 'text': Late()})"
)


@pytest.mark.parametrize("reason", ["interrupt", "sample"])
def test_a_flag_that_is_up_while_the_reply_is_made_is_gone_with_it(guest: Guest, reason: str) -> None:
    asked = []
    guest.host.why = lambda: asked.append(1) or {"reason": reason}
    try:
        assert guest.ok(_DURING_THE_REPLY)["payload"][0]["text"] == "late"
        guest.ok("x = [n for n in range(1000)]")
        guest.turn("complete", code="x.ap", cursor_pos=4)
    finally:
        guest.host.why = {"reason": "interrupt"}
    assert asked == []


def test_what_has_been_told_already_is_nothing(guest: Guest) -> None:
    guest.host.why = {"reason": "none"}
    try:
        guest.ok("import signal; signal.raise_signal(signal.SIGINT); after = 1")
    finally:
        guest.host.why = {"reason": "interrupt"}
    assert guest.value("after") == "1"
