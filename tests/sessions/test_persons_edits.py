"""A directory of the user's as the workspace: what the user does to files there is never undone, whatever cells, crashes, kills and `%session` do.

First each case by name, then random interleavings of cells and edits with a model of what is the user's.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import pytest

from frontend import Frontend
from notebook import Notebook, said, tree

INTERLEAVINGS = int(os.environ.get("CELLBLOCK_TEST_INTERLEAVINGS", "100"))
SEED = int(os.environ.get("CELLBLOCK_TEST_SEED", "9"))

CRASH = "\nimport os; os._exit(3)"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


@pytest.fixture
def notebook(notebook: Notebook, work: Path) -> Notebook:
    notebook.policy = {"workspace": str(work)}
    return notebook


def crash(kernel: Frontend, code: str) -> list[str]:
    """Runs a cell that takes its session down, and answers what is said of it with the next one."""
    outcome = kernel.run(code + CRASH)
    assert outcome.usage["state"] == "rolled_back", outcome.describe()
    return kernel.run_ok("pass").stderr.splitlines()


def replace(path: Path, text: str) -> None:
    """As editors save."""
    other = path.with_name(f".{path.name}.swp")
    other.write_text(text)
    other.rename(path)


def test_a_crash_takes_back_what_the_cell_did_and_nothing_of_the_users(notebook: Notebook, work: Path) -> None:
    (work / "data.csv").write_text("a,b\n")
    (work / "script.py").write_text("old")
    kernel = notebook.open()
    kernel.run_ok("open('result.txt', 'w').write('1')")
    replace(work / "script.py", "newer")
    (work / "new.py").write_text("new")
    (work / "result.txt").write_text("edited by hand")
    notes = crash(kernel, "open('data.csv', 'a').write('junk'); open('junk', 'w').write('junk'); import os; os.rename('script.py', 'moved.py')")
    assert tree(work) == {"data.csv": b"a,b\n", "new.py": b"new", "result.txt": b"edited by hand", "script.py": b"newer"}
    assert not notes


def test_an_edit_while_the_cell_ran_stays_and_is_named(notebook: Notebook, work: Path) -> None:
    kernel = notebook.open()
    kernel.run_ok("open('a.txt', 'w').write('recorded'); open('b.txt', 'w').write('recorded')")
    cell = kernel.execute("""
for name in 'ab':
    open(f'{name}.txt', 'w').write('by the cell')
print('go', flush=True)
import os, time
while not os.path.exists('/app/flag'):
    time.sleep(0.01)
""" + CRASH)
    cell.wait_for_stdout("go")
    (work / "a.txt").write_text("by hand")
    (work / "flag").touch()
    assert cell.finish().usage["state"] == "rolled_back"
    notes = kernel.run_ok("pass").stderr
    assert tree(work) == {"a.txt": b"by hand", "b.txt": b"recorded", "flag": b""}
    assert "a.txt" in notes and "somebody else" in notes and "b.txt" not in notes


def test_undo_keeps_what_was_edited_names_it_and_tells_where_the_rest_is(notebook: Notebook, work: Path) -> None:
    kernel = notebook.open()
    kernel.run_ok("open('a.txt', 'w').write('1'); open('b.txt', 'w').write('1')")
    kernel.run_ok("open('a.txt', 'w').write('2'); open('b.txt', 'w').write('2')")
    replace(work / "a.txt", "by hand")
    [line] = said(kernel.run_ok("%session undo"))
    assert tree(work) == {"a.txt": b"by hand", "b.txt": b"1"}
    line = line[line.index("somebody else"):]
    assert "a.txt" in line and "b.txt" not in line
    command = line[line.index("`") + 1:line.rindex("`")].split()
    assert command[0] == "cellblock"
    done = subprocess.run([os.environ["CELLBLOCK_BIN"], *command[1:]], env={**os.environ, **notebook.environment()}, capture_output=True, text=True, check=True)
    assert done.stdout == "1"
    kernel.run_ok("%session redo")
    assert tree(work) == {"a.txt": b"by hand", "b.txt": b"2"}


def test_undo_gives_back_the_users_own_text_where_a_cell_wrote_over_it(notebook: Notebook, work: Path) -> None:
    (work / "a.txt").write_text("mine")
    (work / "b.txt").write_text("mine")
    kernel = notebook.open()
    kernel.run_ok("x = 1")
    kernel.run_ok("open('a.txt', 'w').write('by a cell'); import os; os.remove('b.txt')")
    kernel.run_ok("open('a.txt', 'a').write(', twice')")
    assert not said(kernel.run_ok("%session undo 2"))[0].count("somebody")
    assert tree(work) == {"a.txt": b"mine", "b.txt": b"mine"}
    kernel.run_ok("%session redo 2")
    assert tree(work) == {"a.txt": b"by a cell, twice"}


@pytest.mark.parametrize("end", ["crash", "shut_down"])
def test_a_resume_keeps_edits_and_deletions(notebook: Notebook, work: Path, end: str) -> None:
    kernel = notebook.open()
    kernel.run_ok("for name in 'abc': open(f'{name}.txt', 'w').write('by a cell')")
    getattr(notebook, end)(kernel)
    (work / "a.txt").write_text("by hand")
    (work / "b.txt").unlink()
    (work / "d.txt").write_text("new")
    expected = tree(work)
    kernel = notebook.open(resume="always")
    assert kernel.value("1 + 1") == "2"
    assert tree(work) == expected
    kernel.run_ok("%session undo 2")
    assert tree(work) == {name: expected[name] for name in ("a.txt", "d.txt")}


def test_after_a_kill_in_the_midst_of_a_cell_its_changes_are_taken_back_and_edits_are_not(notebook: Notebook, work: Path) -> None:
    (work / "mine.txt").write_text("mine")
    kernel = notebook.open()
    kernel.run_ok("open('a.txt', 'w').write('1'); open('b.txt', 'w').write('1')")
    notebook.settle(kernel)
    cell = kernel.execute("""
