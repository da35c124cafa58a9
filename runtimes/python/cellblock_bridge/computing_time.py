"""Clocks of computing time, which WASI's build of CPython has no names for.

`time.process_time` has one of the host's (`docs/guest-patches.md`, Files and clocks); a process has one
thread here, so the clocks of a thread are the same.
"""

from __future__ import annotations

import os
import sys
import time
from types import SimpleNamespace
from typing import Any

_PROCESS, _THREAD = 2, 3


def install() -> None:
    """Give `time` and `os` what is missing."""
    if sys.platform != "wasi":
        return
    clocks: Any = time
    clocks.CLOCK_PROCESS_CPUTIME_ID, clocks.CLOCK_THREAD_CPUTIME_ID = _PROCESS, _THREAD
    clocks.thread_time, clocks.thread_time_ns = _thread_time, _thread_time_ns
    clocks.clock_gettime = _or_computing(time.clock_gettime, time.process_time)
    clocks.clock_gettime_ns = _or_computing(time.clock_gettime_ns, time.process_time_ns)
    clocks.clock_getres = _or_computing(time.clock_getres, lambda: 1e-9)
    clocks.get_clock_info = _with_thread_time(time.get_clock_info)
    os.times = _times  # type: ignore[assignment]


def _thread_time() -> float:
    """thread_time() -> float

    Thread time for profiling: sum of the kernel and user-space CPU time.
    """
    return time.process_time()


def _thread_time_ns() -> int:
    """thread_time_ns() -> int

    Thread time for profiling as nanoseconds: sum of the kernel and user-space CPU time.
    """
    return time.process_time_ns()


_thread_time.__name__ = _thread_time.__qualname__ = "thread_time"
_thread_time_ns.__name__ = _thread_time_ns.__qualname__ = "thread_time_ns"


def _or_computing(inner: Any, computing: Any) -> Any:
    """A function of a clock's number, where those of computing time are others than the C library's."""

    def asked(clk_id: int) -> Any:
        return computing() if clk_id in (_PROCESS, _THREAD) else inner(clk_id)

    asked.__name__ = asked.__qualname__ = inner.__name__
    asked.__doc__ = inner.__doc__
    return asked


def _with_thread_time(inner: Any) -> Any:
    def get_clock_info(name: str) -> Any:
        if name != "thread_time":
            return inner(name)
        return SimpleNamespace(
            implementation="clock_gettime(CLOCK_THREAD_CPUTIME_ID)",
            monotonic=True,
            adjustable=False,
            resolution=1e-09,
        )

    get_clock_info.__doc__ = inner.__doc__
    return get_clock_info


def _times() -> os.times_result:
    """Return a collection containing process timing information."""
    return os.times_result((time.process_time(), 0.0, 0.0, 0.0, time.monotonic()))
