"""Threads: WebAssembly gives the guest one.

Waiting for another one is not refused here but by the interpreter itself (`docs/guest-patches.md`): with a
time-out it waits, without one it is an error.
"""

from __future__ import annotations

import queue
import threading
import warnings
from typing import Any


class ThreadsUnavailable(RuntimeError):
    """A thread was to be started."""

    cellblock_reason = "threads"


_MESSAGE = (
    "can't start new thread: cells run in a sandbox that has a single thread. "
    "asyncio (async/await, asyncio.gather, asyncio.to_thread) works, and so does doing the work "
    "in a plain loop."
)


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise ThreadsUnavailable(_MESSAGE)


def install() -> None:
    """Make every way of starting a thread raise `ThreadsUnavailable`."""
    import _thread

    threading.Thread.start = _refuse  # type: ignore[method-assign]
    for name in ("start_new_thread", "start_new", "start_joinable_thread"):
        if hasattr(_thread, name):
            setattr(_thread, name, _refuse)
    threading._start_new_thread = _refuse  # type: ignore[attr-defined]
    # The one in C parks its thread without a lock that could tell that nobody will wake it.
    queue.SimpleQueue = queue._PySimpleQueue  # type: ignore[misc,attr-defined]
    # tqdm does without its monitor thread, but tells everybody.
    warnings.filterwarnings("ignore", message="tqdm:disabling monitor support")
