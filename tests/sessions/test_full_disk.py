"""A disk that is full for a while: it is said with every cell, `%session` tells the truth, and when there is room again everything is saved."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from notebook import Notebook, refused, said, until

PROBLEM = "[cellblock] the session is not saved since "


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MB of the test's own."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Takes all the room that there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                pass
    return filler


@pytest.mark.parametrize("durability", ["relaxed", "sync"])
def test_a_session_is_saved_again_when_the_disk_has_room_again(notebook: Notebook, small_disk: Path, durability: str) -> None:
    options: dict[str, Any] = {"store": str(small_disk), "resume": "always", "durability": durability}
    kernel = notebook.open(**options)
    kernel.run_ok("x = [1]; import numpy as np")
    kernel.run_ok("x.append(2)")
    assert "saved after each cell" in kernel.run_ok("%session").stdout
    filler = fill(small_disk)
    run: Callable[[str], Any] = kernel.run if durability == "sync" else kernel.run_ok
    run("noise = np.random.default_rng(1).integers(0, 256, 3_000_000, dtype=np.uint8)")
    until(lambda: PROBLEM in run("pass").stderr, "that it is said")
    for number in range(3, 6):
        outcome = run(f"x.append({number})")
        assert outcome.stderr.count(PROBLEM) == 1 and "No space left on device" in outcome.stderr, outcome.describe()
        assert "tried again with each cell" in outcome.stderr
    for command in ("%session", "%session log"):
        text = run(command).stdout
        assert "is not saved since" in text and "saved after each cell" not in text, text
    refused(kernel.run("%session undo"), "not saved since", "the last state that is there is the one after cell [2]")
    refused(kernel.run("%session save full"), "not saved since")
    assert run("print(x)").stdout == "[1, 2, 3, 4, 5]\n", "what is in memory is not touched"
    filler.unlink()
    kernel.run("x.append(6)")
    until(lambda: "saved after each cell" in kernel.run("%session").stdout, "that it is saved again")
    outcome = kernel.run_ok("x.append(7)")
    assert outcome.stderr in ("", "[cellblock] the session is saved again\n"), outcome.describe()
    assert not kernel.run_ok("sum_before = int(noise.sum())").stderr, "said once"
    merged = [line for line in kernel.run_ok("%session log").stdout.splitlines() if "could not be saved one by one" in line]
    assert len(merged) == 1 and "cells before it" in merged[0], merged
    notebook.crash(kernel)
    kernel = notebook.open(**options)
    assert said(kernel.run_ok("pass"))[0].endswith("goes on")
    assert kernel.run_ok("print(x, sum_before == int(noise.sum()))").stdout == "[1, 2, 3, 4, 5, 6, 7] True\n"


def test_what_is_not_saved_can_be_undone_as_a_whole(notebook: Notebook, small_disk: Path) -> None:
    kernel = notebook.open(store=str(small_disk))
    kernel.run_ok("x = [1]")
    kernel.run_ok("x.append(2)")
    notebook.settle(kernel)
    filler = fill(small_disk)
    kernel.run_ok("x.append(3)")
    until(lambda: PROBLEM in kernel.run_ok("%session").stdout + "\n" + kernel.run_ok("%session log").stderr, "that it is said")
    kernel.run_ok("x.append(4)")
    refused(kernel.run("%session undo"), "`%session undo 2` goes to it")
    assert "went" in said(kernel.run_ok("%session undo 2"))[0]
    assert kernel.run_ok("x").result["text/plain"] == "[1, 2]"
    # Further back, too, though it cannot be written down.
    assert kernel.run_ok("%session undo 2")
    assert kernel.run_ok("print(x)").stdout == "[1]\n"
    filler.unlink()
    until(lambda: "saved after each cell" in kernel.run_ok("%session").stdout, "that it is saved again")
    kernel.run_ok("pass")  # with which it may be said that it is
    notebook.crash(kernel)
    kernel = notebook.open(store=str(small_disk), resume="always")
    assert kernel.run_ok("print(x)").stdout.endswith("[1]\n")


def test_a_disk_that_is_full_from_the_start_is_told_and_gets_over(notebook: Notebook, small_disk: Path) -> None:
    # Its directories are there, so that the kernel can start.
    notebook.shut_down(notebook.open(store=str(small_disk)))
    filler = fill(small_disk)
    kernel = notebook.open(store=str(small_disk), resume="always")
    kernel.run_ok("x = [1]")
    until(lambda: PROBLEM in kernel.run_ok("x.append(2)").stderr, "that it is said")
    assert "saved after each cell" not in kernel.run_ok("%session").stdout
    filler.unlink()
    until(lambda: "saved after each cell" in kernel.run_ok("%session").stdout, "that it is saved")
    length = kernel.run_ok("x.append(3); print(len(x))").stdout
    notebook.crash(kernel)
    kernel = notebook.open(store=str(small_disk), resume="always")
    assert kernel.run_ok("print(len(x))").stdout.endswith(length)
