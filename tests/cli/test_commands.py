"""The commands: install, uninstall, run, doctor, and what they say when something is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from program import BINARY, cellblock

pytestmark = pytest.mark.skipif(BINARY is None, reason="no cellblock binary: build it, or name it in CELLBLOCK_BIN")

TOUR = Path(__file__).parents[2] / "notebooks" / "tour.ipynb"


def test_version_and_help() -> None:
    version = cellblock("--version")
    assert version.returncode == 0 and version.stdout.startswith("cellblock ")
    helped = cellblock("--help")
    assert helped.returncode == 0
    for command in ("install", "uninstall", "kernel", "run", "setup", "doctor"):
        assert command in helped.stdout


def test_an_unknown_command_is_an_error() -> None:
    done = cellblock("no-such-command")
    assert done.returncode == 2 and "no-such-command" in done.stderr


# --- install and uninstall -----------------------------------------------------------------------


def test_install_writes_a_whole_kernelspec_and_uninstall_removes_it(tmp_path: Path) -> None:
    assert cellblock("install", "--prefix", str(tmp_path)).returncode == 0
    spec_dir = tmp_path / "share/jupyter/kernels/sandboxed-python"
    spec = json.loads((spec_dir / "kernel.json").read_text())
    assert Path(spec["argv"][0]).is_absolute() and "{connection_file}" in spec["argv"]
    assert spec["display_name"] == "Sandboxed Python"
    assert spec["language"] == "python"
    assert spec["interrupt_mode"] == "message"
    assert spec["kernel_protocol_version"] == "5.5"
    for size in (32, 64):
        png = (spec_dir / f"logo-{size}x{size}.png").read_bytes()
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == (size, size)
    assert "<svg" in (spec_dir / "logo-svg.svg").read_text()

    listed = subprocess.run([sys.executable, "-m", "jupyter", "kernelspec", "list", "--json"], capture_output=True, text=True,
                            env={**os.environ, "JUPYTER_PATH": str(tmp_path / "share/jupyter")}, timeout=60)
    assert "sandboxed-python" in json.loads(listed.stdout)["kernelspecs"]

    assert cellblock("uninstall", "--prefix", str(tmp_path)).returncode == 0
    assert not spec_dir.exists()
    again = cellblock("uninstall", "--prefix", str(tmp_path))
    assert again.returncode != 0 and "sandboxed-python" in again.stderr


def test_install_twice_is_the_same_as_once(tmp_path: Path) -> None:
    for _ in range(2):
        assert cellblock("install", "--prefix", str(tmp_path)).returncode == 0
    assert [p.name for p in (tmp_path / "share/jupyter/kernels").iterdir()] == ["sandboxed-python"]


def test_name_display_name_and_profile_are_taken(tmp_path: Path) -> None:
    done = cellblock("install", "--prefix", str(tmp_path), "--name", "mine", "--display-name", "My Own", "--profile", "strict")
    assert done.returncode == 0
    spec = json.loads((tmp_path / "share/jupyter/kernels/mine/kernel.json").read_text())
    assert spec["display_name"] == "My Own" and "strict" in spec["argv"]
    assert cellblock("uninstall", "--prefix", str(tmp_path), "--name", "mine").returncode == 0


def test_user_installation_goes_to_the_jupyter_data_directory(tmp_path: Path) -> None:
    env = {"JUPYTER_DATA_DIR": str(tmp_path / "data")}
    assert cellblock("install", "--user", env=env).returncode == 0
    assert (tmp_path / "data/kernels/sandboxed-python/kernel.json").exists()
    assert cellblock("uninstall", "--user", env=env).returncode == 0


def test_sys_prefix_goes_into_the_active_environment(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    assert cellblock("install", "--sys-prefix", env={"VIRTUAL_ENV": str(venv)}).returncode == 0
    assert (venv / "share/jupyter/kernels/sandboxed-python/kernel.json").exists()


def test_bad_names_and_profiles_are_refused(tmp_path: Path) -> None:
    for name in ("../evil", "a b", ""):
        assert cellblock("install", "--prefix", str(tmp_path), "--name", name).returncode != 0
    done = cellblock("install", "--prefix", str(tmp_path), "--profile", "lenient")
    assert done.returncode != 0 and "lenient" in done.stderr and "strict" in done.stderr
    assert not list(tmp_path.rglob("kernel.json"))


def test_install_to_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cellblock("install", "--prefix", str(tmp_path / "file"))
    assert done.returncode != 0 and str(tmp_path / "file") in done.stderr


# --- run -----------------------------------------------------------------------------------------


def notebook(path: Path, *sources: str) -> Path:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    nbformat.write(made, path)
    return path


def test_run_executes_the_tour_to_a_valid_notebook(tmp_path: Path) -> None:
    out = tmp_path / "deeper" / "out.ipynb"
    before = TOUR.read_bytes()
    done = cellblock("run", str(TOUR), "--output", str(out))
    assert done.returncode == 0, done.stderr
    assert TOUR.read_bytes() == before
    executed = nbformat.read(out, as_version=nbformat.NO_CONVERT)
    nbformat.validate(executed)
    assert (executed.nbformat, executed.nbformat_minor) == (4, 5)
    outputs = [o for c in executed.cells if c.cell_type == "code" for o in c.outputs]
    assert any("image/png" in o.get("data", {}) for o in outputs)
    assert any("image/svg+xml" in o.get("data", {}) for o in outputs)
    assert any("text/html" in o.get("data", {}) for o in outputs)
    assert not [o for o in outputs if o.output_type == "error"]
    assert all(c.execution_count for c in executed.cells if c.cell_type == "code" and c.source.strip())


def test_run_without_output_writes_into_the_notebook(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "6 * 7")
    assert cellblock("run", str(path)).returncode == 0
    cell = nbformat.read(path, as_version=4).cells[0]
    assert cell.outputs[0].data["text/plain"] == "42" and cell.execution_count == 1


def test_run_names_the_failing_cell_and_writes_what_there_is(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "print('one')", "x = 1\nraise ValueError('the reason')", "print('three')")
    done = cellblock("run", str(path))
    assert done.returncode not in (0, None)
    assert "cell 2" in done.stderr and "ValueError: the reason" in done.stderr
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].outputs[0].text == "one\n"
    assert cells[1].outputs[0].ename == "ValueError"
    assert cells[2].outputs == []


def test_run_allow_errors_goes_on(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "1/0", "print('reached')")
    assert cellblock("run", str(path), "--allow-errors").returncode == 0
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].outputs[0].ename == "ZeroDivisionError" and cells[1].outputs[0].text == "reached\n"


def test_run_timeout_ends_a_cell(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "while True: pass")
    done = cellblock("run", str(path), "--timeout", "1", timeout=60)
    assert done.returncode != 0 and "cell 1" in done.stderr
    assert "timeout" in (done.stderr + path.read_text()).lower()


def test_run_merges_streams_and_keeps_displays(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "print('a')\nprint('b')\nh = display('x', display_id=True)\nh.update('y')\nprint('c')")
    assert cellblock("run", str(path)).returncode == 0
    outputs = nbformat.read(path, as_version=4).cells[0].outputs
    assert [o.output_type for o in outputs] == ["stream", "display_data", "stream"]
    assert outputs[0].text == "a\nb\n" and outputs[1].data["text/plain"] == "'y'"


def test_run_stops_at_ctrl_c_and_writes_what_there_is(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "print('before')", "print('working')\nwhile True: pass")
    process = subprocess.Popen([BINARY, "run", str(path)], stderr=subprocess.PIPE, text=True)
    seen = ""
    while "while True" not in seen and "working" not in seen and "2/2" not in seen and "2 of 2" not in seen:
        part = process.stderr.read(1)
        assert part, f"ended: {seen}"
        seen += part
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert nbformat.read(path, as_version=4).cells[0].outputs[0].text == "before\n"


@pytest.mark.parametrize("text", ["", "not JSON", "{}", '{"nbformat": 3, "worksheets": []}', '{"nbformat": 4, "nbformat_minor": 5, "cells": 7, "metadata": {}}'])
def test_run_refuses_what_is_no_notebook(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_text(text)
    done = cellblock("run", str(path))
    assert done.returncode != 0 and "bad.ipynb" in done.stderr
    assert path.read_text() == text
    assert "panicked" not in done.stderr


def test_run_of_a_file_that_is_not_there_names_it(tmp_path: Path) -> None:
    done = cellblock("run", str(tmp_path / "nowhere.ipynb"))
    assert done.returncode != 0 and "nowhere.ipynb" in done.stderr


def test_run_takes_a_policy(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "while True: pass")
    policy = tmp_path / "p.toml"
    policy.write_text("fuel_budget = 1_000_000_000")
    done = cellblock("run", str(path), "--policy", str(policy))
    assert done.returncode != 0
    assert "fuel_budget" in path.read_text()


# --- doctor --------------------------------------------------------------------------------------


def test_doctor_is_content_when_all_is_there(tmp_path: Path) -> None:
    data = {"JUPYTER_DATA_DIR": str(tmp_path / "data")}
    cellblock("install", "--user", env=data)
    done = cellblock("doctor", env=data)
    assert done.returncode == 0, done.stdout + done.stderr


def test_doctor_says_what_to_do_without_a_kernelspec(tmp_path: Path) -> None:
    nowhere = {"JUPYTER_DATA_DIR": str(tmp_path / "none"), "JUPYTER_PATH": "", "HOME": str(tmp_path), "VIRTUAL_ENV": "", "CONDA_PREFIX": ""}
    done = cellblock("doctor", "--name", "surely-not-installed", env=nowhere)
    assert done.returncode != 0 and "cellblock install" in done.stdout + done.stderr


def test_doctor_says_what_to_do_without_a_set_up(tmp_path: Path) -> None:
    done = cellblock("doctor", env={"CELLBLOCK_CACHE_DIR": str(tmp_path / "empty")})
    assert done.returncode != 0 and "cellblock setup" in done.stdout + done.stderr


