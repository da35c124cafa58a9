"""Interrupts: a hundred in all, of every kind of computing and waiting; variables always live."""

from __future__ import annotations

import time

import pytest

from frontend import SANDBOXED, Frontend

# ipykernel sends from a thread that C code keeps from running: let it, before the computing begins.
GO = "print('go', flush=True)\n" + ("" if SANDBOXED else "__import__('time').sleep(0.05)\n")
KINDS = {
    "a bare loop": GO + "while True: pass",
    "time.sleep": GO + "import time\ntime.sleep(60)",
    "asyncio.sleep": GO + "import asyncio\nawait asyncio.sleep(60)",
    "input": "input('go')",
    "a numpy loop": "import numpy as np\na = np.arange(1_000_000.)\n" + GO + "while True: a = np.sqrt(a * 2 + 1)",
    "a bignum power": GO + "7 ** 30_000_000",
    "a backtracking regex": "import re\n" + GO + "re.match(r'(a+)+$', 'a' * 60 + 'b')",
}
TIMES = {"a bare loop": 15, "time.sleep": 15}
CASES = [pytest.param(kind, n, id=f"{kind} {n + 1}") for kind in KINDS for n in range(TIMES.get(kind, 14))]
assert len(CASES) == 100
# The bar is 200 ms; measured exactly in benches/. Here a loaded machine must not fail it.
BOUND = 2.0


def begin(kernel: Frontend, kind: str):
    """Starts a cell of this kind, and returns when it is known to be running."""
    if kind == "input":
        cell = kernel.execute(KINDS[kind], allow_stdin=True)
        kernel.receive_input_request()
    else:
        cell = kernel.execute(KINDS[kind])
        cell.wait_for_stdout("go")
    return cell


@pytest.mark.parametrize("kind, n", CASES)
def test_it_ends_with_keyboard_interrupt_and_the_variables_live(kernel: Frontend, kind: str, n: int) -> None:
    if kind == "asyncio.sleep" and not SANDBOXED:
        pytest.skip("ipykernel 7.4 takes note of an interrupt only when the sleep is over")
    kernel.run_ok(f"kept = [{n}, 'kept', {kind!r}]", store_history=False)
    cell = begin(kernel, kind)
    began = time.monotonic()
    kernel.interrupt()
    outcome = cell.finish()
    took = time.monotonic() - began
    assert outcome.status == "error", outcome.describe()
    assert outcome.content["ename"] == "KeyboardInterrupt"
    if SANDBOXED and outcome.usage["state"] == "rolled_back":
        assert "rolled back" in outcome.everything
    assert took < BOUND, f"{took:.3f} s"
    assert kernel.value("kept") == repr([n, "kept", kind])


def test_what_the_cell_did_before_the_interrupt_is_kept(kernel: Frontend) -> None:
    cell = kernel.execute("done = []\nfor i in range(5): done.append(i)\n" + KINDS["a bare loop"])
    cell.wait_for_stdout("go")
    kernel.interrupt()
    cell.finish()
    assert kernel.value("done") == "[0, 1, 2, 3, 4]"


def test_the_traceback_shows_where_it_was(kernel: Frontend) -> None:
    cell = kernel.execute("def spin():\n    while True:   # here it spins\n        pass\n" + GO + "spin()")
    cell.wait_for_stdout("go")
    kernel.interrupt()
    assert "while True:   # here it spins" in cell.finish().traceback


def test_the_interrupt_can_be_caught(kernel: Frontend) -> None:
    cell = kernel.execute("try:\n    print('go', flush=True)\n    while True: pass\nexcept KeyboardInterrupt:\n    print('caught')\n'went on'")
    cell.wait_for_stdout("go")
    kernel.interrupt()
    outcome = cell.finish()
    assert outcome.stdout.endswith("caught\n") and outcome.result == {"text/plain": "'went on'"}


