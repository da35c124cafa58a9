"""Threads: WebAssembly gives the guest one."""

from __future__ import annotations

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
    # tqdm does without its monitor thread, but tells everybody.
    warnings.filterwarnings("ignore", message="tqdm:disabling monitor support")