for name in ('a', 'b', 'new', 'mine'):
    open(f'{name}.txt', 'w').write('in the midst')
print('go', flush=True)
while True: pass
""")
    cell.wait_for_stdout("go")
    notebook.kill(kernel)
    (work / "b.txt").write_text("by hand")
    kernel = notebook.open(resume="always")
    assert kernel.value("1 + 1") == "2"
    assert tree(work) == {"a.txt": b"1", "b.txt": b"by hand", "mine.txt": b"mine"}


def test_a_large_workspace_of_the_users_is_not_read_for_a_small_cell(notebook: Notebook, work: Path) -> None:
    for number in range(300):
        (work / f"{number}.bin").write_bytes(bytes(1000))
    with open(work / "large.bin", "wb") as file:
        file.truncate(5 << 30)
    kernel = notebook.open()
    outcome = kernel.run_ok("open('small', 'w').write('x')")
    assert outcome.usage["files_created"] == ["small"], outcome.usage
    notebook.settle(kernel)
    blobs = [path for path in (notebook.session_dir() / "blobs").iterdir()]
    assert len(blobs) == 1, blobs


def test_a_cell_that_writes_much_is_answered_before_it_is_recorded_and_the_next_one_as_well(notebook: Notebook, work: Path) -> None:
    kernel = notebook.open()
    kernel.run_ok("""
block = bytes(range(256)) * 4096
with open('large', 'wb') as file:
    for n in range(48):
        file.write(n.to_bytes(8, 'big')); file.write(block)
""")
    assert kernel.value("1 + 1") == "2"
    # One that goes on with the file waits for that, and the record has the file as it was.
    kernel.run_ok("open('large', 'ab').write(b'more'); open('other', 'w').write('x')")
    before = (work / "large").stat().st_size - 4
    kernel.run_ok("%session undo")
    assert (work / "large").stat().st_size == before and not (work / "other").exists()


def test_a_hole_costs_nothing(notebook: Notebook, work: Path) -> None:
    kernel = notebook.open()
    kernel.run_ok("file = open('sparse', 'wb'); file.truncate(3 << 30); file.close()")
    notebook.settle(kernel)
    used = sum(path.stat().st_blocks * 512 for path in notebook.session_dir().rglob("*"))
    assert used < 64 << 20, used
    kernel.run_ok("import os; os.remove('sparse')")
    kernel.run_ok("%session undo")
    assert (work / "sparse").stat().st_size == 3 << 30 and (work / "sparse").stat().st_blocks < 1024


def test_long_names_are_refused_in_the_cell_and_everything_goes_on(notebook: Notebook, work: Path) -> None:
    kernel = notebook.open()
    outcome = kernel.run("""
import os
made = 0
base = '/'.join('d' * 200 for _ in range(17))
os.makedirs(base)
for n in range(12_000):
    open(f'{base}/{n:0>100}', 'w').close()
    made += 1