def test_queued_cells_are_aborted_by_an_interrupt(kernel: Frontend) -> None:
    cell = kernel.execute(KINDS["a bare loop"])
    queued = kernel.execute("ran_after_interrupt = True")
    cell.wait_for_stdout("go")
    kernel.interrupt()
    assert cell.finish().status == "error"
    queued.finish()
    assert kernel.value("'ran_after_interrupt' in globals()") == "False"


def test_an_interrupt_request_is_replied_while_the_cell_runs(kernel: Frontend) -> None:
    cell = kernel.execute(KINDS["a bare loop"])
    cell.wait_for_stdout("go")
    content = kernel.request("interrupt_request", channel="control").reply()["content"]
    assert content["status"] == "ok"
    assert cell.finish().error["ename"] == "KeyboardInterrupt"


def test_many_interrupts_at_once_are_one(kernel: Frontend) -> None:
    cell = kernel.execute(KINDS["a bare loop"])
    cell.wait_for_stdout("go")
    for _ in range(20 if SANDBOXED else 1):
        kernel.interrupt()
    cell.finish()
    # A request on control is served after the interrupts that came before it.
    kernel.request("kernel_info_request", channel="control").finish()
    assert kernel.value("1 + 1") == "2"


def test_output_before_the_interrupt_is_complete(kernel: Frontend) -> None:
    cell = kernel.execute("for i in range(1000): print(i)\n" + KINDS["a bare loop"])
    text = cell.wait_for_stdout("go\n")
    assert text == "".join(f"{i}\n" for i in range(1000)) + "go\n"
    kernel.interrupt()
    cell.finish()


@pytest.mark.sandbox
def test_a_handler_that_swallows_interrupts_is_stopped_when_it_is_asked_again(kernel: Frontend) -> None:
    kernel.run_ok("kept = 'alive'")
    cell = kernel.execute("kept = 'changed'\n" + GO + "while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt:\n        print('shrugged', flush=True)")
    cell.wait_for_stdout("go")
    kernel.interrupt()
    cell.wait_for_stdout("shrugged")
    kernel.interrupt()
    outcome = cell.finish()
    assert outcome.usage["trap_reason"] == "interrupted" and outcome.usage["state"] == "rolled_back"
    assert kernel.value("kept") == "'alive'"


@pytest.mark.sandbox
def test_c_code_that_never_looks_is_stopped_after_the_grace_time(kernel: Frontend) -> None:
    kernel.run_ok("kept = 'alive'\nimport numpy as np\nbig = np.random.rand(3000, 3000)")
    cell = kernel.execute(GO + "np.linalg.svd(big)")
    cell.wait_for_stdout("go")
    began = time.monotonic()
    kernel.interrupt()
    outcome = cell.finish()
    assert time.monotonic() - began < 10
    assert outcome.status == "error"
    assert outcome.content["ename"] == "KeyboardInterrupt"
    assert outcome.usage["state"] == "rolled_back" and "rolled back" in outcome.everything
    assert kernel.value("kept") == "'alive'"


@pytest.mark.sandbox
@pytest.mark.parametrize("megabytes", [1, 2, 4, 6])
def test_a_sample_that_is_asked_for_in_a_large_reply_interrupts_nothing(start, megabytes: int) -> None:
    """The budget is so small that the host asks again and again where the cell is, also while its reply is made and sent."""
    kernel = start(policy={"profile": "strict", "fuel_budget": 1_000_000_000})
    kernel.run_ok("import json; rows = [{'n': n, 'text': 'x' * 50} for n in range(20_000)]")
    for n in range(6):
        large = kernel.run("kept = json.dumps(rows)", user_expressions={"all": f"'y' * {megabytes * 1_000_000}", "rows": "rows"})
        assert large.content.get("ename", "") in ("", "FuelExhausted"), large.describe()[:500]
        for code in ("x = 1", f"x = [n for n in range({n} + 10)]", "x"):
            kernel.run_ok(code)
        assert kernel.ask("complete_request", {"code": "x.ap", "cursor_pos": 4})["status"] == "ok"
