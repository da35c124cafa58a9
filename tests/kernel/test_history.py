"""history_request: tail, range, search, and across restarts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from frontend import SANDBOXED, Frontend


def history(kernel: Frontend, access: str, **fields: Any) -> list[Any]:
    reply = kernel.ask("history_request", {"hist_access_type": access, "raw": True, "output": False, **fields})
    assert reply["status"] == "ok"
    return reply["history"]


class Told:
    """Four cells that are in no other test's history, though all may share one."""

    def __init__(self) -> None:
        self.mark = mark = uuid.uuid4().hex
        self.alpha, self.add, self.beta = f"alpha_{mark} = 1", f"alpha_{mark} + 1", f"beta_{mark} = 'x'"
        self.cells = (self.alpha, self.add, self.beta, self.add)


@pytest.fixture
def cells() -> Told:
    return Told()


@pytest.fixture
def told(start, tmp_path, cells: Told) -> Frontend:
    """A kernel that has run them."""
    kernel = start(env={"IPYTHONDIR": str(tmp_path / "ipython")})
    for code in cells.cells:
        kernel.run_ok(code)
    return kernel


def test_tail_gives_the_last_n_oldest_first(told: Frontend, cells: Told) -> None:
    entries = history(told, "tail", n=3)
    assert [e[2] for e in entries] == [cells.add, cells.beta, cells.add]
    assert [e[1] for e in entries] == [2, 3, 4]
    assert len({e[0] for e in entries}) == 1


def test_tail_with_output_pairs_input_and_output(told: Frontend, cells: Told) -> None:
    entries = history(told, "tail", n=2, output=True)
    assert [e[2][0] for e in entries] == [cells.beta, cells.add]
    assert entries[0][2][1] is None
    assert entries[1][2][1] in ("2", None)  # ipykernel keeps outputs only when told to


def test_range_takes_start_and_leaves_stop(told: Frontend, cells: Told) -> None:
    entries = history(told, "range", session=0, start=2, stop=4)
    assert [e[1:] for e in entries] == [[2, cells.add], [3, cells.beta]]


def test_range_by_session_number(told: Frontend, cells: Told) -> None:
    if not SANDBOXED:
        pytest.skip("ipykernel answers a range of its own session with the session number 0")
    session = history(told, "tail", n=1)[0][0]
    assert [e[0] for e in history(told, "range", session=session, start=1, stop=3)] == [session, session]


def test_search_takes_glob_patterns(told: Frontend, cells: Told) -> None:
    assert [e[2] for e in history(told, "search", pattern=f"alpha_{cells.mark}*", n=10)] == [cells.alpha, cells.add, cells.add]
    assert [e[2] for e in history(told, "search", pattern=f"bet?_{cells.mark}*", n=10)] == [cells.beta]
    assert history(told, "search", pattern="nothing like it*", n=10) == []


def test_search_unique_drops_duplicates(told: Frontend, cells: Told) -> None:
    assert sorted(e[2] for e in history(told, "search", pattern=f"alpha_{cells.mark}*", unique=True, n=10)) == [cells.add, cells.alpha]


def test_search_n_takes_the_newest(told: Frontend, cells: Told) -> None:
    entries = history(told, "search", pattern="*", n=2)
    assert [e[2] for e in entries] == [cells.beta, cells.add]


def test_history_outlives_a_restart(told: Frontend, cells: Told) -> None:
    # While the kernel is there: the manager's interrupt would otherwise wait for the next one, with the number of its
    # first request (managers and clients count apart).
    told.restart()
    assert told.run(f"alpha_{cells.mark}").error["ename"] == "NameError"
    old = [e[2] for e in history(told, "search", pattern="*", n=50)]
    assert cells.beta in old and cells.alpha in old


def test_a_request_for_nothing_is_answered(told: Frontend, cells: Told) -> None:
    for content in ({"hist_access_type": "tail", "n": 0, "raw": True, "output": False},
                    {"hist_access_type": "range", "session": 999, "start": 5, "stop": 1, "raw": True, "output": False},
                    {"hist_access_type": "search", "pattern": "", "n": 0, "raw": True, "output": False}):
        request = told.request("history_request", content)
        assert isinstance(request.finish().content.get("history", []), list)
    assert told.value("1 + 1") == "2"


# --- the magics ----------------------------------------------------------------------------------


@pytest.fixture
def own(start) -> Frontend:
    """A kernel in whose history are four cells."""
    kernel = start()
    for code in ("a = 5", "%time b = 6", "for i in range(2):\n    print('loop', i)", "a + b"):
        kernel.run_ok(code)
    return kernel


