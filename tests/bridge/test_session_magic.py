"""`%session`: what it asks the host, how it shows the answer, and how it ends a cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from guests import Guest


@pytest.fixture
def asked(guest: Guest) -> Iterator[Guest]:
    """A guest whose host answers `%session` with what `answer` says."""
    yield guest
    guest.host.answers.clear()


def answer(guest: Guest, **content: Any) -> None:
    guest.host.answers["session"] = content


def requests(guest: Guest) -> list[dict[str, Any]]:
    return [event.content for event in guest.events("session")]


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("", {"command": "status"}),
        ("status", {"command": "status"}),
        ("undo", {"command": "undo"}),
        ("undo 3", {"command": "undo", "n": 3}),
        ("redo 2", {"command": "redo", "n": 2}),
        ("log", {"command": "log"}),
        ("log 5", {"command": "log", "n": 5}),
        ("save before-fit", {"command": "save", "name": "before-fit"}),
        ("restore 'two words'", {"command": "restore", "name": "two words"}),
        ("fork other", {"command": "fork", "name": "other"}),
        ("reset", {"command": "reset"}),
        ("resume", {"command": "resume"}),
    ],
)
def test_a_command_is_asked_of_the_host(asked: Guest, line: str, request_: dict[str, Any]) -> None:
    answer(asked, text="the host's text", ends=False)
    asked.ok(f"%session {line}\nprint('after')")
    assert requests(asked) == [request_]
    assert asked.out == "the host's text\nafter\n"


@pytest.mark.parametrize(
    "line",
    [
        "undoo",
        "undo 0",
        "undo -1",
        "undo x",
        "undo 1 2",
        "undo 1234567",
        "undo ٣",
        "save",
        "save a b",
        "save ''",
        "save " + "x" * 129,
        "save 'open",
        "reset now",
        "status 1",
    ],
)
def test_what_makes_no_sense_is_a_usage_error(asked: Guest, line: str) -> None:
    reply = asked.fails(f"%session {line}", "UsageError")
    assert requests(asked) == []
    assert reply["traceback"] == []
    assert asked.err.startswith("UsageError: %session: ") and "%session undo [n]" in asked.err


def test_help_needs_no_host(asked: Guest) -> None:
    asked.ok("%session help")
    assert "%session fork NAME" in asked.out and requests(asked) == []


def test_the_host_s_refusal_is_one_clean_line(asked: Guest) -> None:
    answer(asked, error="there is nothing to undo")
    reply = asked.fails("%session undo\nprint('not reached')", "UsageError")
    assert (asked.out, asked.err) == ("", "UsageError: there is nothing to undo\n")
    assert reply["evalue"] == "there is nothing to undo"


@pytest.mark.parametrize(
    "code",
    [
        "%session undo\nprint('not reached')",
        "get_ipython().run_line_magic('session', 'undo'); print('not reached')",
        "def inner():\n"
        "    try:\n"
        "        get_ipython().run_line_magic('session', 'undo')\n"
        "    except Exception:\n"
        "        print('caught')\n"
        "inner(); print('not reached')",
        "import asyncio\n"
        "async def inner():\n"
        "    await asyncio.sleep(0)\n"
        "    get_ipython().run_line_magic('session', 'undo')\n"
        "await asyncio.gather(inner())\nprint('not reached')",
    ],
)
def test_a_command_that_ends_the_state_ends_the_cell(asked: Guest, code: str) -> None:
    answer(asked, text="undone", ends=True)
    reply = asked.ok(code, user_expressions={"x": "1 / 0"})
    assert reply == {"status": "ok", "user_expressions": {}, "payload": []}
    assert (asked.out, asked.err) == ("undone\n", "")
    assert asked.events("error") == []
    answer(asked, text="", ends=False)
    assert asked.value("1") == "1"


def test_an_event_callback_may_end_the_cell_too(asked: Guest) -> None:
    asked.ok(
        "def back():\n"
        "    get_ipython().events.unregister('post_execute', back)\n"
        "    get_ipython().run_line_magic('session', 'undo')"
    )
    answer(asked, text="undone", ends=True)
    asked.ok("get_ipython().events.register('post_execute', back)")
    assert asked.out == "undone\n" and asked.events("error") == []


def test_its_commands_are_completed(asked: Guest) -> None:
    for code, matches in (
        ("%session re", {"redo", "restore", "reset", "resume"}),
        ("%session ", {"status", "log", "undo", "fork"}),
    ):
        reply = asked.turn("complete", code=code, cursor_pos=len(code))
        assert matches <= set(reply["matches"])
    code = "%session save re"
    assert "redo" not in asked.turn("complete", code=code, cursor_pos=len(code))["matches"]
