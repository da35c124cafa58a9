"""Which request the output of running code belongs to: the one that started it.

A task, a timer or a callback runs in a copy of the context in which it was made, so a context variable
says which request that was. The host takes all output to be the request's that it is serving; whenever
code of another one runs it is told so (op `parent`), before that can show anything.
"""

from __future__ import annotations

import asyncio.events
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context

from . import streams
from .door import door

_request: ContextVar[str] = ContextVar("cellblock_request", default="")


class Belonging:
    """Knows whose output the host takes for whose."""

    def __init__(self) -> None:
        #: The request that is being served.
        self._own = ""
        #: What the host was told; None if that is not known.
        self._told: str | None = ""

    def begin(self, request: str) -> None:
        """A request begins: what it runs is its own, until it starts something that goes on."""
        self._own = self._told = request
        _request.set(request)

    def here(self) -> str:
        """The request that the running code belongs to."""
        return _request.get() or self._own

    def belong_to(self, request: str) -> None:
        """Have what is shown from now on belong to a request."""
        request = request or self._own
        if request == self._told:
            return
        streams.flush()
        self._told = None
        door.tell("parent", msg_id=request)
        self._told = request

    @contextmanager
    def of(self, context: Context | None) -> Iterator[None]:
        """What is shown meanwhile belongs to the request of a context."""
        self.belong_to(context.get(_request, "") if context is not None else "")
        try:
            yield
        finally:
            self.belong_to(self.here())


belonging = Belonging()


def context_of(request: str) -> Context:
    """A context in which what is started belongs to a request."""
    context = copy_context()
    context.run(_request.set, request)
    return context


def install() -> None:
    """Have each step of an event loop belong to the request that asked for it, if one did."""
    run = asyncio.events.Handle._run  # type: ignore[attr-defined]
    request_of, own = _request, belonging

    @functools.wraps(run)
    def run_for_its_request(self: asyncio.Handle) -> None:
        loop = self._loop  # type: ignore[attr-defined]
        request = self._context.get(request_of, "")  # type: ignore[attr-defined]
        if request and request != own._told:
            own.belong_to(request)
        loop.running_handle = self
        run(self)
        loop.running_handle = None

    asyncio.events.Handle._run = run_for_its_request  # type: ignore[attr-defined]
