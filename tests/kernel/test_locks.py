"""Waiting in the one thread that there is: with a time-out it ends, without one it is an error that says so."""

from __future__ import annotations

import time

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox

IMPORTS = (
    "import asyncio, concurrent.futures, multiprocessing.dummy, queue, threading, time\n"
    "held = threading.Lock(); held.acquire()\nkept = 'alive'"
)

# Code that waits for 0.3 s in vain, and what is said then.
TIMED = {
    "Event": ("threading.Event().wait(0.3)", "False"),
    "Lock": ("held.acquire(timeout=0.3)", "False"),
    "Condition": ("with threading.Condition() as _c: pass\nc = threading.Condition()\nwith c: found = c.wait(0.3)\nfound", "False"),
    "Condition.wait_for": ("c = threading.Condition()\nwith c: found = c.wait_for(lambda: False, 0.3)\nfound", "False"),
    "Semaphore": ("threading.Semaphore(0).acquire(timeout=0.3)", "False"),
    "Queue.get": ("queue.Queue().get(timeout=0.3)", "Empty"),
    "Queue.put": ("full = queue.Queue(1); full.put(1)\nfull.put(2, timeout=0.3)", "Full"),
    "LifoQueue.get": ("queue.LifoQueue().get(timeout=0.3)", "Empty"),
    "PriorityQueue.get": ("queue.PriorityQueue().get(timeout=0.3)", "Empty"),
    "SimpleQueue.get": ("queue.SimpleQueue().get(timeout=0.3)", "Empty"),
    "Barrier": ("threading.Barrier(2).wait(0.3)", "BrokenBarrierError"),
    "Future": ("concurrent.futures.Future().result(timeout=0.3)", "TimeoutError"),
    "Future.exception": ("concurrent.futures.Future().exception(timeout=0.3)", "TimeoutError"),
    "concurrent.futures.wait": ("len(concurrent.futures.wait([concurrent.futures.Future()], timeout=0.3).not_done)", "1"),
    "run_coroutine_threadsafe": (
        "loop = asyncio.get_running_loop()\nasyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(timeout=0.3)",
        "TimeoutError",
    ),
}

# Code that nothing could end.
ENDLESS = {
    "Event": "threading.Event().wait()",
    "Lock": "held.acquire()",
    "with Lock": "with held: pass",
    "Condition": "c = threading.Condition()\nwith c: c.wait()",
    "Semaphore": "threading.Semaphore(0).acquire()",
    "Queue.get": "queue.Queue().get()",
    "Queue.join": "work = queue.Queue(); work.put(1)\nwork.join()",
    "SimpleQueue.get": "queue.SimpleQueue().get()",
    "Barrier": "threading.Barrier(2).wait()",
    "Future": "concurrent.futures.Future().result()",
    "run_coroutine_threadsafe": (
        "loop = asyncio.get_running_loop()\nasyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()"
    ),
}


@pytest.fixture(scope="module")
def waiting(kernel: Frontend) -> Frontend:
    kernel.run_ok(IMPORTS)
    return kernel


@pytest.mark.parametrize("what", TIMED)
def test_a_wait_with_a_time_out_times_out(waiting: Frontend, what: str) -> None:
    code, expected = TIMED[what]
    began = time.monotonic()
    outcome = waiting.run(code)
    waited = time.monotonic() - began
    said = outcome.error["ename"] if outcome.error else (outcome.result or {}).get("text/plain")
    assert said == expected, outcome.describe()
    assert waited >= 0.29, "it did not wait"
    assert outcome.usage["state"] == "kept"
    assert waiting.value("kept") == "'alive'"


@pytest.mark.parametrize("what", ENDLESS)
def test_a_wait_without_a_time_out_is_an_error(waiting: Frontend, what: str) -> None:
    outcome = waiting.run(ENDLESS[what])
    assert outcome.status == "error" and outcome.error["ename"] == "RuntimeError", outcome.describe()
    assert "no other thread can release this lock" in outcome.error["evalue"]
    assert "single thread" in outcome.everything, outcome.describe()
    assert outcome.usage["state"] == "kept"
    assert waiting.value("kept, held.locked()") == "('alive', True)"


def test_the_advice_for_a_coroutine_is_to_await_it(waiting: Frontend) -> None:
    outcome = waiting.run(ENDLESS["run_coroutine_threadsafe"])
    assert "`await` the coroutine" in outcome.everything or "await" in outcome.everything, outcome.describe()


@pytest.mark.parametrize("code", ["threading.Event().wait(600)", "held.acquire(timeout=600)", "queue.Queue().get(timeout=600)"])
def test_a_wait_can_be_interrupted(waiting: Frontend, code: str) -> None:
    request = waiting.execute(f"print('waits', flush=True)\n{code}")
    request.wait_for_stdout("waits")
    waiting.interrupt()
    outcome = request.finish()
    assert outcome.error and outcome.error["ename"] == "KeyboardInterrupt", outcome.describe()
    assert outcome.usage["state"] == "kept"
    assert waiting.value("kept") == "'alive'"


def test_what_is_there_is_had_without_waiting(waiting: Frontend) -> None:
    assert waiting.value("[e := threading.Event(), e.set(), e.wait(), e.wait(5)][2:]") == "[True, True]"
    assert waiting.value("[q := queue.SimpleQueue(), q.put(1), q.put(2), q.get(), q.get(timeout=5), q.empty()][3:]") == "[1, 2, True]"
    assert waiting.value("[l := threading.RLock(), l.acquire(), l.acquire(), l.acquire(timeout=1)][1:]") == "[True, True, True]"


def test_the_time_limit_holds_while_waiting(start) -> None:
    kernel = start(policy={"timeout_seconds": 1})
    kernel.run_ok("import threading\nkept = 1")
    outcome = kernel.run("threading.Event().wait(600)")
    assert outcome.usage["trap_reason"] == "timeout" and outcome.usage["state"] == "kept", outcome.describe()
    assert kernel.value("kept") == "1"
