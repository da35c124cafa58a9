"""A session's directory that somebody deletes or moves away under its kernel: nothing is said to be saved that no kernel could take up,
and one that is deleted is begun anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from notebook import Notebook, said, until
from test_full_disk import PROBLEM


def metadata(directory: Path) -> None:
    (directory / "session.json").unlink()


def newest_record(directory: Path) -> None:
    max((directory / "log").iterdir()).unlink()


@pytest.mark.parametrize("remove", [metadata, newest_record])
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


def test_a_session_that_was_deleted_is_begun_anew_with_all_that_is_left(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = [1]; import numpy as np; noise = np.random.default_rng(1).integers(0, 256, 3_000_000, dtype=np.uint8)")
    kernel.run_ok("x.append(2); open('made.txt', 'w').write('made'); open('/tmp/other', 'w').write('x')")
    notebook.settle(kernel)
    shutil.rmtree(notebook.session_dir())
    outcome = kernel.run_ok("x.append(3); open('after.txt', 'w').write('after'); import os; print(os.listdir())")
    assert outcome.stdout == "['after.txt']\n", outcome.describe()
    (line,) = outcome.stderr.splitlines()
    assert "was deleted: it is begun anew" in line and "made.txt" in line and "/tmp/other" in line, line
    status = kernel.run_ok("%session")
    assert "saved after each cell" in status.stdout and not status.stderr, status.describe()
    assert "with the cell before it" in kernel.run_ok("%session log").stdout
    kernel.run_ok("x.append(4)")
    assert "went back" in said(kernel.run_ok("%session undo"))[0]
    assert kernel.run_ok("print(x)").stdout == "[1, 2, 3]\n"
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    outcome = kernel.run_ok("print(x, int(noise.sum()) == int(np.random.default_rng(1).integers(0, 256, 3_000_000, dtype=np.uint8).sum()))")
    assert outcome.stdout.endswith("[1, 2, 3] True\n"), outcome.describe()
    assert notebook.files() == {"after.txt": b"after"}


def test_files_in_a_directory_of_the_users_are_recorded_again(notebook: Notebook, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    notebook.policy = {"workspace": str(work)}
    kernel = notebook.open()
    kernel.run_ok("open('a.txt', 'w').write('one'); open('b.txt', 'w').write('one')")
    notebook.settle(kernel)
    (work / "b.txt").write_text("by hand")
    shutil.rmtree(notebook.session_dir())
    (line,) = kernel.run_ok("pass").stderr.splitlines()
    assert "begun anew" in line and "b.txt" in line and "a.txt" not in line, line
    kernel.run_ok("open('a.txt', 'w').write('two')")
    assert "went back" in said(kernel.run_ok("%session undo"))[0]
    assert (work / "a.txt").read_text() == "one" and (work / "b.txt").read_text() == "by hand"


def test_what_cannot_be_begun_anew_is_said_until_it_can(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = [1]")
    notebook.settle(kernel)
    sessions = notebook.session_dir().parent
    shutil.rmtree(sessions)
    sessions.write_text("in the way")
    for _ in range(2):
        assert "cannot be made again" in kernel.run_ok("x.append(2)").stderr
        assert "saved after each cell" not in kernel.run_ok("%session").stdout
    sessions.unlink()
    assert "begun anew" in kernel.run_ok("x.append(3)").stderr
    assert "saved after each cell" in kernel.run_ok("%session").stdout
    assert "is saved again" in kernel.run_ok("pass").stderr
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    assert kernel.run_ok("print(x)").stdout.endswith("[1, 2, 2, 3]\n")


def blobs(notebook: Notebook) -> dict[str, Path]:
    """The contents in the store, by what is in them."""
    return {path.read_text(): path for path in (notebook.session_dir() / "blobs").iterdir()}


def test_contents_that_are_deleted_are_put_back_from_the_files(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("open('a', 'w').write('one'); open('b', 'w').write('two'); x = 1")
    notebook.settle(kernel)
    before = blobs(notebook)
    assert set(before) == {"one", "two"}
    for path in before.values():
        path.unlink()
    kernel.run_ok("x = 2")
    notebook.crash(kernel)
    assert blobs(notebook) == before
    kernel = notebook.open(resume="always")
    assert kernel.run_ok("print(x, open('a').read(), open('b').read())").stdout.endswith("2 one two\n")


def test_contents_that_cannot_be_put_back_are_said_until_they_are_there(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("open('a', 'w').write('one')")
    kernel.run_ok("open('a', 'w').write('two')")
    notebook.settle(kernel)
    first = blobs(notebook)["one"]
    away = notebook.data / "away"
    first.rename(away)
    kernel.run_ok("x = 1")
    until(lambda: "deleted in the store (a)" in kernel.run_ok("x += 1").stderr, "that it is said")
    for _ in range(2):
        assert kernel.run_ok("x += 1").stderr.count("was deleted in the store") == 1
        assert "saved after each cell" not in kernel.run_ok("%session").stdout
        assert "was deleted in the store" in kernel.run_ok("%session log").stdout
    away.rename(first)
    until(lambda: not kernel.run_ok("x += 1").stderr, "that it is over")
    assert "saved after each cell" in kernel.run_ok("%session").stdout