def test_history_lists_the_cells(own: Frontend) -> None:
    assert own.run_ok("%history", store_history=False).stdout == \
        "a = 5\n%time b = 6\nfor i in range(2):\n    print('loop', i)\na + b\n"
    assert "   1: a = 5\n   2: %time b = 6\n" in own.run_ok("%history -n", store_history=False).stdout
    assert own.run_ok("%history -o 4", store_history=False).stdout == "a + b\n11\n"
    assert "run_line_magic('time', 'b = 6')" in own.run_ok("%history -t 2", store_history=False).stdout
    assert own.run_ok("%history 1 4", store_history=False).stdout == "a = 5\na + b\n"
    assert own.run_ok("%history 1-2", store_history=False).stdout == "a = 5\n%time b = 6\n"


def test_history_has_the_last_lines_and_those_that_a_pattern_fits(own: Frontend) -> None:
    assert own.run_ok("%history -l 2").stdout.endswith("print('loop', i)\na + b\n")
    found = own.run_ok("%history -g loop").stdout
    assert "print('loop', i)" in found and "a = 5" not in found
    assert "5: %history -l 2" in own.run_ok("%history -n -l 2").stdout
    assert "%history -g loop" in own.run_ok("%history -g -l 3 hist*loop").stdout
    assert own.run_ok("%history -u -g a[ ]=*").stdout.count("a = 5") == 1


def test_recall_puts_a_line_into_the_next_cell_and_rerun_runs_it_again(own: Frontend) -> None:
    def proposed(line: str) -> str:
        (payload,) = [p for p in own.run_ok(line).content["payload"] if p["source"] == "set_next_input"]
        return payload["text"]
    assert proposed("%recall 1") == "a = 5"
    assert proposed("%recall loop") == "for i in range(2):\n    print('loop', i)"
    assert proposed("%recall 1-2") == "a = 5\n%time b = 6"
    outcome = own.run_ok("%rerun 3")
    assert "loop 0\nloop 1\n" in outcome.stdout
    own.run_ok("a = 100")
    assert own.run_ok("%rerun -l 1").status == "ok"
    assert own.run_ok("%rerun -g range(2)").stdout.count("loop 1\n") == 1
    assert own.value("a") == "100"


@pytest.mark.sandbox
def test_the_magics_are_told_of_earlier_kernels_of_this_notebook_and_of_nobody_else(start, tmp_path) -> None:
    mark = uuid.uuid4().hex
    data = {"XDG_DATA_HOME": str(tmp_path / "data")}
    def run(name: str | None, *cells: str) -> Frontend:
        kernel = start(env={**data, **({"JPY_SESSION_NAME": name} if name else {})})
        for code in cells:
            kernel.run_ok(code)
        return kernel
    for name, code in (("/mine.ipynb", f"mine_{mark} = 1"), ("/other.ipynb", f"other_{mark} = 2"), (None, f"unkept_{mark} = 3")):
        run(name, code, "'result'").client.shutdown()
    kernel = run("/mine.ipynb", "now = 4")
    assert kernel.run_ok("%history ~1/", store_history=False).stdout == f"mine_{mark} = 1\n'result'\n"
    assert kernel.run_ok("%history ~1/1-1 1", store_history=False).stdout == f"mine_{mark} = 1\nnow = 4\n"
    assert kernel.run_ok("%history ~2/", store_history=False).stdout == ""
    found = kernel.run_ok(f"%history -g {mark}", store_history=False).stdout
    assert f"mine_{mark}" in found and "other_" not in found and "unkept_" not in found
    sessions = kernel.run_ok("for n in range(1, 9):\n    for line in get_ipython().history_manager.get_range(n): print(line[2])",
                             store_history=False).stdout
    assert f"mine_{mark}" in sessions and "other_" not in sessions and "unkept_" not in sessions
    # The user's own clients see it all.
    reply = kernel.ask("history_request", {"hist_access_type": "search", "pattern": f"*{mark}*", "raw": True, "output": False})
    assert len(reply["history"]) >= 3


@pytest.mark.sandbox
def test_what_cannot_be_asked_of_the_host_s_history_is_refused(kernel: Frontend) -> None:
    ask = "from cellblock_bridge.door import door\ndoor.ask('history', **{})[0]"
    assert "error" in kernel.value(ask.format("{'hist_access_type': 'search', 'pattern': '*a*'}"))
    assert kernel.value(ask.format("{'hist_access_type': 'range', 'session': 2**80, 'start': 'x'}")).startswith("{")
