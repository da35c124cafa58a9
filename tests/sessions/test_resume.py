"""A kernel that was killed, and the next one for its notebook: everything goes on."""

from __future__ import annotations

import re
import shutil
from typing import Callable

import pytest

from fixtures import Start
from frontend import Frontend
from notebook import Notebook, refused, said
from pieces import PIECES
from s3 import Bucket

SAVED = re.compile(r"saved session .*\d{4}-\d\d-\d\d \d\d:\d\d.* (\d+) cells?\b.*%session resume")


def set_out(kernel: Frontend) -> None:
    for piece in PIECES:
        outcome = kernel.run(piece.before)
        assert outcome.status == "ok", f"{piece.name}: {outcome.traceback}"


def go_on(kernel: Frontend) -> None:
    """Every piece is tried, so that one run says all that does not work."""
    failed = {}
    for piece in PIECES:
        outcome = kernel.run(piece.after)
        if outcome.status != "ok":
            failed[piece.name] = outcome.traceback if outcome.error else str(outcome.content)
    assert not failed, f"{len(failed)} of {len(PIECES)} did not go on: {sorted(failed)}\n\n" + "\n\n".join(failed.values())


def resume(kernel: Frontend, cells: int) -> None:
    """The notice comes once, in one line, and is right; then the session is taken."""
    [line] = Notebook.notice(kernel)
    found = SAVED.search(line)
    assert found and int(found[1]) == cells, line
    assert Notebook.notice(kernel) == []
    [line] = said(kernel.run_ok("%session resume"))
    assert "resumed" in line


# --- kill -9 -------------------------------------------------------------------------------------


def test_everything_goes_on_after_a_kill(notebook: Notebook) -> None:
    kernel = notebook.open()
    set_out(kernel)
    notebook.crash(kernel)
    kernel = notebook.open()
    resume(kernel, len(PIECES))
    go_on(kernel)


def test_everything_goes_on_from_a_copy_in_another_directory(notebook: Notebook, notebooks: Callable[..., Notebook]) -> None:
    kernel = notebook.open()
    set_out(kernel)
    notebook.crash(kernel)
    elsewhere = notebooks(notebook.name, data=notebook.data.with_name("elsewhere"))
    # The working copy of the files is not a part of the stored session.
    shutil.copytree(notebook.store(), elsewhere.store(), ignore=shutil.ignore_patterns("workspace"))
    shutil.rmtree(notebook.data)
    kernel = elsewhere.open()
    resume(kernel, len(PIECES))
    go_on(kernel)


@pytest.mark.slow
def test_everything_goes_on_through_s3(notebook: Notebook, bucket: Bucket) -> None:
    notebook.env, notebook.session = bucket.env, {"store": bucket.url}
    kernel = notebook.open()
    set_out(kernel)
    notebook.crash(kernel)
    assert any(re.fullmatch(r"kept/sessions/[^/]+/log/\d{20}\.rec", key) for key in bucket.keys()), bucket.keys()
    assert not notebook.sessions(), "there is a copy on this machine"
    kernel = notebook.open()
    resume(kernel, len(PIECES))
    go_on(kernel)


