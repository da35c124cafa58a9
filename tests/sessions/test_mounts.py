"""Mounts of a session that is kept: its files go on with the same mounts, and are errors, never other files, with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend import Frontend
from notebook import Notebook, said
from test_evict import ARRAY, wait_for_eviction

OPEN = "import os\nfile = open('/mnt/models/f', buffering=4)\nassert file.read(10) == '0123456789'\ndirectory = os.open('/mnt/models', os.O_RDONLY)"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    for name in ("models", "other"):
        (tmp_path / "host" / name).mkdir(parents=True)
        (tmp_path / "host" / name / "f").write_text("0123456789abcdef" if name == "models" else "another file, and longer")
    return tmp_path / "host"


def with_mounts(notebook: Notebook, host: Path, **mounts: str) -> Notebook:
    notebook.policy = {"mounts": {f'"/mnt/{name}"': str(host / directory) for name, directory in mounts.items()}}
    return notebook


def resumed(notebook: Notebook, before: Frontend) -> Frontend:
    notebook.crash(before)
    kernel = notebook.open(resume="always")
    assert any("goes on" in line for line in said(kernel.run_ok("pass")))
    return kernel


def rest(kernel: Frontend) -> str:
    outcome = kernel.run("print(file.read(), os.read(os.open('f', os.O_RDONLY, dir_fd=directory), 3), end='')")
    return outcome.stdout if outcome.status == "ok" else f"raised {outcome.error['ename']}"


@pytest.fixture
def opened(notebook: Notebook, host: Path) -> Frontend:
    kernel = with_mounts(notebook, host, models="models").open()
    kernel.run_ok(OPEN)
    return kernel


def test_undo_takes_an_open_file_back(opened: Frontend) -> None:
    opened.run_ok("file.read()\nos.close(directory)")
    opened.run_ok("%session undo")
    assert rest(opened) == "abcdef b'012'"


def test_an_open_file_goes_on_in_another_kernel_with_the_same_mounts(notebook: Notebook, opened: Frontend) -> None:
    assert rest(resumed(notebook, opened)) == "abcdef b'012'"


def test_with_more_mounts_too_and_they_are_there(notebook: Notebook, opened: Frontend, host: Path) -> None:
    with_mounts(notebook, host, models="models", aaa="other")
    kernel = resumed(notebook, opened)
    assert rest(kernel) == "abcdef b'012'"
    assert kernel.value("sorted(os.listdir('/mnt')), open('/mnt/aaa/f').read(7)") == "(['aaa', 'models'], 'another')"


@pytest.mark.parametrize("mounts", [{}, {"other": "models"}, {"models": "other"}, {"aaa": "other", "bbb": "other"}],
                         ids=["none", "elsewhere", "another directory", "others"])
def test_without_its_mount_it_is_an_error_and_the_session_lives(notebook: Notebook, opened: Frontend, host: Path, mounts: dict[str, str]) -> None:
    opened.run_ok("kept = 'alive'")
    with_mounts(notebook, host, **mounts)
    kernel = resumed(notebook, opened)
    assert rest(kernel) == "raised OSError"
    assert kernel.value("kept, os.path.exists('/mnt/models/f')") == repr(("alive", "models" in mounts))


def test_a_file_that_was_replaced_on_the_host_is_an_error(notebook: Notebook, opened: Frontend, host: Path) -> None:
    (host / "new").write_text("another file, and longer")
    (host / "new").rename(host / "models" / "f")
    assert rest(resumed(notebook, opened)) == "raised OSError"


def test_an_evicted_session_comes_back_with_its_open_file(notebook: Notebook, host: Path) -> None:
    kernel = with_mounts(notebook, host, models="models").open(idle_evict=1)
    kernel.run_ok(f"{OPEN}\nbig = bytearray(b'x') * {ARRAY}")
    wait_for_eviction(kernel)
    assert rest(kernel) == "abcdef b'012'"


def test_a_fork_has_the_mounts_of_its_own_policy(notebook: Notebook, opened: Frontend, host: Path) -> None:
    opened.run_ok("%session fork branch")
    notebook.settle(opened)
    with_mounts(notebook, host, models="other")
    kernel = notebook.open(id="branch", resume="always")
    kernel.run_ok("pass")
    assert rest(kernel) == "raised OSError"
    assert kernel.value("open('/mnt/models/f').read(7)") == "'another'"
    assert rest(opened) == "abcdef b'012'"
