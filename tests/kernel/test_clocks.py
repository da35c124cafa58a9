"""Clocks of computing time stand still while a cell sleeps."""

from __future__ import annotations

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox

CLOCKS = [
    "time.process_time()",
    "time.process_time_ns() / 1e9",
    "time.thread_time()",
    "time.thread_time_ns() / 1e9",
    "time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)",
    "time.clock_gettime(time.CLOCK_THREAD_CPUTIME_ID)",
    "time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID) / 1e9",
    "os.times().user",
]


@pytest.mark.parametrize("clock", CLOCKS)
def test_computing_time_does_not_pass_in_sleep(kernel: Frontend, clock: str) -> None:
    kernel.run_ok(f"import os, time\nclock = lambda: {clock}")
    kernel.run_ok("before = clock(), time.monotonic()\ntime.sleep(0.5)\nafter = clock(), time.monotonic()")
    assert kernel.run_ok("assert 0 <= after[0] - before[0] < 0.25 and after[1] - before[1] >= 0.5, (before, after)")
    kernel.run_ok("begun = clock(), time.monotonic()\nwhile time.monotonic() < begun[1] + 0.3: pass\ncomputed = clock() - begun[0]")
    kernel.run_ok("assert 0.01 < computed < 0.6, computed")
    kernel.run_ok("assert 0 <= begun[0] < 10_000, begun")


def test_clocks_say_what_they_are(kernel: Frontend) -> None:
    kernel.run_ok("import time\nassert time.get_clock_info('thread_time').monotonic and time.clock_getres(time.CLOCK_PROCESS_CPUTIME_ID) < 1e-3")
    kernel.run_ok("assert abs(time.clock_gettime(time.CLOCK_REALTIME) - time.time()) < 5 and time.get_clock_info('process_time').monotonic")