def test_a_resumed_session_is_saved_on_and_can_be_resumed_again(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("values = [0]; file = open('/app/log.txt', 'w')")
    for n in range(1, 4):
        kernel.run_ok(f"values.append({n}); print({n}, file=file, flush=True)")
        notebook.crash(kernel)
        kernel = notebook.open()
        kernel.run_ok("%session resume")
        assert kernel.value("values, open('/app/log.txt').read()") == str((list(range(n + 1)), "".join(f"{i}\n" for i in range(1, n + 1))))
    assert len(notebook.sessions()) == 1


def test_what_was_not_taken_stays_until_it_is(notebook: Notebook) -> None:
    """Work in the new kernel does not cost the old state."""
    kernel = notebook.open()
    kernel.run_ok("old = 'treasure'")
    notebook.crash(kernel)
    kernel = notebook.open()
    notebook.notice(kernel)
    for n in range(3):
        kernel.run_ok(f"new = {n}")
    kernel.run_ok("%session resume")
    assert kernel.value("old, 'new' in dir()") == "('treasure', False)"


# --- other ends ----------------------------------------------------------------------------------


def test_a_server_that_shuts_down_leaves_a_session_to_resume(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 41")
    notebook.shut_down(kernel)
    kernel = notebook.open()
    resume(kernel, 1)
    assert kernel.value("x + 1") == "42"


def test_a_restart_starts_fresh_and_says_nothing(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 41; open('/app/a.txt', 'w').write('a')")
    kernel.restart()
    assert notebook.notice(kernel) == []
    assert kernel.value("'x' in globals(), __import__('os').listdir('/app')") == "(False, ['a.txt'])"
    kernel.run_ok("%session resume")
    assert kernel.value("x, open('/app/a.txt').read()") == "(41, 'a')"


def test_undo_goes_back_behind_a_restart(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 41")
    kernel.restart()
    kernel.run_ok("y = 1")
    outcome = kernel.run("%session undo")
    while outcome.status == "ok" and kernel.value("'x' in globals()") == "False":
        # Looking is a cell of its own.
        outcome = kernel.run("%session undo 2")
    assert outcome.status == "ok", outcome.describe()
    assert kernel.value("x") == "41"


# --- policy --------------------------------------------------------------------------------------


def test_resume_always_goes_on_by_itself(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 41; open('/app/a.txt', 'w').write('a')")
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    outcome = kernel.run_ok("print(x, open('/app/a.txt').read())")
    assert len(said(outcome)) == 1 and outcome.stdout.endswith("\n41 a\n"), outcome.stdout


def test_resume_always_after_a_restart_starts_fresh(notebook: Notebook) -> None:
    kernel = notebook.open(resume="always")
    kernel.run_ok("x = 41")
    kernel.restart()
    assert kernel.value("'x' in globals()") == "False"


def test_resume_never_says_nothing_and_starts_fresh(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 41; open('/app/a.txt', 'w').write('a')")
    notebook.crash(kernel)
    kernel = notebook.open(resume="never")
    assert notebook.notice(kernel) == []
    assert kernel.value("'x' in globals(), __import__('os').listdir('/app')") == "(False, ['a.txt'])"


def test_persist_off_keeps_nothing_and_undo_works_all_the_same(notebook: Notebook) -> None:
    kernel = notebook.open(persist="off")
    kernel.run_ok("x = 1")
    kernel.run_ok("x = 2")
    kernel.run_ok("%session undo")
    assert kernel.value("x") == "1"
    notebook.crash(kernel)
    assert notebook.sessions() == []
    assert notebook.notice(notebook.open()) == []


# --- which session -------------------------------------------------------------------------------


def test_each_notebook_has_a_session_of_its_own(notebook: Notebook, notebooks: Callable[..., Notebook]) -> None:
    other = notebooks("/home/user/other.ipynb")
    kernel = notebook.open()
    kernel.run_ok("x = 'mine'")
    notebook.crash(kernel)
    kernel = other.open()
    assert notebook.notice(kernel) == []
    refused(kernel.run("%session resume"), "resume")
    kernel.run_ok("x = 'the other'")
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    kernel.run_ok("pass")
    assert kernel.value("x") == "'mine'"


def test_a_kernel_without_a_notebook_is_not_kept(notebook: Notebook, start: Start) -> None:
    kernel = start(env=notebook.environment())
    kernel.run_ok("x = 1")
    Notebook.crash(kernel)
    assert notebook.sessions() == []


def test_a_kernel_in_which_nothing_was_run_leaves_nothing(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.ask("kernel_info_request")
    notebook.shut_down(kernel)
    assert notebook.sessions() == []
    assert notebook.notice(notebook.open()) == []


@pytest.mark.parametrize("by", ["variable", "argument"])
def test_a_session_with_a_name_is_made_and_then_resumed(notebook: Notebook, start: Start, by: str) -> None:
    def open() -> Frontend:
        if by == "variable":
            return notebook.open(id="my-analysis.2")
        return start(env=notebook.environment(), arguments=("--session", "my-analysis.2"))

    kernel = open()
    kernel.run_ok("x = 41")
    notebook.crash(kernel)
    assert notebook.id() == "my-analysis.2"
    kernel = open()
    assert kernel.run_ok("print(x + 1)").stdout.endswith("42\n")


# --- what cannot go on ---------------------------------------------------------------------------


def test_a_damaged_session_is_an_error_and_stays_as_it_is(notebook: Notebook) -> None:
    """Only that it is told well; a thousand places of damage are the store's own test."""
    kernel = notebook.open()
    kernel.run_ok("x = 1")
    kernel.run_ok("x = 2")
    notebook.crash(kernel)
    log = notebook.session_dir() / "log"
    record = sorted(log.iterdir())[1]
    damaged = bytearray(record.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    record.write_bytes(damaged)
    before = {path.name: path.read_bytes() for path in log.iterdir()}
    kernel = notebook.open()
    outcome = kernel.run_ok("print('works')")
    assert outcome.stdout.endswith("works\n")
    assert "damaged" in outcome.stdout + outcome.stderr, outcome.describe()
    assert "traceback" not in outcome.everything.lower() and "panicked" not in kernel.stderr()
    kernel.run_ok("y = 1")
    notebook.shut_down(kernel)
    assert {path.name: path.read_bytes() for path in log.iterdir()} == before
