"""Two kernels whose workspaces are the same directory, or one within the other's; and a lease that is removed and then taken under a kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from notebook import Notebook, said, tree, until


@pytest.mark.parametrize("inner", ["", "inner"])
def test_each_kernel_undoes_its_own_and_nothing_of_the_others(notebooks: Callable[..., Notebook], tmp_path: Path, inner: str) -> None:
    work = tmp_path / "work"
    (work / inner).mkdir(parents=True)
    one = notebooks("/home/user/one.ipynb", policy={"workspace": str(work)})
    two = notebooks("/home/user/two.ipynb", policy={"workspace": str(work / inner)})
    first, second = one.open(), two.open()
    path = f"{inner}/shared" if inner else "shared"
    first.run_ok(f"open('own1', 'w').write('1'); open({path!r}, 'w').write('by the first')")
    one.settle(first)
    second.run_ok("open('own2', 'w').write('2'); open('shared', 'a').write(', then the second')")
    two.settle(second)
    shared, own2 = work / path, work / inner / "own2"
    assert shared.read_text() == "by the first, then the second"
    # The other's hand is a person's: it stays, and is named.
    (line,) = said(first.run_ok("%session undo"))
    assert "shared" in line and "left as it is now" in line, line
    assert not (work / "own1").exists() and own2.exists() and shared.read_text() == "by the first, then the second"
    said(second.run_ok("%session undo"))
    assert not own2.exists() and shared.read_text() == "by the first"
    # A cell that is taken back takes nothing of the other's with it.
    second.run_ok("open('kept', 'w').write('of the second')")
    crashed = first.run(f"open('junk', 'w').write('junk'); open({path!r}, 'w').write('junk'); import os; os._exit(3)")
    assert crashed.usage["state"] == "rolled_back"
    first.run_ok("pass")
    assert (work / inner / "kept").read_text() == "of the second" and shared.read_text() == "by the first" and not (work / "junk").exists()
    assert not [name for name in tree(work) if "cellblock" in name], tree(work)


def test_a_lease_that_is_removed_is_written_again(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = [1]")
    notebook.settle(kernel)
    for lease in (notebook.session_dir() / "lease").iterdir():
        lease.unlink()
    kernel.run_ok("x.append(2)")
    notebook.settle(kernel)
    assert "saved after each cell" in kernel.run_ok("%session").stdout
    # Another kernel may take the session then. Whoever writes later is told, and what is there stays whole.
    other = notebook.open(resume="always")
    assert other.run_ok("print(x)").stdout.endswith("[1, 2]\n")
    other.run_ok("x.append(3)")
    notebook.settle(other)
    kernel.run_ok("x.append(-1)")
    until(lambda: "not saved any more" in kernel.run_ok("pass").stderr, "that it is said")
    assert "not saved any more" in kernel.run_ok("pass").stderr, "with every cell"
    assert "saved after each cell" not in kernel.run_ok("%session").stdout
    assert other.run_ok("print(x)").stdout == "[1, 2, 3]\n"
    notebook.crash(other)
    assert notebook.open(resume="always").run_ok("print(x)").stdout.endswith("[1, 2, 3]\n")
