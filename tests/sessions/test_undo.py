"""Undo, redo and names: memory and files are as they were, by value. And what is asked wrongly gets a friendly answer."""

from __future__ import annotations

import json
import random
import re

import pytest

from frontend import Frontend
from notebook import Notebook, refused, said

CELLS = 20
SEED = 20260

# In the guest: `view` shows a digest of all values and files. Seen through an inspection, which is no cell, so that looking does
# not count as new work.
VIEW = """
import hashlib, json, os
import numpy as np
state = {"n": 0, "words": [], "array": np.zeros(50_000)}
def files():
    found = {}
    for directory, _, names in sorted(os.walk("/app")):
        found[directory] = None
        for name in sorted(names):
            with open(os.path.join(directory, name), "rb") as file:
                found[os.path.join(directory, name)] = hashlib.sha256(file.read()).hexdigest()
    return found
def values():
    return [state["n"], state["words"], hashlib.sha256(state["array"].tobytes()).hexdigest(), sorted(extra)]
class View:
    def __repr__(self):
        return "<" + hashlib.sha256(json.dumps([values(), files()]).encode()).hexdigest() + ">"
view, extra = View(), {}
"""


def look(kernel: Frontend) -> str:
    """The digest of values and files, as the guest sees them."""
    content = kernel.ask("inspect_request", {"code": "view", "cursor_pos": 4, "detail_level": 0})
    assert content["found"], content
    found = re.search(r"<([0-9a-f]{64})>", content["data"]["text/plain"])
    assert found, content
    return found[1]


