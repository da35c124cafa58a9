"""What is in a person's directory besides plain files: links, pipes, sockets, names that are no text. A cell that touched one and is taken back
leaves all of them as they were; what could not be made again is not to be taken away in the first place."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from notebook import Notebook
from test_persons_edits import notebook, work  # noqa: F401


def seen(root: Path) -> dict[bytes, tuple[object, ...]]:
    """Everything below a directory, links as links."""
    def entry(path: Path) -> tuple[object, ...]:
        if path.is_symlink():
            return "link", os.readlink(path)
        if path.is_file():
            return "file", path.stat().st_mode & 0o777, path.read_bytes()
        return ("directory",) if path.is_dir() else ("special",)

    return {os.fsencode(path.relative_to(root)): entry(path) for path in root.rglob("*")}


@pytest.fixture
def full(work: Path) -> Path:  # noqa: F811
    """The workspace, with one of each kind in it."""
    (work / "real.txt").write_text("real")
    (work / "link").symlink_to("real.txt")
    (work / "dangling").symlink_to("nowhere")
    (work / "dangling-twice").symlink_to("dangling")
    (work / "linked-directory").symlink_to("d")
    (work / "out").symlink_to("/etc/hostname")
    (work / "d" / "sub").mkdir(parents=True)
    (work / "d" / "empty").mkdir()
    (work / "d" / "f").write_text("f")
    (work / "d" / "l").symlink_to("f")
    (work / "d" / "sub" / "g").write_text("g")
    (work / "odd" / "sub").mkdir(parents=True)
    (work / "odd" / "sub" / "h").write_text("h")
    (work / "odd" / os.fsdecode(b"bad\xff")).write_text("no text")
    (work / "piped").mkdir()
    os.mkfifo(work / "piped" / "fifo")
    os.mkfifo(work / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(work / "s"))
    (work / "one-name").write_text("hard")
    os.link(work / "one-name", work / "other-name")
    return work


# What a cell does, and whether it may.
ACTS: dict[str, tuple[str, bool]] = {
    "replaces a link": ("open('t', 'w').write('t'); os.replace('t', 'link')", True),
    "removes a link": ("os.remove('link')", True),
    "removes one that leads nowhere": ("os.remove('dangling')", True),
    "removes one that leads out": ("os.remove('out')", True),
    "renames a link": ("os.rename('link', 'renamed')", True),
    "renames a file over a link": ("os.rename('real.txt', 'link')", True),
    "renames a link to a directory": ("os.rename('linked-directory', 'renamed')", True),
    "writes through a link": ("open('link', 'w').write('guest')", True),
    "writes through one that leads nowhere": ("open('dangling', 'w').write('guest')", True),
    "writes through two": ("open('dangling-twice', 'w').write('guest')", True),
    "writes in a linked directory": ("open('linked-directory/f', 'w').write('guest'); open('linked-directory/new', 'w').write('guest')", True),
    "renames a directory with a link in it": ("os.rename('d', 'e')", True),
    "removes a directory with a link in it": ("import shutil; shutil.rmtree('d')", True),
    "makes a file of a directory": ("import shutil; shutil.rmtree('d'); open('d', 'w').write('guest')", True),
    "renames a directory with a name in it that is no text": ("os.rename('odd', 'even')", False),
    "renames a directory with a pipe in it": ("os.rename('piped', 'moved')", False),
    "removes a pipe": ("os.remove('fifo')", False),
    "renames a pipe": ("os.rename('fifo', 'renamed')", False),
    "replaces a pipe": ("open('t', 'w').write('t'); os.replace('t', 'fifo')", False),
    "removes a socket": ("os.remove('s')", False),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_cell_that_is_taken_back_leaves_everything_as_it_was(notebook: Notebook, full: Path, act: str) -> None:  # noqa: F811
    code, may = ACTS[act]
    kernel = notebook.open()
    kernel.run_ok("import os")
    before = seen(full)
    attempt = f"try: {code}\nexcept PermissionError: done = False\nelse: done = True\nprint(done, flush=True)\n"
    outcome = kernel.run(attempt + "os._exit(3)")
    assert outcome.usage["state"] == "rolled_back" and outcome.stdout == f"{may}\n", outcome.describe()
    assert not kernel.run_ok("pass").stderr
    assert seen(full) == before
    assert kernel.run_ok(attempt).stdout == f"{may}\n"
    assert not may or seen(full) != before
    outcome = kernel.run_ok("%session undo")
    assert "somebody" not in outcome.stdout, outcome.describe()
    assert seen(full) == before


@pytest.mark.parametrize(("code", "other"), [("os.rename('one-name', 'real.txt')", "hard"), ("os.remove('one-name')", "hard"),
                                             ("open('one-name', 'w').write('guest')", "guest")])
def test_nothing_is_put_back_by_a_name_that_no_cell_touched(notebook: Notebook, full: Path, code: str, other: str) -> None:  # noqa: F811
    """Two names of one file: what goes back at the one does not go to the other."""
    kernel = notebook.open()
    kernel.run_ok("import os")
    for crashes in (True, False):
        outcome = kernel.run(f"{code}\n" + "os._exit(3)" * crashes)
        if crashes:
            assert outcome.usage["state"] == "rolled_back"
            kernel.run_ok("pass")
        else:
            assert "went back to" in kernel.run_ok("%session undo").stdout
        assert (full / "one-name").read_text() == "hard" and (full / "real.txt").read_text() == "real"
        assert (full / "other-name").read_text() == other


def test_a_link_survives_a_kill_and_a_resume(notebook: Notebook, full: Path) -> None:  # noqa: F811
    kernel = notebook.open()
    kernel.run_ok("import os")
    notebook.settle(kernel)
    before = seen(full)
    cell = kernel.execute("os.remove('link'); os.rename('d', 'e'); print('go', flush=True)\nwhile True: pass")
    cell.wait_for_stdout("go")
    notebook.kill(kernel)
    kernel = notebook.open(resume="always")
    assert kernel.value("1 + 1") == "2"
    assert seen(full) == before


def test_a_link_of_the_users_that_came_after_the_cell_stays(notebook: Notebook, full: Path) -> None:  # noqa: F811
    kernel = notebook.open()
    kernel.run_ok("open('made', 'w').write('by a cell')")
    (full / "made").unlink()
    (full / "made").symlink_to("real.txt")
    assert "made" in kernel.run_ok("%session undo").stdout
    assert os.readlink(full / "made") == "real.txt"
