"""Arguments that others give to every kernel, and those of our own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

from launch import kernel_command

pytestmark = pytest.mark.sandbox

TRAITLETS = ("--HistoryManager.hist_file=:memory:", "--IPKernelApp.pylab", "inline", "--debug", "--matplotlib=inline",
             "--InteractiveShellApp.exec_lines=x", "--Session.key=b'secret'", "HistoryManager.enabled=False", "--quiet",
             "--log-level=10")


def test_ipykernels_own_are_passed_over_and_the_log_says_so_without_their_values(start) -> None:
    kernel = start(arguments=TRAITLETS)
    assert kernel.value("1 + 1") == "2"
    log = kernel.stderr_path.read_text()
    assert "have no effect" in log and "--IPKernelApp.pylab" in log
    assert "secret" not in log


def test_a_mistyped_flag_of_our_own_is_an_error(tmp_path: Path) -> None:
    command = [*kernel_command(tmp_path / "connection.json"), "--polcy", "strict.toml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--polcy" in done.stderr and "--policy" in done.stderr


def test_a_kernelspec_named_python3_works_with_nbclient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = kernel_command(Path("unused"))
    installed = subprocess.run([command[0], "install", "--prefix", str(tmp_path), "--name", "python3"], timeout=60)
    assert installed.returncode == 0
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share/jupyter"))
    manager = KernelManager(kernel_name="python3")
    assert manager.kernel_spec.argv[0] == command[0], "the one under test comes first"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import sys; sys.platform")])
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    assert "wasi" in notebook.cells[0].outputs[0]["data"]["text/plain"]
