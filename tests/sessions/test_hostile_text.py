"""Names and lines from outside in what Cellblock says of sessions; and which names a state may be saved under."""

from __future__ import annotations

import json
from typing import Callable

import pytest

from notebook import Notebook
from program import BINARY, cellblock
from visible import HOSTILE, hidden


def test_hostile_lines_and_names_are_shown_harmlessly(notebooks: Callable[..., Notebook]) -> None:
    notebook = notebooks(f"/home/user/n{HOSTILE}.ipynb")
    kernel = notebook.open()
    kernel.run_ok("x = 1 # " + HOSTILE.replace("\r", ""))
    kernel.run_ok("y = 2")
    for line in ("%session", "%session log", "%session undo"):
        outcome = kernel.run_ok(line)
        assert hidden(outcome.stdout + outcome.stderr) == [], outcome.describe()
    notebook.kill(kernel)
    if BINARY is None:
        return
    id = notebook.id()
    for arguments in (["list"], ["show", id], ["log", id], ["resume", id], ["fork", id, "other"]):
        for json_too in ([], ["--json"]):
            done = cellblock("sessions", *arguments, *json_too, env=notebook.environment())
            assert hidden(done.stdout + done.stderr) == [], (arguments, done)
            if json_too and done.returncode == 0:
                json.loads(done.stdout)
    found = json.loads(cellblock("sessions", "list", "--json", env=notebook.environment()).stdout)["sessions"]
    assert notebook.name in [listed["notebook"] for listed in found], "JSON says it as it is"


@pytest.mark.parametrize("name", ["a\u202eb", "a\u2066b\u2069", "a\u200bb", "a\u200db", "\ufeffa", "a\u00adb", "a\u061cb", "a\ue000b", "a\U000e0041", "a\u2028b",
                                  "a\x9bb", "a\x07b", " a", "a ", "a\u00a0b", "\u3164", "a" + "\u0301" * 20, "a\u0378b", "x" * 129])
def test_what_cannot_be_seen_is_no_part_of_a_name(notebook: Notebook, name: str) -> None:
    kernel = notebook.open(persist="off")
    kernel.run_ok("x = 1")
    for line in (f"%session save '{name}'", f"%session save '{name}'\n0;", f"%session fork '{name}'"):
        outcome = kernel.run(line)
        assert outcome.status == "error", line
        assert hidden(outcome.stderr + outcome.content["evalue"]) == [], line
    assert "saved as" not in kernel.run_ok("%session").stdout


def test_names_of_all_scripts_are_names(notebook: Notebook) -> None:
    kernel = notebook.open()
    kernel.run_ok("x = 1")
    for name in ("before fit", "größe-2", "漢字", "नमस्ते", "v1.2 (final)", "🙂"):
        assert f"saved as {name}:" in kernel.run_ok(f"%session save '{name}'").stdout
        kernel.run_ok(f"%session restore '{name}'")
