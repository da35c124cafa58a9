"""A session's directory that somebody deletes or moves away under its kernel: nothing is said to be saved that no kernel could take up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from notebook import Notebook, until
from test_full_disk import PROBLEM


def whole(directory: Path) -> None:
    shutil.rmtree(directory)


def metadata(directory: Path) -> None:
    (directory / "session.json").unlink()


def newest_record(directory: Path) -> None:
    max((directory / "log").iterdir()).unlink()


@pytest.mark.parametrize("remove", [whole, metadata, newest_record])
def test_what_is_gone_is_said_with_every_cell(notebook: Notebook, remove) -> None:  # noqa: ANN001
    kernel = notebook.open()
    kernel.run_ok("x = [1]")
    kernel.run_ok("x.append(2)")
    notebook.settle(kernel)
    remove(notebook.session_dir())
    kernel.run_ok("x.append(3)")
    until(lambda: PROBLEM in kernel.run_ok("pass").stderr, "that it is said")
    for number in range(4, 6):
        outcome = kernel.run_ok(f"x.append({number})")
        assert outcome.stderr.count(PROBLEM) == 1 and "is gone" in outcome.stderr, outcome.describe()
        assert "saved after each cell" not in kernel.run_ok("%session").stdout
    assert kernel.run_ok("print(x)").stdout == "[1, 2, 3, 4, 5]\n"


def test_a_directory_that_comes_back_has_everything_again(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = [1]")
    notebook.settle(kernel)
    place = notebook.session_dir()
    away = place.with_name("moved-away")
    place.rename(away)
    kernel.run_ok("x.append(2)")
    until(lambda: PROBLEM in kernel.run_ok("pass").stderr, "that it is said")
    assert not place.exists(), "nothing is made in its place"
    away.rename(place)
    until(lambda: "saved after each cell" in kernel.run_ok("%session").stdout, "that it is saved")
    kernel.run_ok("x.append(3)")
    kernel.run_ok("pass")
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    assert kernel.run_ok("print(x)").stdout.endswith("[1, 2, 3]\n")