""")
    assert outcome.error and outcome.error["ename"] == "OSError", outcome.describe()
    assert "names" in outcome.everything
    assert 5_000 < int(kernel.value("made")) < 12_000
    notebook.settle(kernel)
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    assert kernel.value("all(os.path.exists(f'{base}/{n:0>100}') for n in range(made))") == "True"
    kernel.run_ok("for n in range(made): os.remove(f'{base}/{n:0>100}')\nopen(f'{base}/again', 'w').write('x')")
    notebook.settle(kernel)
    kernel.run_ok("%session undo")
    assert kernel.value("os.path.exists(f'{base}/{made - 1:0>100}'), os.path.exists(f'{base}/again')") == "(True, False)"


# --- random interleavings ------------------------------------------------------------------------

NAMES = ["a.txt", "b.txt", "notes.md", "dir/c.txt", "dir/d.txt", "dir/deep/e.txt"]


@dataclass
class Model:
    """What is the user's: what they wrote last, and no cell that stayed has touched since."""

    work: Path
    random: random.Random
    theirs: dict[str, bytes] = field(default_factory=dict)
    count: int = 0
    did: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.did.append(text)

    # --- the user ---

    def edit(self) -> None:
        name = self.random.choice(NAMES)
        path = self.work / name
        act = self.random.choice([self.write, self.write, self.append, self.swap, self.swap, self.delete, self.mode])
        if path.parent.is_dir() or act is self.write and self.make(path.parent):
            if not path.is_dir():
                act(path)
                self.note(f"user: {act.__name__} {name}")

    def make(self, path: Path) -> bool:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError:
            return False
        return True

    def text(self) -> str:
        self.count += 1
        return f"user {self.count} " * self.random.randrange(1, 300)

    def write(self, path: Path) -> None:
        path.write_text(self.text())
        self.have(path)

    def append(self, path: Path) -> None:
        with path.open("a") as file:
            file.write(self.text())
        self.have(path)

    def swap(self, path: Path) -> None:
        replace(path, self.text())
        self.have(path)

    def delete(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.theirs.pop(str(path.relative_to(self.work)), None)

    def mode(self, path: Path) -> None:
        if path.exists():
            path.chmod(self.random.choice([0o600, 0o644, 0o755]))
            self.have(path)

    def have(self, path: Path) -> None:
        self.theirs[str(path.relative_to(self.work))] = path.read_bytes()

    # --- the guest ---

    def code(self) -> str:
        """What a cell does to files; much of it cannot be done, which is fine."""
        lines = ["import os, shutil, contextlib"]
        for _ in range(self.random.randrange(1, 4)):
            one, two = self.random.choice(NAMES), self.random.choice(NAMES)
            self.count += 1
            lines.append("with contextlib.suppress(OSError): " + self.random.choice([
                f"open('{one}', 'w').write('guest {self.count} ' * {self.random.randrange(200)})",
                f"open('{one}', 'a').write('more {self.count}')",
                f"open('{one}', 'r+').write('over {self.count}')",
                f"open('{one}', 'wb').write(os.urandom(3_000_000))",
                f"os.remove('{one}')",
                f"os.replace('{one}', '{two}')",
                f"open('tmp{self.count}', 'w').write('new {self.count}'); os.replace('tmp{self.count}', '{one}')",
                f"os.makedirs('{os.path.dirname(one) or 'empty'}', exist_ok=True)",
                "os.rename('dir', 'elsewhere')",
                "os.rename('elsewhere', 'dir')",
                "shutil.rmtree('dir')",
                f"os.utime('{one}', (1, 1))",
            ]))
        return "\n".join(lines)

    def took(self, before: dict[str, bytes], after: dict[str, bytes], stamps: dict[str, int]) -> None:
        """What a cell that stayed has changed is not the user's any more."""
        now = mtimes(self.work)
        for name in list(self.theirs):
            if before.get(name) != after.get(name) or stamps.get(name) != now.get(name):
                del self.theirs[name]

    def check(self) -> None:
        for name, content in self.theirs.items():
            path = self.work / name
            found = path.read_bytes() if path.is_file() else None
            assert found == content, f"{name} is {found and found[:40]!r}, not {content[:40]!r}, after\n" + "\n".join(self.did)


def mtimes(work: Path) -> dict[str, int]:
    """Of all files, with their inodes: a cell may write what was there before."""
    return {path.relative_to(work).as_posix(): hash((path.stat().st_mtime_ns, path.stat().st_ino)) for path in work.rglob("*") if path.is_file()}


class Interleaving:
    """One notebook, its kernels one after another, and its user."""

    def __init__(self, notebook: Notebook, model: Model) -> None:
        self.notebook, self.model, self.random = notebook, model, model.random
        self.kernel = notebook.open(resume="always")
        self.saved = 0

    def step(self) -> None:
        acts: list[tuple[int, Callable[[], None]]] = [
            (6, self.model.edit), (5, self.cell), (3, self.crash), (2, self.edited_while_it_runs), (2, self.undo), (1, self.redo),
            (1, self.undo_the_last), (1, self.save), (1, self.restore), (1, self.another_kernel), (1, self.kill), (1, self.reset),
        ]
        act = self.random.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
        if act != self.model.edit:
            self.model.note(act.__name__)
        act()
        self.model.check()

    def cell(self, code: str | None = None) -> None:
        code = code or self.model.code()
        self.model.note(code)
        before, stamps = tree(self.model.work), mtimes(self.model.work)
        outcome = self.kernel.run(code)
        assert outcome.status == "ok", outcome.describe()
        self.model.took(before, tree(self.model.work), stamps)

    def crash(self) -> None:
        before = tree(self.model.work)
        code = self.model.code()
        self.model.note(code)
        crash(self.kernel, code)
        assert tree(self.model.work) == before, "\n".join(self.model.did)

    def edited_while_it_runs(self) -> None:
        crashes, code = self.random.random() < 0.7, self.model.code()
        self.model.note(f"{code}\n(crashes: {crashes})")
        before, stamps = tree(self.model.work), mtimes(self.model.work)
        cell = self.kernel.execute(code + "\nprint('go', flush=True)\nimport time\nwhile not os.path.exists('/app/flag'): time.sleep(0.002)\n"
                                   + ("os._exit(1)" if crashes else ""))
        cell.wait_for_stdout("go")
        if not crashes:
            self.model.took(before, tree(self.model.work), stamps)
        for _ in range(self.random.randrange(1, 4)):
            self.model.edit()
        (self.model.work / "flag").touch()
        cell.finish()
        self.kernel.run_ok("pass")
        (self.model.work / "flag").unlink()

    def undo(self) -> None:
        self.session("undo")

    def redo(self) -> None:
        self.session("redo")

    def undo_the_last(self) -> None:
        """Where nobody did anything in between, undo is exact."""
        before, theirs = tree(self.model.work), dict(self.model.theirs)
        self.cell()
        self.session("undo")
        assert tree(self.model.work) == before, "\n".join(self.model.did)
        self.model.theirs = theirs

    def save(self) -> None:
        self.saved += 1
        self.session(f"save s{self.saved}")

    def restore(self) -> None:
        if self.saved:
            self.session(f"restore s{self.random.randrange(self.saved) + 1}")

    def reset(self) -> None:
        self.session("reset")

    def session(self, command: str) -> None:
        self.model.note(f"%session {command}")
        outcome = self.kernel.run(f"%session {command}")
        if outcome.status != "ok":
            assert outcome.error and outcome.error["ename"] in ("SessionError", "UsageError"), outcome.describe()

    def another_kernel(self) -> None:
        self.notebook.shut_down(self.kernel)
        self.open()

    def kill(self) -> None:
        """At rest or at work; what was not stored is taken back, and what the user did since is not."""
        if self.random.random() < 0.5:
            code = self.model.code()
            self.model.note(f"killed in {code}")
            cell = self.kernel.execute(code + "\nprint('go', flush=True)\nwhile True: pass")
            cell.wait_for_stdout("go")
        else:
            self.notebook.settle(self.kernel)
        self.notebook.kill(self.kernel)
        if self.random.random() < 0.7:
            self.model.edit()
        self.open()

    def open(self) -> None:
        resume = self.random.choice(["always", "ask"])
        self.model.note(f"another kernel: {resume}")
        self.kernel = self.notebook.open(resume=resume)
        self.kernel.run_ok("pass")
        if resume == "ask":
            if self.random.random() < 0.5:
                self.cell()
            self.session("resume")
        self.model.note("resumed")

    def close(self) -> None:
        self.notebook.kill(self.kernel)


@pytest.mark.slow
def test_what_the_user_wrote_last_stays_in_random_interleavings(notebooks: Callable[..., Notebook], tmp_path: Path) -> None:
    for number in range(INTERLEAVINGS):
        work = tmp_path / "work"
        work.mkdir()
        model = Model(work, random.Random(SEED * 100_000 + number))
        notebook = notebooks(f"/home/user/{number}.ipynb", data=tmp_path / f"data{number}", policy={"workspace": str(work)})
        for _ in range(3):
            model.edit()
        interleaving = Interleaving(notebook, model)
        try:
            for _ in range(14):
                interleaving.step()
        except AssertionError as error:
            raise AssertionError(f"interleaving {number} of seed {SEED}:\n{error}\n" + "\n".join(model.did)) from error
        interleaving.close()
        shutil.rmtree(work)
        shutil.rmtree(tmp_path / f"data{number}")
