#!/usr/bin/env python3
"""Runs all tests of Cellblock. Needs Rust and Python 3.11 or newer with pip; nothing else.

    python3 tests/run.py              everything
    python3 tests/run.py -k stdin     what follows is handed on to pytest (and `cargo test` is left out)

What it does, in this order: a virtual environment in `.venv-tests/` from `tests/requirements.txt`; `cargo test --release` and the
release binary; `cellblock setup` (in the user's cache, or in CELLBLOCK_CACHE_DIR); the kernelspec, into a
directory of this run; pytest over `tests/`. The last line is `N passed, N failed, N skipped`, the exit code 0 only if
nothing failed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-tests"
#: Files of tests that run at a time: each may have a few kernels.
MOST_WORKERS = 4
#: How many tests are named that took longest.
SLOWEST = 10
REQUIREMENTS = ROOT / "tests" / "requirements.txt"


class Count:
    """What has been counted so far, over all test runners."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0
        self.reasons: Counter[str] = Counter()
        self.seconds: list[tuple[float, str]] = []

    def skip(self, reason: str, times: int = 1) -> None:
        self.skipped += times
        self.reasons[reason] += times

    def close(self) -> int:
        if self.reasons:
            print("\nSkipped, and why:")
            for reason, times in self.reasons.most_common():
                print(f"  {times:4} x {reason}")
        if self.seconds:
            print("\nThe slowest, in seconds:")
            for seconds, name in sorted(self.seconds, reverse=True)[:SLOWEST]:
                print(f"  {seconds:7.1f}  {name}")
        print(f"\n{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0


def step(text: str) -> None:
    print(f"\n== {text}", flush=True)


def run(*command: str | Path, **options: object) -> None:
    """Runs a command that has to succeed."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        print(f"\nfailed with exit code {done.returncode}: {' '.join(map(str, command))}")
        print("\n0 passed, 1 failed, 0 skipped", flush=True)
        sys.exit(1)


def test_environment() -> Path:
    """The interpreter of a virtual environment that holds exactly the pinned requirements."""
    python = ENVIRONMENT / "bin" / "python"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    stamp = ENVIRONMENT / "requirements.sha256"
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        step("virtual environment for the tests")
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-virtualenv", "-r", REQUIREMENTS)
        stamp.write_text(wanted)
    return python


def rust_tests(count: Count) -> None:
    step("cargo test --release")
    process = subprocess.Popen(["cargo", "test", "--release", "--locked", "--no-fail-fast"], cwd=ROOT, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    failed = 0
    for line in process.stdout:
        print(line, end="", flush=True)
        # The plain form, so that no line but this program's last one looks like a whole run's.
        if found := re.match(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", line):
            count.passed += int(found[1])
            failed += int(found[2])
            if int(found[3]):
                count.skip("cargo test: marked #[ignore], with the reason in the source", int(found[3]))
    if process.wait() != 0 and failed == 0:
        failed = 1  # it did not compile, or a test binary died
    count.failed += failed


def build() -> Path:
    step("cargo build --release")
    run("cargo", "build", "--release", "--locked", "--bins", "--examples")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return (ROOT / target / "release" / "cellblock").resolve()


def pytest(python: Path, binary: Path, arguments: list[str], count: Count) -> None:
    with tempfile.TemporaryDirectory(prefix="cellblock-tests-") as temporary:
        prefix, report = Path(temporary) / "prefix", Path(temporary) / "report.xml"
        step("cellblock setup")
        run(binary, "setup")
        run(binary, "install", "--prefix", prefix)
        step("pytest")
        environment = {
            **os.environ,
            "CELLBLOCK_BIN": str(binary),
            "JUPYTER_PATH": str(prefix / "share" / "jupyter"),
            "PATH": f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [python, "-m", "pytest", "-c", ROOT / "tests" / "pytest.ini", "--rootdir", ROOT / "tests", "--tb=short", "-q",
                   f"--junit-xml={report}", *(arguments or side_by_side())]
        done = subprocess.run([str(part) for part in command], cwd=ROOT / "tests", env=environment)
        read_report(report, count)
        if done.returncode != 0 and count.failed == 0:
            count.failed = 1


def side_by_side() -> list[str]:
    """How the whole is run: a file's tests one after another, since they may share a kernel, and two files or more at a time."""
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    return ["-n", str(workers), "--dist", "loadfile"] if workers > 1 else []


def read_report(report: Path, count: Count) -> None:
    """Adds what pytest's JUnit file says."""
    if not report.exists():
        return
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        count.seconds.append((float(case.get("time") or 0), f"{case.get('classname')}::{case.get('name')}"))
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
        elif skipped is not None:
            count.skip(f"pytest: {skipped.get('message')}")
        else:
            count.passed += 1


def main() -> int:
    if sys.version_info < (3, 11):
        sys.exit("tests/run.py needs Python 3.11 or newer")
    arguments = sys.argv[1:]
    count = Count()
    python = test_environment()
    if not arguments:
        rust_tests(count)
    pytest(python, build(), arguments, count)
    return count.close()


if __name__ == "__main__":
    sys.exit(main())
