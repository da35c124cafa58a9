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
    told.client.shutdown(restart=True)
    told.wait_exit()
    told.client.stop_channels()
    told.manager.restart_kernel(now=True)
    told.connect()
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
