"""input() and getpass()."""

from __future__ import annotations

from guests import Guest


def test_input_asks_and_returns_the_line(guest: Guest) -> None:
    guest.host.inputs = ["blue"]
    assert guest.value("input('colour? ')") == "'blue'"
    (question,) = guest.events("input")
    assert question.content == {"prompt": "colour? ", "password": False}


def test_getpass_hides(guest: Guest) -> None:
    guest.host.inputs = ["secret"]
    assert guest.value("import getpass; getpass.getpass()") == "'secret'"
    (question,) = guest.events("input")
    assert question.content == {"prompt": "Password: ", "password": True}


def test_the_prompt_comes_after_what_was_printed(guest: Guest) -> None:
    guest.host.inputs = ["x"]
    guest.ok("print('first', end=''); input()")
    assert guest.out == "first"


def test_end_of_input(guest: Guest) -> None:
    guest.fails("input()", "EOFError")


def test_a_front_end_without_input(guest: Guest) -> None:
    reply = guest.fails("input()", "StdinNotImplementedError", allow_stdin=False)
    assert "frontend does not support" in reply["evalue"]
    assert guest.events("input") == []
    guest.host.inputs = [{"error": "unavailable"}]
    guest.fails("input()", "StdinNotImplementedError")
