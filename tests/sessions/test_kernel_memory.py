"""What the kernel's own process takes: a row of cells that do nothing leaves it as it is, and a large session takes little more than it has."""

from __future__ import annotations

import threading

import pytest

from fixtures import Start
from frontend import Frontend
from notebook import Notebook
from resident import Resident
from test_evict import held

MB = 1 << 20


class Peak:
    """The most that a process had while this was open, as far as somebody sees who looks again and again."""

    def __init__(self, kernel: Frontend):
        self.kernel, self.bytes, self.ended = kernel, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self) -> None:
        while not self.ended.wait(0.002):
            self.bytes = max(self.bytes, held(self.kernel))

    def __enter__(self) -> "Peak":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def cells(kernel: Frontend, count: int) -> None:
    """So many cells, as fast as they are answered."""
    for _ in range(count // 50):
        requests = [kernel.execute("x = 1") for _ in range(50)]
        for request in requests:
            request.finish()


@pytest.mark.parametrize("is_kept", [True, False])
def test_cells_that_do_nothing_leave_the_process_as_large_as_it_was(notebook: Notebook, start: Start, is_kept: bool) -> None:
    kernel = notebook.open() if is_kept else start()
    cells(kernel, 500)
    before = held(kernel)
    cells(kernel, 1000)
    kernel.run_ok("%session")
    grown = held(kernel) - before
    assert grown < 8 * MB, f"{grown / MB:.1f} MB in 1000 cells, of {before / MB:.1f}"


@pytest.mark.parametrize("is_kept", [True, False])
def test_many_long_names_that_came_and_went_leave_nothing(notebook: Notebook, start: Start, is_kept: bool) -> None:
    kernel = notebook.open() if is_kept else start()
    kernel.run_ok("import os, shutil; inside = '/'.join(['x' * 240] * 4)")
    memory = Resident(kernel)
    made = "os.makedirs(inside)\nfor n in range(20_000): open(f'{inside}/{\"y\" * 230}{n}', 'w').close()"
    kernel.run_ok(made)
    kernel.run_ok("shutil.rmtree('x' * 240)")
    # More than can be undone: what waits or is known of those states is not needed any more.
    cells(kernel, 100)
    kernel.run_ok("%session")
    memory.assert_given_back()


def test_a_large_session_takes_little_more_than_twice_what_is_in_it(notebook: Notebook) -> None:
    size = 300_000_000
    kernel = notebook.open()
    kernel.run_ok("import numpy as np")
    notebook.settle(kernel)
    before = held(kernel)
    with Peak(kernel) as peak:
        # Noise: what is written of it is as large as it is.
        kernel.run_ok(f"noise = np.random.default_rng(1).integers(0, 256, {size}, dtype=np.uint8)")
        notebook.settle(kernel)
    assert peak.bytes - before < 2.2 * size, f"{(peak.bytes - before) / size:.2f} times"
    after = held(kernel)
    assert after - before < 1.2 * size, f"{(after - before) / size:.2f} times"
    with Peak(kernel) as peak:
        kernel.run_ok("small = 1")
        kernel.run_ok("%session undo")
    assert peak.bytes - after < 1.3 * size, f"undo takes {(peak.bytes - after) / size:.2f} times"
    notebook.crash(kernel)
    kernel = notebook.open(resume="ask")
    kernel.run_ok("pass")
    with Peak(kernel) as peak:
        kernel.run_ok("%session resume")
    assert kernel.run_ok("print(len(noise))").stdout == f"{size}\n"
    assert peak.bytes - before < 1.4 * size, f"a resume takes {(peak.bytes - before) / size:.2f} times"