class Work:
    """Cells that change files at random (with a seed): what each does is known here as well."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.files: set[str] = set()
        self.number = 0

    def cell(self) -> str:
        self.number += 1
        n, pick = self.number, self.random
        lines = [f"state['n'] = {n}", f"state['words'].append('word {n}')",
                 f"state['array'][{pick.randrange(49_000)}:][:{pick.randrange(1, 900)}] = {n}", f"extra = {{**extra, 'key{n}': {n}}}"]
        for _ in range(pick.randint(1, 4)):
            lines += self._change(pick, n)
        return "import os, shutil\n" + "\n".join(lines)

    def _change(self, pick: random.Random, n: int) -> list[str]:
        kinds = ["create", "create", "deep", "empty directory", "large"]
        if self.files:
            kinds += ["modify", "append", "delete", "rename", "same bytes", "in place"]
        old = pick.choice(sorted(self.files)) if self.files else ""
        new = pick.choice(["", "a/", "b/", "a/b/", "ünï çødé/"]) + f"{n}-{pick.randrange(10**6)}.bin"
        parent = f"os.makedirs(os.path.dirname('/app/{new}'), exist_ok=True)"
        match pick.choice(kinds):
            case "create" | "deep":
                self.files.add(new)
                return [parent, f"with open('/app/{new}', 'w') as f: f.write('{n} ' * {pick.randrange(2000)})"]
            case "large":
                self.files.add(new)
                return [parent, f"with open('/app/{new}', 'wb') as f: f.write(np.random.default_rng({n}).bytes({pick.randrange(2_000_000)}))"]
            case "empty directory":
                return [f"os.makedirs('/app/empty-{n}/in it', exist_ok=True)"]
            case "modify":
                return [f"with open('/app/{old}', 'w') as f: f.write('modified {n}')"]
            case "append":
                return [f"with open('/app/{old}', 'a') as f: f.write('appended {n}')"]
            case "in place":  # the same size, and perhaps within one tick of the file system's clock
                return [f"with open('/app/{old}', 'r+b') as f:\n    c = f.read(1)\n    f.seek(0)\n    f.write(bytes(255 - b for b in c))"]
            case "same bytes":
                return [f"d = open('/app/{old}', 'rb').read(); open('/app/{old}', 'wb').write(d)"]
            case "delete":
                self.files.remove(old)
                return [f"os.remove('/app/{old}')"]
            case _:
                self.files.remove(old)
                self.files.add(new)
                return [parent, f"os.rename('/app/{old}', '/app/{new}')"]


def test_undo_and_redo_of_twenty_cells_give_every_state_back(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok(VIEW)
    work = Work(SEED)
    states = []

    def seen() -> tuple[str, dict[str, bytes]]:
        return look(kernel), notebook.files()

    for _ in range(CELLS):
        kernel.run_ok(work.cell())
        states.append(seen())
    assert len({digest for digest, _ in states}) == CELLS, "the cells do too little"
    assert len(states[-1][1]) > 10

    for step in reversed(range(CELLS - 1)):
        kernel.run_ok("%session undo")
        assert seen() == states[step], f"undo to {step}"
    for step in range(1, CELLS):
        kernel.run_ok("%session redo")
        assert seen() == states[step], f"redo to {step}"
    position, walk = CELLS - 1, random.Random(SEED)
    for _ in range(12):
        target = walk.choice([n for n in range(CELLS) if n != position])
        kernel.run_ok(f"%session {'undo' if target < position else 'redo'} {abs(target - position)}")
        position = target
        assert seen() == states[position], f"at {position}"
    # And after a kill it is the same.
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    kernel.run_ok("%session")
    assert seen() == states[position]


def test_new_work_drops_what_could_be_redone(notebook: Notebook) -> None:
    kernel = notebook.open()
    for n in range(4):
        kernel.run_ok(f"x = {n}; open('/app/x', 'w').write('{n}')")
    kernel.run_ok("%session undo 2")
    kernel.run_ok("y = x")
    refused(kernel.run("%session redo"), "redo")
    assert kernel.value("x, y, open('/app/x').read()") == "(1, 1, '1')"


def test_looking_at_the_session_is_no_work(notebook: Notebook) -> None:
    """Status, log and questions after an undo leave what can be redone, and are no steps."""
    kernel = notebook.open()
    for n in range(4):
        kernel.run_ok(f"x = {n}")
    kernel.run_ok("%session undo 2")
    kernel.run_ok("%session")
    kernel.run_ok("%session log")
    kernel.ask("inspect_request", {"code": "x", "cursor_pos": 1, "detail_level": 0})
    kernel.ask("complete_request", {"code": "x.re", "cursor_pos": 4})
    kernel.run_ok("%session redo 2")
    kernel.run_ok("%session undo")
    assert kernel.value("x") == "2"


def test_a_failed_command_changes_nothing(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 1")
    kernel.run_ok("x = 2")
    kernel.run_ok("%session undo")
    refused(kernel.run("%session undo 50"), "undo")
    refused(kernel.run("%session restore nothing-of-this-name"), "nothing-of-this-name")
    kernel.run_ok("%session redo")
    assert kernel.value("x") == "2"


# --- names ---------------------------------------------------------------------------------------


def test_save_restore_and_reset(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 'clean'; open('/app/x', 'w').write('clean')")
    kernel.run_ok("%session save 'before cleaning'")
    for n in range(3):
        kernel.run_ok(f"x = {n}; open('/app/x', 'w').write('{n}'); open('/app/{n}', 'w').close()")
    kernel.run_ok("%session restore 'before cleaning'")
    assert notebook.files() == {"x": b"clean"}
    assert kernel.value("x") == "'clean'"
    kernel.run_ok("%session reset")
    assert notebook.files() == {"x": b"clean"}  # a workspace is not a variable
    assert kernel.value("'x' in globals()") == "False"
    kernel.run_ok("%session undo 2")  # the look above, and the reset
    assert kernel.value("x") == "'clean'" and notebook.files() == {"x": b"clean"}
    # A name outlives the kernel.
    notebook.crash(kernel)
    kernel = notebook.open()
    kernel.run_ok("%session restore 'before cleaning'")
    assert kernel.value("x") == "'clean'"


def test_a_restore_is_undone_by_one_undo(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 1")
    kernel.run_ok("%session save one")
    kernel.run_ok("x = 2")
    kernel.run_ok("%session restore one")
    kernel.run_ok("%session undo")
    assert kernel.value("x") == "2"


def test_the_log_lists_the_cells(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("first = 1")
    kernel.run_ok("\n# a comment\nsecond = 2")
    assert kernel.run("1 / 0").status == "error"
    text = kernel.run_ok("%session log").stdout
    assert re.search(r"\[1\].*\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.*first = 1", text), text
    assert re.search(r"\[2\].*# a comment", text) and re.search(r"\[3\].*1 / 0.*failed", text), text
    kernel.run_ok("%session undo 2")
    here = [line for line in kernel.run_ok("%session log").stdout.splitlines() if "->" in line]
    assert len(here) == 1 and "first = 1" in here[0], here


def test_the_status_says_what_can_be_done(notebook: Notebook) -> None:
    kernel = notebook.open()
    for n in range(3):
        kernel.run_ok(f"x = {n}")
    kernel.run_ok("%session save here")
    kernel.run_ok("%session undo")
    text = kernel.run_ok("%session").stdout
    assert notebook.id() in text and "here" in text, text
    assert re.search(r"\b2\b.*\b1\b", text) and "undo" in text and "redo" in text, text


# --- asked wrongly -------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "words"), [
    ("undo 5", ["1", "5"]),
    ("undo 0", ["undo"]),
    ("undo -1", ["undo"]),
    ("undo many", ["many"]),
    ("undo 1.5", ["1.5"]),
    ("undo 99999999999999999999", ["99999999999999999999"]),
    ("undo 1 2", ["undo"]),
    ("redo", ["redo"]),
    ("restore", ["name"]),
    ("restore nobody", ["nobody"]),
    ("save", ["name"]),
    ("fork", ["name"]),
    ("fork ../outside", ["../outside"]),
    ("resume", ["resume"]),
    ("frobnicate", ["frobnicate", "undo"]),
    ("'unfinished", ["quotation"]),
])
def test_a_wrong_command_gets_a_friendly_error(notebook: Notebook, command: str, words: list[str]) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 41")
    refused(kernel.run(f"%session {command}"), *words)
    assert kernel.value("x + 1") == "42"


@pytest.mark.parametrize("command", ["undo", "redo", "restore nobody", "resume"])
def test_before_the_first_cell_there_is_nothing_to_go_to(notebook: Notebook, command: str) -> None:
    kernel = notebook.open()
    refused(kernel.run(f"%session {command}"))
    assert kernel.value("1 + 1") == "2"


def test_more_than_there_is_says_how_much_there_is(notebook: Notebook) -> None:
    kernel = notebook.open()
    for n in range(3):
        kernel.run_ok(f"x = {n}")
    assert "3" in refused(kernel.run("%session undo 7"), "7")
    assert kernel.value("x") == "2"


def test_the_window_is_the_policys(notebook: Notebook) -> None:
    kernel = notebook.open(undo=3)
    for n in range(8):
        kernel.run_ok(f"x = {n}; open('/app/x', 'w').write('{n}')")
    assert "3" in refused(kernel.run("%session undo 4"), "4")
    kernel.run_ok("%session undo 3")
    assert notebook.files() == {"x": b"4"}
    assert kernel.value("x") == "4"


# --- what an undo leaves alone -------------------------------------------------------------------


def test_undo_gives_the_same_random_numbers_again(notebook: Notebook) -> None:
    draw = "print([random.random(), np.random.random(), rng.random()])"
    kernel = notebook.open()
    kernel.run_ok("import random, numpy as np; rng = np.random.default_rng()")
    first = kernel.run_ok(draw).stdout
    kernel.run_ok("%session undo")
    assert kernel.run_ok(draw).stdout == first
    assert kernel.run_ok(draw).stdout != first


def test_the_monotonic_clock_goes_on_over_an_undo(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("import time")
    told = []
    for step in ("pass", "%session undo", "%session undo 2", "%session reset", "%session undo"):
        kernel.run_ok(step)
        told.append(float(kernel.run_ok("print(__import__('time').monotonic())").stdout))
    assert told == sorted(told), told
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    again = kernel.run_ok("print(__import__('time').monotonic())").stdout
    assert float(again.splitlines()[-1]) > told[-1]


def test_a_file_object_never_reads_another_file(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("open('/app/a', 'w').write('old text'); file = open('/app/a'); start = file.read(4)")
    kernel.run_ok("import os; os.remove('/app/a'); open('/app/a', 'w').write('NEW TEXT'); other = open('/app/a')")
    kernel.run_ok("%session undo")
    assert kernel.value("file.read()") == "'text'" and notebook.files() == {"a": b"old text"}
    kernel.run_ok("%session undo")  # the look
    assert kernel.value("file.read()") == "'text'"


def test_timers_work_after_an_undo(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("import asyncio; rang = []; asyncio.get_event_loop().call_later(0.2, rang.append, 1); "
                  "task = asyncio.ensure_future(asyncio.sleep(0.2, 'slept'))")
    kernel.run_ok("assert await task == 'slept'")
    kernel.run_ok("%session undo")
    assert kernel.run_ok("print(await asyncio.wait_for(task, 20), rang)").stdout.startswith("slept")


def test_what_a_command_says_is_the_hosts(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 1")
    assert said(kernel.run_ok("x = 2; print('the cell')")) == []
    outcome = kernel.run_ok("%session undo")
    [line] = said(outcome)
    assert "x = 1" in line and outcome.stdout == f"[cellblock] {line}\n"
    assert json.loads(json.dumps(outcome.usage))["state"] == "kept"
