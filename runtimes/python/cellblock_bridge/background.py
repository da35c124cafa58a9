"""The event loop while no cell runs: the host lets it go on in turns of its own (`docs/door.md`, op `loop`)."""

from __future__ import annotations

from typing import Any

from . import streams
from .belonging import belonging
from .execution import show_error
from .interrupts import gate
from .session import Session

Reply = dict[str, Any]

#: A turn takes what is due for so long at most, whatever the host says.
_LONGEST = 1.0


def go_on(session: Session, request: dict[str, Any]) -> Reply:
    """Serve a `loop` request: run what is due, and say when there is more."""
    seconds = request.get("seconds")
    seconds = min(float(seconds), _LONGEST) if isinstance(seconds, (int, float)) else 0.0

    def run() -> None:
        session.runner.run_what_is_due(seconds)
        streams.flush()

    belonging.begin("")
    try:
        gate.run(run)
    except BaseException as error:  # noqa: BLE001 - an interrupt, or what a callback ended itself with
        with belonging.of(session.runner.stop_what_ran()):
            show_error(session.shell, error)
    return pending(session)


def pending(session: Session) -> Reply:
    """What a reply says of the loop: in how many seconds it has something to do, if at all."""
    after = session.runner.due_in()
    return {} if after is None else {"background": {"after": after}}
