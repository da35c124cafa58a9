"""`pdb.set_trace()`, `breakpoint()`, `%debug` and `%pdb`: questions over stdin, ended by `q` or an interrupt."""

from __future__ import annotations

import pytest

from frontend import Frontend

TRACES = {
    "pdb": "import pdb; pdb.set_trace()",
    "breakpoint": "breakpoint()",
    "IPython": "from IPython.core.debugger import set_trace; set_trace()",
    "of its own": "import pdb; pdb.Pdb().set_trace()",
}


def begin(kernel: Frontend, trace: str):
    kernel.run_ok("kept = ['before']")
    cell = kernel.execute(f"kept.append('in')\ndef work(n):\n    m = n * 2\n    {trace}\n    return m + 1\nwork(20)", allow_stdin=True)
    assert "pdb" in kernel.receive_input_request()["prompt"]
    return cell


def ask(kernel: Frontend, command: str) -> None:
    kernel.answer(command)
    assert "pdb" in kernel.receive_input_request()["prompt"]


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_variables_can_be_looked_at_and_the_cell_goes_on(kernel: Frontend, trace: str) -> None:
    cell = begin(kernel, trace)
    ask(kernel, "p m + 100")
    kernel.answer("c")
    outcome = cell.finish()
    assert "140" in outcome.stdout
    assert outcome.result == {"text/plain": "41"}


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_an_interrupt_at_the_prompt_ends_it_and_the_state_is_kept(kernel: Frontend, trace: str) -> None:
    cell = begin(kernel, trace)
    kernel.interrupt()
    outcome = cell.finish()
    assert outcome.content["ename"] == "KeyboardInterrupt", outcome.describe()
    assert outcome.usage["state"] == "kept"
    assert kernel.value("kept") == "['before', 'in']"
    assert kernel.value("sum(range(10))") == "45", "nothing is traced any more"


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_q_ends_it(kernel: Frontend, trace: str) -> None:
    cell = begin(kernel, trace)
    kernel.answer("q")
    outcome = cell.finish()
    assert outcome.status in ("ok", "error") and outcome.content.get("ename") in (None, "BdbQuit")
    assert kernel.value("kept") == "['before', 'in']"


def test_a_prompt_that_asks_again_can_be_interrupted_again_and_again(kernel: Frontend) -> None:
    kernel.run_ok("asked = []")
    cell = kernel.execute("while len(asked) < 4:\n    try:\n        asked.append(input('?'))\n    except KeyboardInterrupt:\n        asked.append('interrupted')",
                          allow_stdin=True)
    for _ in range(4):
        kernel.receive_input_request()
        kernel.interrupt()
    outcome = cell.finish()
    assert outcome.status == "ok" and outcome.usage["state"] == "kept"
    assert kernel.value("asked") == "['interrupted', 'interrupted', 'interrupted', 'interrupted']"


def test_debug_looks_at_the_last_error(kernel: Frontend) -> None:
    kernel.run("def fail(divisor):\n    return 1 / divisor\nfail(0)")
    cell = kernel.execute("%debug", allow_stdin=True)
    kernel.receive_input_request()
    ask(kernel, "p divisor + 700")
    kernel.answer("q")
    outcome = cell.finish()
    assert outcome.status == "ok" and "700" in outcome.stdout

    again = kernel.execute("%debug", allow_stdin=True)
    kernel.receive_input_request()
    kernel.interrupt()
    assert again.finish().usage["state"] == "kept"


def test_pdb_debugs_the_errors_that_come(kernel: Frontend) -> None:
    kernel.run_ok("%pdb on")
    cell = kernel.execute("divisor = 0\n1 / divisor", allow_stdin=True)
    kernel.receive_input_request()
    ask(kernel, "p 'here', divisor")
    kernel.answer("q")
    outcome = cell.finish()
    assert outcome.content["ename"] == "ZeroDivisionError" and "('here', 0)" in outcome.stdout
    kernel.run_ok("%pdb off")
    assert kernel.run("1 / 0", allow_stdin=True).content["ename"] == "ZeroDivisionError"


def test_a_computing_cell_under_the_debugger_can_be_interrupted(kernel: Frontend) -> None:
    kernel.run_ok("kept = 'kept'")
    cell = kernel.execute("breakpoint()\nprint('go', flush=True)\nwhile True: pass", allow_stdin=True)
    kernel.receive_input_request()
    kernel.answer("c")
    cell.wait_for_stdout("go")
    kernel.interrupt()
    outcome = cell.finish()
    assert outcome.content["ename"] == "KeyboardInterrupt" and outcome.usage["state"] == "kept"
    assert kernel.value("kept") == "'kept'"


def test_a_breakpoint_in_a_loop_is_left_with_one_interrupt(kernel: Frontend) -> None:
    cell = kernel.execute("for i in range(1000): breakpoint()", allow_stdin=True)
    kernel.receive_input_request()
    kernel.interrupt()
    assert cell.finish().content["ename"] == "KeyboardInterrupt"


def test_a_header_and_commands_are_taken(kernel: Frontend) -> None:
    cell = kernel.execute("import pdb\nn = 21\npdb.set_trace(header='look at this', commands=['p n * 2'])", allow_stdin=True)
    kernel.receive_input_request()
    kernel.answer("c")
    outcome = cell.finish()
    assert outcome.status == "ok" and "look at this" in outcome.stdout and "42" in outcome.stdout


def test_without_anybody_to_ask_it_ends_in_an_error(kernel: Frontend) -> None:
    assert kernel.run("breakpoint()").content["ename"] == "StdinNotImplementedError"
    assert kernel.value("1 + 1") == "2"
