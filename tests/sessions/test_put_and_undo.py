"""Files that a person puts into a session or deletes from it while no kernel runs: going back past that leaves them, and says so."""

from __future__ import annotations

from pathlib import Path

from notebook import Notebook, said
from program import cellblock


def files(notebook: Notebook, *arguments: str | Path) -> None:
    done = cellblock("sessions", "files", notebook.id(), *map(str, arguments), env=notebook.environment(), timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_file_that_was_put_is_not_undone(notebook: Notebook, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("by hand")
    kernel = notebook.open()
    kernel.run_ok("open('of a cell', 'w').write('1')")
    kernel.run_ok("open('of a cell', 'w').write('2'); open('deleted', 'w').write('2')")
    kernel.run_ok("x = 1")
    notebook.settle(kernel)
    notebook.shut_down(kernel)
    files(notebook, "put", mine, "data/mine.csv")
    files(notebook, "put", mine, "of a cell", "--overwrite")
    files(notebook, "delete", "deleted")
    kernel = notebook.open(resume="always")
    assert kernel.run_ok("import os; print(x, sorted(os.listdir()))").stdout.endswith("1 ['data', 'of a cell']\n")
    (line,) = said(kernel.run_ok("%session undo 2"))
    assert all(name in line for name in ("data/mine.csv", "of a cell", "deleted")) and "left as it is now" in line, line
    assert notebook.files() == {"data/": b"", "data/mine.csv": b"by hand", "of a cell": b"by hand"}
    said(kernel.run_ok("%session undo"))
    assert notebook.files() == {"data/": b"", "data/mine.csv": b"by hand", "of a cell": b"by hand"}
    kernel.run_ok("%session redo 2")
    assert notebook.files() == {"data/": b"", "data/mine.csv": b"by hand", "of a cell": b"by hand"}


def test_a_cell_that_goes_on_with_what_was_put_is_undone_to_that(notebook: Notebook, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("by hand")
    kernel = notebook.open()
    kernel.run_ok("x = 1")
    kernel.run_ok("x = 2")
    notebook.settle(kernel)
    notebook.shut_down(kernel)
    files(notebook, "put", mine, "mine.csv")
    kernel = notebook.open(resume="always")
    kernel.run_ok("open('mine.csv', 'a').write(', and more')")
    said(kernel.run_ok("%session undo 2"))
    assert notebook.files() == {"mine.csv": b"by hand"}


def test_a_private_directory_that_a_cell_removed_comes_back_private(notebook: Notebook, tmp_path: Path) -> None:
    work = tmp_path / "work"
    private = work / "private"
    private.mkdir(parents=True)
    private.chmod(0o700)
    (private / "diary").write_text("secret")
    notebook.policy = {"workspace": str(work)}
    kernel = notebook.open()
    kernel.run_ok("import shutil; shutil.rmtree('private')")
    assert not private.exists()
    said(kernel.run_ok("%session undo"))
    assert (private.stat().st_mode & 0o7777, (private / "diary").read_text()) == (0o700, "secret")
    assert kernel.run("shutil = __import__('shutil'); shutil.rmtree('private')\nimport os; os._exit(3)").usage["state"] == "rolled_back"
    kernel.run_ok("pass")
    assert (private.stat().st_mode & 0o7777, (private / "diary").read_text()) == (0o700, "secret")
