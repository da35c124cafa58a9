"""Idle eviction: an idle kernel gives its memory back, and the next request finds everything as it was."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from frontend import Frontend
from notebook import Notebook, said, tree, until

# What a test's array holds, and what a kernel may still hold once it has given that back.
ARRAY = 100_000_000
EVICTED = 80_000_000

SETUP = f"""
import time, sqlite3
import numpy as np
big = np.random.default_rng(3).integers(0, 256, {ARRAY}, dtype=np.uint8)
total = int(big.sum(dtype=np.uint64))
file = open("/app/lines.txt", "w+")
file.write("one\\ntwo\\nthree\\n")
file.flush()
file.seek(4)
def squares():
    for n in range(5):
        yield n * n
generator = squares()
next(generator), next(generator)
base = sqlite3.connect("/app/data.db")
base.execute("create table t (n)")
base.execute("insert into t values (1)")
then = time.monotonic()
"""


def held(kernel: Frontend) -> int:
    """Bytes that the kernel's process alone holds: memory of no file, and the memory files that it has open, mapped or not."""
    process = Path(f"/proc/{kernel.pid}")
    files = 0
    for descriptor in (process / "fd").iterdir():
        try:
            if os.readlink(descriptor).startswith("/memfd:"):
                files += descriptor.stat().st_blocks * 512
        except FileNotFoundError:  # closed meanwhile
            pass
    status = (process / "status").read_text()
    return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024 + files


def wait_for_eviction(kernel: Frontend) -> None:
    until(lambda: held(kernel) < EVICTED, "the kernel to give its memory back")


def test_a_kernel_that_is_never_evicted_holds_its_memory(notebook: Notebook) -> None:
    """What the tests below measure by."""
    kernel = notebook.open(idle_evict=0)
    kernel.run_ok(SETUP)
    notebook.settle(kernel)
    assert held(kernel) > ARRAY


@pytest.mark.parametrize("persist", ["cells", "off"])
def test_an_idle_kernel_gives_its_memory_back_and_goes_on(notebook: Notebook, persist: str) -> None:
    kernel = notebook.open(persist=persist, idle_evict=1)
    kernel.run_ok(SETUP)
    wait_for_eviction(kernel)
    assert kernel.alive and kernel.value("total == int(big.sum(dtype=np.uint64))") == "True"
    assert kernel.value("file.readline(), next(generator), base.in_transaction, time.monotonic() >= then") == "('two\\n', 4, True, True)"
    kernel.run_ok("base.commit(); file.write('four\\n'); file.close()")
    assert kernel.value("open('/app/lines.txt').read()") == repr("one\ntwo\nthree\nfour\n")

    # And again, now with what is new.
    kernel.run_ok("added = 'new'")
    wait_for_eviction(kernel)
    assert kernel.value("added, base.execute('select n from t').fetchall()") == "('new', [(1,)])"


def test_eviction_is_not_noticed(notebook: Notebook) -> None:
    """No words of the host's, the same numbers of cells, undo as before; and other requests wake it as well."""
    kernel = notebook.open(idle_evict=1)
    kernel.run_ok(SETUP)
    kernel.run_ok("x = 1")
    count = kernel.run_ok("x = 2").content["execution_count"]
    wait_for_eviction(kernel)
    content = kernel.ask("complete_request", {"code": "genera", "cursor_pos": 6})
    assert "generator" in content["matches"]
    wait_for_eviction(kernel)
    outcome = kernel.run_ok("print(x)")
    assert outcome.stdout == "2\n" and said(outcome) == [] and not outcome.stderr
    assert outcome.content["execution_count"] == count + 1
    wait_for_eviction(kernel)
    kernel.run_ok("%session undo 2")
    assert kernel.value("x") == "1"


def test_the_files_stay_while_a_session_is_evicted(notebook: Notebook) -> None:
    kernel = notebook.open(idle_evict=1)
    kernel.run_ok(SETUP)
    app = notebook.session_dir() / "workspace" / "app"
    files = tree(app)
    wait_for_eviction(kernel)
    assert tree(app) == files and files["lines.txt"] == b"one\ntwo\nthree\n"


def test_an_evicted_session_survives_a_kill(notebook: Notebook) -> None:
    kernel = notebook.open(idle_evict=1)
    kernel.run_ok(SETUP)
    wait_for_eviction(kernel)
    notebook.kill(kernel)
    kernel = notebook.open(resume="always")
    kernel.run_ok("pass")
    assert kernel.value("next(generator), file.read()") == "(4, 'two\\nthree\\n')"


def test_an_evicted_session_can_be_interrupted_and_restarted(notebook: Notebook) -> None:
    kernel = notebook.open(idle_evict=1)
    kernel.run_ok(SETUP)
    wait_for_eviction(kernel)
    kernel.interrupt()
    assert kernel.value("total > 0") == "True"
    wait_for_eviction(kernel)
    kernel.restart()
    assert kernel.value("'total' in globals()") == "False"


def test_a_cell_that_runs_is_not_idle(notebook: Notebook) -> None:
    kernel = notebook.open(idle_evict=1)
    kernel.run_ok("x = 1")
    assert kernel.run_ok("import time; time.sleep(2.5); x += 1; print(x)").stdout == "2\n"
    assert kernel.run_ok("import asyncio; await asyncio.sleep(2.5); x += 1; print(x)").stdout == "3\n"
