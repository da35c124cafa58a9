"""kill -9 at hundreds of random moments: nothing that was committed is ever lost, nothing becomes unreadable, and memory and files agree.

One kernel after another runs for the same notebook. Each goes on with the session by itself, is checked, is given a row of cells,
and is killed after a random time: while it starts, resumes, runs a cell, writes files, commits or tidies its log up. Every second one
answers only what is on disk (`durability = "sync"`).

After a kill the log's last record says which cell was committed last. The next kernel must come back in exactly that state, not an
earlier one; and with `sync` that must be the last cell that was answered, or a later one.
"""

from __future__ import annotations

import os
import random
import re
import time
from queue import Empty
from typing import Any, Iterator

import pytest

from frontend import DEADLINE, Frontend
from notebook import Notebook, said
from stored import to_resume

KILLS = int(os.environ.get("CELLBLOCK_TEST_KILLS", "500"))
SEED = int(os.environ.get("CELLBLOCK_TEST_SEED", "3"))
# Cells that are sent to a kernel at once; more than it gets done before it is killed.
ROW = 12

# What is in memory and in files is a function of the number of cells that have run.
BEGIN = """
import hashlib, os, shutil
import numpy as np
n, numbers, array, log = 0, [], np.zeros(40_000), open("/app/log.txt", "a")
os.makedirs("/app/ring")
def contents(k):
    return hashlib.sha256(str(k).encode()).digest() * (1 + k % 97 * 20)
def tick(k):
    global n, block
    assert n == k - 1, (n, k)
    numbers.append(k * k)
    array[k * 7919 % 40_000:][:500] += k
    if k % 10 == 0:
        block = np.full(300_000 + k % 3 * 100_000, k)
    with open(f"/app/ring/{k % 7}.bin", "wb") as file:
        file.write(contents(k))
    with open("/app/number.tmp", "w") as file:
        file.write(str(k))
    os.replace("/app/number.tmp", "/app/number.txt")
    if k % 3 == 0:
        os.makedirs(f"/app/deep/{k}")
        open(f"/app/deep/{k}/file", "w").close()
        shutil.rmtree(f"/app/deep/{k - 3}", ignore_errors=True)
    print(k, file=log, flush=True)
    n = k
def check():
    expected = {f"ring/{k % 7}.bin": contents(k) for k in range(max(1, n - 6), n + 1)}
    expected["log.txt"] = "".join(f"{k}\\n" for k in range(1, n + 1)).encode()
    if n:
        expected["number.txt"] = str(n).encode()
    if n >= 3:
        expected[f"deep/{n - n % 3}/file"] = b""
    found = {}
    for directory, _, names in os.walk("/app"):
        for name in names:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                found[path.removeprefix("/app/")] = file.read()
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    assert not wrong, f"at {n}: {wrong}, the log of {found.get('log.txt', b'')[-20:]}, number {found.get('number.txt')}"
    assert numbers == [k * k for k in range(1, n + 1)]
    again = np.zeros(40_000)
    for k in range(1, n + 1):
        again[k * 7919 % 40_000:][:500] += k
    assert (array == again).all()
    assert n < 10 or (block == n - n % 10).all()
    return n
"""


