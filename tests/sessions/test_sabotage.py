"""Sessions that were broken by their cells, and taken up by another kernel: it starts, says so, and goes back."""

from __future__ import annotations

import pytest

from notebook import Notebook
from sabotages import BEYOND, SABOTAGES, goes_back, goes_on

NAMES = ["sys.modules emptied", "stdout None", "builtins all None", "run_cell None", "pre_run_cell exits", "recursion limit", "trace loops", "os.environ None",
         "traitlets", "__main__ emptied", *BEYOND]


@pytest.mark.parametrize("name", NAMES)
def test_another_kernel_takes_it_up_and_goes_on_or_back(notebook: Notebook, name: str) -> None:
    # What a kernel of another policy has to tell the guest, it tells while it starts.
    notebook.policy = {"recursion_limit": 900}
    kernel = notebook.open()
    kernel.run_ok("x = 41")
    kernel.run(SABOTAGES[name])
    kernel.run_ok("%session")
    notebook.kill(kernel)
    notebook.policy = {"recursion_limit": 901}
    kernel = notebook.open(resume="always")
    healed = goes_on(kernel)
    assert healed or name in BEYOND
    goes_back(kernel)
    notebook.shut_down(kernel)


@pytest.mark.parametrize("name", BEYOND)
def test_a_restart_begins_afresh_and_undo_leads_back(notebook: Notebook, name: str) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 41")
    kernel.run(SABOTAGES[name])
    kernel.run("x")
    kernel.restart()
    assert kernel.value("6 * 7") == "42"
    goes_back(kernel)


@pytest.mark.parametrize("name", BEYOND)
def test_all_commands_work_in_a_broken_session(notebook: Notebook, name: str) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 41")
    kernel.run_ok("%session save good")
    kernel.run(SABOTAGES[name])
    assert kernel.run("x").status == "error"
    assert "saved after each cell" in kernel.run_ok("%session").stdout
    assert "x = 41" in kernel.run_ok("%session log").stdout
    assert "saved as broken" in kernel.run_ok("%session save broken").stdout
    assert "forked as other" in kernel.run_ok("%session fork other").stdout
    kernel.run_ok("%session restore good")
    assert kernel.value("x") == "41"
    kernel.run_ok("%session restore broken")
    assert kernel.run("x").status == "error"
    kernel.run_ok("%session reset")
    assert kernel.value("'x' in globals()") == "False"
    kernel.run_ok("%session restore good")
    assert kernel.value("x") == "41"
