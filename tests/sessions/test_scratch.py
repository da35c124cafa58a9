"""What kernels leave in the temporary directory: nothing if they end, and what a killed one left goes when the next one starts."""

from __future__ import annotations

import os
import time
from pathlib import Path

from fixtures import Start
from frontend import Frontend
from notebook import Notebook, until

PAST = time.time() - 3600


def scratches(tmp: Path) -> list[Path]:
    return sorted(tmp.glob("cellblock-*"))


def log_of(kernel: Frontend, log: Path) -> str:
    kernel.close()
    return log.read_text()


def test_twenty_ordinary_runs_leave_nothing_and_warn_of_nothing(start: Start, tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    for number in range(20):
        before = set(scratches(tmp))
        log, stderr = tmp_path / f"log-{number}", tmp_path / f"stderr-of-{number}"
        kernel = start(env={"TMPDIR": str(tmp)}, stderr_path=stderr, arguments=("--log", "debug", "--log-file", str(log)))
        kernel.run_ok("x = list(range(10_000))")
        kernel.run_ok("open('/app/file', 'w').write('y' * 100_000)")
        if number % 3 == 1:
            kernel.run_ok("%session undo")
        if number % 2:
            Notebook.shut_down(kernel)
            assert not set(scratches(tmp)) - before, "an ordinary end leaves nothing"
        else:
            kernel.manager.shutdown_kernel(now=True)
        text = log_of(kernel, log)
        assert "WARN" not in text and "ERROR" not in text and "not cleaned up" not in text, text
        assert not stderr.read_text().strip(), stderr.read_text()


def test_what_a_killed_kernel_left_goes_when_the_next_one_starts(start: Start, tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    env = {"TMPDIR": str(tmp)}
    killed = start(env=env)
    killed.run_ok("x = 1")
    (left,) = scratches(tmp)
    files = [path for path in left.rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["in-use.lock"], "a small session that is not kept is not on the disk"
    Notebook.kill(killed)
    assert left.exists()
    lives = start(env=env)
    lives.run_ok("x = 1")
    (its,) = set(scratches(tmp)) - {left}
    for path in (left, its):
        os.utime(path, (PAST, PAST))
    other = start(env=env)
    until(lambda: not left.exists(), "that it is swept")
    assert its.exists()
    lives.run_ok("open('/app/still', 'w').write('there')")
    for kernel in (lives, other):
        Notebook.shut_down(kernel)
    assert not scratches(tmp)