class Killing:
    """The row of kernels, and what is known of their session."""

    def __init__(self, notebook: Notebook, seed: int) -> None:
        self.notebook = notebook
        self.random = random.Random(seed)
        self.committed = 0
        self.answered = 0
        # How often what happened: a test that kills only idle kernels would prove nothing.
        self.seen = {"while it started": 0, "in the row of cells": 0, "with new cells": 0, "with answered cells that were not committed": 0, "cells": 0}

    def begin(self) -> None:
        kernel = self.notebook.open()
        kernel.run_ok(BEGIN)
        self.notebook.crash(kernel)

    def round(self, number: int) -> None:
        sync = number % 2 == 1
        session = {"resume": "always", "durability": "sync" if sync else "relaxed", "undo": self.random.choice([0, 3, 20])}
        # So many answers are waited for before the clock runs: on a slow machine as well, kills meet cells at work.
        answers, delay = self.random.randrange(6), self.random.uniform(0, 0.06)
        where = f"kill {number} ({'sync' if sync else 'relaxed'}, seed {SEED}) after cell {self.committed}"
        if self.random.random() < 0.2:
            self.kill_at_start(session, self.random.uniform(0, 0.3))
            assert self.last() == self.committed, where
            return
        kernel = self.notebook.open(**session)
        self.check(kernel, where)
        answered = self.run_until_killed(kernel, answers, delay)
        last = self.last()
        assert last >= self.committed, f"{where}: cell {last} is the last one in the store"
        if sync:
            assert last >= answered, f"{where}: cell {answered} was answered, and {last} is the last one in the store"
        self.seen["with answered cells that were not committed"] += last < answered
        self.seen["in the row of cells"] += last < self.committed + ROW
        self.seen["with new cells"] += last > self.committed
        self.seen["cells"] += last - self.committed
        self.committed = last

    def kill_at_start(self, session: dict[str, object], delay: float) -> None:
        """Kills while it starts and resumes."""
        process = self.notebook.spawn(**session)
        # A random moment is what is wanted here, not one at which something has happened.
        time.sleep(delay)
        process.kill()
        process.wait()
        self.seen["while it started"] += 1

    def check(self, kernel: Frontend, where: str) -> None:
        """The kernel goes on with exactly the last committed cell."""
        outcome = kernel.run(f"check(); print('[n=%d]' % n)  # {self.committed}")
        assert outcome.status == "ok", f"{where}: {outcome.stdout}{outcome.stderr}{outcome.traceback if outcome.error else outcome.content}{kernel.stderr()}"
        found = re.search(r"\[n=(\d+)\]", outcome.stdout)
        assert found and int(found[1]) == self.committed, f"{where}: {outcome.stdout}"
        [line] = said(outcome)
        assert "goes on" in line, f"{where}: {line}"
        assert not outcome.stderr, f"{where}: {outcome.stderr}"

    def run_until_killed(self, kernel: Frontend, answers: int, delay: float) -> int:
        """Sends a row of cells, and kills in the midst of them; the last one that was answered."""
        cells = {kernel.execute(f"tick({k})").msg_id: k for k in range(self.committed + 1, self.committed + 1 + ROW)}
        answered = self.committed

        def take(replies: Iterator[dict[str, Any]]) -> None:
            nonlocal answered
            for reply in replies:
                k = cells.get(reply["parent_header"].get("msg_id", ""), 0)
                assert not k or reply["content"]["status"] == "ok", reply["content"]
                answered = max(answered, k)
                if answered == self.committed + answers:
                    return

        if answers:
            take(self.replies_until(kernel, time.monotonic() + DEADLINE))
        answers = ROW
        take(self.replies_until(kernel, time.monotonic() + delay))
        self.notebook.kill(kernel, close=False)
        # What was sent before it died counts as answered, even if it was not received yet.
        take(self.replies_until(kernel, time.monotonic()))
        kernel.close()
        return answered

    @staticmethod
    def replies_until(kernel: Frontend, moment: float) -> Iterator[dict[str, Any]]:
        while True:
            try:
                yield kernel.client.get_shell_msg(timeout=max(0, moment - time.monotonic()))
            except Empty:
                return

    def last(self) -> int:
        """The number in the last committed cell, as it is in the store."""
        cell = to_resume(self.notebook.session_dir())
        found = re.search(r"(?:tick\(|# )(\d+)", cell["first_line"])
        return int(found[1]) if found else 0


@pytest.mark.slow
def test_kills_at_random_moments_never_cost_a_committed_cell(notebook: Notebook) -> None:
    killing = Killing(notebook, SEED)
    killing.begin()
    for number in range(KILLS):
        killing.round(number)
    kernel = notebook.open(resume="always")
    killing.check(kernel, "at the end")
    assert len(notebook.sessions()) == 1
    print(f"\n{KILLS} kills: {killing.seen}")
    if KILLS >= 100:
        assert killing.seen["in the row of cells"] > KILLS / 2 and killing.seen["with new cells"] > KILLS / 3, killing.seen
        assert killing.seen["with answered cells that were not committed"] > 0, killing.seen
