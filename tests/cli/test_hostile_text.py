"""Text from outside in a terminal: a notebook's ids, sources and errors, names of files, values of a policy, arguments."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest

from program import BINARY, cellblock
from visible import HOSTILE, hidden

pytestmark = pytest.mark.skipif(BINARY is None, reason="no cellblock binary: build it, or name it in CELLBLOCK_BIN")


def shows_only(done: subprocess.CompletedProcess[str]) -> str:
    text = done.stdout + done.stderr
    assert hidden(text) == [], text
    assert "panicked" not in text
    return text


def notebook(path: Path, *cells: dict[str, Any]) -> Path:
    whole = [{"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], **cell} for cell in cells]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": HOSTILE}}, "cells": whole}))
    return path


# What Python takes for the end of a line ends a comment.
COMMENT = HOSTILE.replace("\r", "")
FAILS = {"id": f"id{HOSTILE}", "source": f"# first {COMMENT}\nclass Bad(Exception): pass\nBad.__name__ = 'name' + {HOSTILE!r}\n"
                                        f"raise Bad('text' + {HOSTILE!r})"}


def test_a_run_shows_a_hostile_notebook_and_does_nothing_else(tmp_path: Path) -> None:
    path = notebook(tmp_path / f"n{HOSTILE.replace('/', '')}.ipynb", {"id": "a", "source": f"'x' # {COMMENT}"}, FAILS)
    done = cellblock("run", str(path))
    text = shows_only(done)
    assert done.returncode == 1 and "cell 2 of 2 (id id" in text and "first" in text and "name" in text


def test_a_run_on_a_terminal_draws_its_own_line_alone(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", {"id": "a", "source": f"'x' # {COMMENT}"}, FAILS)
    leader, follower = pty.openpty()
    assert BINARY
    process = subprocess.Popen([BINARY, "run", str(path)], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
    os.close(follower)
    text = b""
    while True:
        try:
            more = os.read(leader, 1 << 16)
        except OSError:  # the other end was closed
            break
        if not more:
            break
        text += more
    assert process.wait(60) == 1
    shown = text.decode()
    assert "]52;c;" in shown, "the cell's line was not even shown"
    for bad in ("\x1b]", "\x9b", "\x07", "\x08", "\u202e", "\u2066", "\u200b", "\u2028", "\ue000", "\U000e0041"):
        assert bad not in shown, repr(bad)


@pytest.mark.parametrize("content", ["{", "[]", '{"nbformat": 3}', '{"nbformat": 4, "cells": [{"cell_type": 1}]}', None])
def test_a_file_that_is_no_notebook_is_named_harmlessly(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / f"n{HOSTILE}.ipynb"
    if content is not None:
        path.write_text(content)
    done = cellblock("run", str(path))
    assert done.returncode == 1 and shows_only(done)


@pytest.mark.parametrize("arguments", [[HOSTILE], ["run"], ["run", "a", HOSTILE], ["sessions", "show", HOSTILE], ["sessions", "log", f"x{HOSTILE}"],
                                       ["policy", "explain", HOSTILE], ["policy", "check", HOSTILE], ["--log", HOSTILE, "doctor"],
                                       ["doctor", "--name", HOSTILE], ["install", "--name", HOSTILE, "--prefix", "/nowhere"],
                                       ["sessions", "prune", "--older-than", HOSTILE], ["kernel", "-f", HOSTILE]])
def test_arguments_are_quoted_harmlessly(arguments: list[str]) -> None:
    done = cellblock(*arguments)
    assert done.returncode != 0 and shows_only(done)


def test_a_policy_s_values_are_shown_harmlessly(tmp_path: Path) -> None:
    path = tmp_path / f"p{HOSTILE}.toml"
    # In TOML controls have to be escaped; everything else may stand as it is.
    value = "".join(char if ord(char) > 0x9f else f"\\u{ord(char):04x}" for char in HOSTILE)
    path.write_text(f'[env]\nNAME = "{value}"\n[output]\ncomm_targets = ["t{HOSTILE[-3:]}"]\n')
    for arguments in (["policy", "show"], ["policy", "show", "--json"], ["policy", "explain", "env"]):
        shows_only(cellblock(*arguments, "--policy", str(path)))
    shows_only(cellblock("policy", "check", str(path)))
    path.write_text(f'[env]\n"N{value}" = 1\n"{HOSTILE[-4:]}" = 2')
    done = cellblock("policy", "check", str(path))
    assert done.returncode == 1 and shows_only(done)
