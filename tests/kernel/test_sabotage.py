"""Cells that break the session they run in. It goes on by itself, at the price of one cell that fails and says so, or `%session undo`, which the
host does without asking the guest, goes back to before them."""

from __future__ import annotations

import time

import pytest

from frontend import Frontend
from sabotages import BEYOND, BY_CHANCE, PLAIN, SABOTAGES, WRITES_OVER, goes_back, goes_on, says_what_to_do

pytestmark = pytest.mark.sandbox

@pytest.fixture(scope="module")
def fresh(kernel: Frontend):
    """Begins afresh in the module's kernel, whatever it was left in."""
    kernel.run_ok("first = 0")

    def begin() -> Frontend:
        assert "fresh" in kernel.run_ok("%session reset").stdout
        assert kernel.run_ok("x = 41").usage["state"] == "kept"
        return kernel

    return begin


@pytest.mark.parametrize("name", SABOTAGES)
def test_the_session_goes_on_or_back(fresh, name: str) -> None:
    kernel = fresh()
    kernel.run(SABOTAGES[name])
    assert "x = 41" in kernel.run_ok("%session log").stdout
    healed = goes_on(kernel)
    assert healed or name in (*BEYOND, *BY_CHANCE)
    if healed:
        assert kernel.value("6 * 7") == "42"
        assert kernel.value("x") == "42"
    assert kernel.ask("complete_request", {"code": "pri", "cursor_pos": 3})["status"] in ("ok", "error")
    goes_back(kernel)
    assert kernel.alive


def test_memory_that_was_written_over_is_left_behind_with_undo(fresh) -> None:
    kernel = fresh()
    kernel.run(WRITES_OVER)
    # The first cell that crashes may be its own fault; the second in a row says what to do.
    outcomes = [kernel.run(PLAIN), kernel.run(PLAIN)]
    if outcomes[1].status == "error":
        says_what_to_do(outcomes[1])
    goes_back(kernel)


def test_a_lone_command_is_the_host_s_and_looks_like_the_magic(start) -> None:
    kernel = start()
    kernel.run_ok("x = 1")
    for line in ("%session", "%session log", "%session help", "# what was\n\n%session status\n"):
        alone, within = kernel.run_ok(line), kernel.run_ok(f"{line}\n0;")
        assert alone.stdout.splitlines()[0] == within.stdout.splitlines()[0], line
        assert alone.usage["fuel_consumed"] == 0 < within.usage["fuel_consumed"]
        assert alone.content == {**within.content, "execution_count": alone.content["execution_count"]}
    for line in ("%session undoo", "%session undo 0", "%session save", "%session restore nowhere", "%session save 'a\u202eb'"):
        alone, within = kernel.run(line), kernel.run(f"{line}\n0;")
        assert alone.status == "error" and alone.usage["fuel_consumed"] == 0, line
        for key in ("ename", "evalue", "traceback", "payload", "user_expressions"):
            assert alone.content[key] == within.content[key], line
        assert alone.stderr == within.stderr, line


def test_a_lone_command_is_no_step_and_keeps_the_numbers(start) -> None:
    kernel = start()
    kernel.run_ok("x = 1")
    kernel.run_ok("%session")
    kernel.run_ok("%session log")
    assert kernel.run_ok("%session save here").content["execution_count"] == 4
    assert kernel.run_ok("x = 2; len(In)").result["text/plain"] == "6"
    kernel.run_ok("%session undo")
    assert kernel.value("x") == "1"
    kernel.run_ok("x = 3")
    assert "went to" in kernel.run_ok("%session restore here").stdout and kernel.value("x") == "1"


def test_a_lone_command_that_waits_for_a_file_to_be_recorded_can_be_interrupted(start) -> None:
    kernel = start(policy={"workspace_bytes": 32 << 30})
    # It takes some seconds to be read, and no room on the disk.
    kernel.run_ok("import os\nx = 41\nwith open('/app/long', 'wb') as file: file.truncate(16 << 30)")
    for command in ("", "log", "undo"):
        line = kernel.execute(f"%session {command}")
        line.receive_busy()
        line.receive_execute_input()
        kernel.interrupt()
        outcome = line.finish()
        assert outcome.content["ename"] == "KeyboardInterrupt", outcome.describe()
        assert "nothing was done" in outcome.content["evalue"]
    assert kernel.value("x, os.path.getsize('/app/long') >> 30") == "(41, 16)"


def test_the_second_turn_without_an_answer_offers_to_go_back(start) -> None:
    kernel = start()
    kernel.run_ok("x = 41")
    kernel.run_ok(SABOTAGES["the bridge's functions"])
    outcome = kernel.run("x = 42")
    assert outcome.usage["state"] == "rolled_back"
    again = kernel.run("x = 42")
    says_what_to_do(again)
    assert "cell [2]" in again.stderr
    goes_back(kernel)
    assert "[cellblock]" not in kernel.run_ok("x = 42").stderr


def test_a_policy_may_have_it_go_back_by_itself(start) -> None:
    kernel = start(policy={"session": {"heal": "undo"}})
    for name in BEYOND:
        kernel.run_ok("x = 41")
        kernel.run(SABOTAGES[name])
        texts = []
        for _ in range(5):
            outcome = kernel.run("x = 42")
            texts.append(outcome.stderr)
            if outcome.status == "ok":
                break
        assert outcome.status == "ok", texts
        assert "session.heal" in texts[-2] and "went back to" in texts[-2], texts
        assert kernel.value("x") == "42"


def test_a_cell_of_its_own_that_ends_the_interpreter_twice_is_not_undone(start) -> None:
    kernel = start(policy={"session": {"heal": "undo"}})
    kernel.run_ok("x = 41")
    for _ in range(3):
        assert kernel.run("import os; os._exit(1)").usage["state"] == "rolled_back"
    assert kernel.value("x") == "41"


def test_restarting_leads_to_a_fresh_session_and_back(start) -> None:
    kernel = start()
    kernel.run_ok("x = 41")
    kernel.run_ok(SABOTAGES["the bridge's functions"])
    kernel.run("x")
    kernel.restart()
    assert kernel.value("6 * 7") == "42"


@pytest.mark.parametrize("name", ["stdout flush loops", "trace loops"])
def test_what_loops_between_cells_can_be_interrupted(start, name: str) -> None:
    kernel = start()
    kernel.run_ok("x = 41")
    kernel.run_ok(SABOTAGES[name])
    cell = kernel.execute("looping = True\nprint('go', flush=True)\nimport os; open('began', 'w').close()\nsum(range(10))")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        kernel.interrupt()
        try:
            outcome = cell.frontend.next_reply("shell", cell.msg_id, 3)
        except AssertionError:
            continue
        break
    else:
        raise AssertionError("it was not to be interrupted")
    assert outcome["content"]["status"] in ("ok", "error")
    goes_back(kernel)
