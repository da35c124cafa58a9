#!/usr/bin/env python3
"""What it costs to keep a session: commits, bytes on disk, undo, fork, resume and eviction, through `jupyter_client`.

    python3 benches/sessions.py                 all of it, some minutes
    python3 benches/sessions.py --rounds 5 --only resume eviction

Takes the tests' virtual environment; the kernel is installed from `target/release/cellblock` (or CELLBLOCK_BIN) into a directory of
this run, and keeps its sessions there, too (`--data DIR` for another disk). Prints tables with ratios and the bars of the issue;
`--json FILE` keeps the figures. The exit code is 1 if a bar is missed.

Times of commits are the kernel's own, from its log: on the session's thread, after the reply was sent (`session.committed`), and from
there until the record is complete in the store (by the file system's clock, which ticks every 4 ms or so). Everything else is measured from outside.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benches"), str(ROOT / "tests"), str(ROOT / "tests" / "kernel"), str(ROOT / "tests" / "sessions")]

MB = 1e6
# The session that is resumed, forked and gone back in: this much beyond the warm image, half of it incompressible.
LARGE = 150_000_000
SMALL_CELL = "n += 1"
PANDAS_CELL = 'frame = pd.DataFrame({"a": np.arange(1000) * n, "b": np.arange(1000) % 7}); frame.groupby("b").sum()'
DIRTY_CELL = "big += 1"
SETUP = "import numpy as np, pandas as pd; n = 1; pd.DataFrame({'a': [1]}).groupby('a').sum()"
FILL = (f"half = np.random.default_rng(1).integers(0, 256, {LARGE // 2}, dtype=np.uint8); "
        f"other = np.arange({LARGE // 2} // 8, dtype=np.int64)")


@dataclass
class Row:
    """A line of a table."""

    what: str
    values: list[float]
    unit: str = "ms"
    # What it is compared with, in the same unit, and what that is.
    against: float | None = None
    against_what: str = ""
    # What the issue wants: of the median, or of the ratio.
    bar: float | None = None
    ratio_bar: float | None = None

    @property
    def p50(self) -> float:
        return statistics.median(self.values)

    @property
    def p99(self) -> float:
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]

    @property
    def ratio(self) -> float | None:
        return self.p50 / self.against if self.against else None

    def missed(self) -> bool:
        return bool((self.bar is not None and self.p50 > self.bar) or (self.ratio_bar is not None and (self.ratio or 0) > self.ratio_bar))

    def line(self) -> str:
        show = lambda value: f"{value:,.2f}" if value < 100 else f"{value:,.0f}"  # noqa: E731
        ratio = f"{self.ratio:.3f}" if self.ratio else ""
        against = f"{show(self.against)} {self.unit}, {self.against_what}" if self.against else ""
        wanted = f"≤ {self.bar:g} {self.unit}" if self.bar is not None else f"ratio ≤ {self.ratio_bar:g}" if self.ratio_bar is not None else ""
        verdict = f"{wanted} {'✗ MISSED' if self.missed() else '✓'}" if wanted else ""
        return f"| {self.what} | {show(self.p50)} {self.unit} | {show(self.p99)} {self.unit} | {against} | {ratio} | {verdict} |"


@dataclass
class Bench:
    """Where everything is, and what has been measured."""

    data: Path
    rounds: int
    rows: list[Row] = field(default_factory=list)
    count: int = 0

    def kernel(self, name: str, log: Path | None = None, **session: Any) -> "Frontend":  # noqa: F821
        from frontend import Frontend
        from policies import write_policy

        self.count += 1
        policy = write_policy(self.data / f"policy-{self.count}.toml", {"session": session})
        logging = ("--log", "cellblock=debug", "--log-format", "json", "--log-file", str(log)) if log else ()
        return Frontend(arguments=("--policy", str(policy), *logging), stderr_path=self.data / "stderr",
                        env={"XDG_DATA_HOME": str(self.data), "JPY_SESSION_NAME": name})

    def session_dir(self, kernel: "Frontend") -> Path:  # noqa: F821
        """The directory of a kernel's session, whose id the status names."""
        found = re.search(r"session ([0-9a-f-]{36})", kernel.run_ok("%session").stdout)
        assert found
        return self.data / "cellblock" / "sessions" / found[1]

    def add(self, row: Row) -> None:
        self.rows.append(row)
        print(row.line(), flush=True)


def head(title: str) -> None:
    print(f"\n{title}\n\n| what | p50 | p99 | against | ratio | bar |\n|---|---|---|---|---|---|", flush=True)


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


# --- commits -------------------------------------------------------------------------------------


@dataclass
class Commit:
    """One commit, as the kernel's log has it."""

    thread_ms: float
    stored_ms: float
    pages: int
    record: Path


def commits(log: Path, session: Path, count: int) -> list[Commit]:
    """The last `count` commits."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    committed = [event for event in events if event["fields"].get("message") == "session.committed"][-count:]
    records = sorted((session / "log").glob("*.rec"))[-count:]
    assert len(committed) == len(records) == count
    return [Commit(milliseconds(event["fields"]["time"]), max(0.0, record.stat().st_mtime * 1000 - at(event)), int(event["fields"]["pages"]), record)
            for event, record in zip(committed, records)]


def at(event: dict[str, Any]) -> float:
    """When it was logged, in milliseconds."""
    return datetime.fromisoformat(event["timestamp"]).timestamp() * 1000


def milliseconds(text: str) -> float:
    """A duration as Rust prints it."""
    number, unit = re.fullmatch(r"([\d.]+)(ns|µs|ms|s)", text).groups()
    return float(number) * {"ns": 1e-6, "µs": 1e-3, "ms": 1, "s": 1000}[unit]


def settle(kernel: "Frontend", session: Path, records: int) -> None:  # noqa: F821
    """Until the log has so many records more than it had. Nothing is asked of the kernel, which would add to its work."""
    deadline = time.monotonic() + 60
    while len(list((session / "log").glob("*.rec"))) < records:
        assert time.monotonic() < deadline, kernel.stderr()
        time.sleep(0.002)


def measure_commits(bench: Bench) -> None:
    head("Commits: after the reply, on the session's thread, and until the record is in the store")
    memory = 0
    # History enough that no record is tidied away while it is still to be looked at.
    for what, setup, cell, rounds, bar in (
        ("small cell", SETUP, SMALL_CELL, bench.rounds * 10, 3.0),
        ("pandas cell", SETUP, PANDAS_CELL, bench.rounds * 5, None),
        ("cell that dirties 100 MB", f"{SETUP}; big = np.random.default_rng(1).integers(0, 256, 100_000_000, dtype=np.uint8)", DIRTY_CELL,
         max(3, bench.rounds // 3), None),
    ):
        log = bench.data / f"{what.replace(' ', '-')}.log"
        kernel = bench.kernel(f"{what}.ipynb", log, undo=1000, undo_bytes=1 << 36, max_bytes=1 << 36)
        try:
            kernel.run_ok(setup)
            session = bench.session_dir(kernel)
            for _ in range(2):
                kernel.run_ok(cell)
            kernel.run_ok("%session")
            before = len(list((session / "log").glob("*.rec")))
            for number in range(rounds):
                memory = kernel.run_ok(cell).usage["memory_used_bytes"]
                settle(kernel, session, before + number + 1)
            found = commits(log, session, rounds)
        finally:
            kernel.close()
        copying = [copy_ms(memory) for _ in range(5)]
        whole = f"copying all {memory / MB:.0f} MB of memory"
        bench.add(Row(f"{what} ({statistics.median(c.pages for c in found) * 4096 / MB:.1f} MB dirty): on the session's thread",
                      [commit.thread_ms for commit in found], "ms", statistics.median(copying), whole, bar))
        bench.add(Row(f"{what}: from there until it is stored", [commit.stored_ms for commit in found], "ms", statistics.median(copying), whole))
        on_disk(bench, what, found)


def on_disk(bench: Bench, what: str, found: list[Commit]) -> None:
    import zstandard

    from stored import read

    sizes, compressed = [], []
    for commit in found[-20:]:
        pages = read(commit.record).pages()
        assert len(pages) == commit.pages * 4096, (len(pages), commit.pages)
        sizes.append(commit.record.stat().st_size / 1000)
        compressed.append(len(zstandard.ZstdCompressor(level=1).compress(pages)) / 1000)
    bench.add(Row(f"{what}: on disk", sizes, "kB", statistics.median(compressed), "its dirty pages in one piece with zstd -1", ratio_bar=1.2))


def copy_ms(size: int) -> float:
    """Copying so much memory into a new memory file."""
    source = os.memfd_create("source")
    target = os.memfd_create("target")
    try:
        block = os.urandom(1 << 20)
        for _ in range(size >> 20):
            os.write(source, block)

        def copy() -> None:
            offset = 0
            while offset < size >> 20 << 20:
                offset += os.sendfile(target, source, offset, size - offset)

        return timed(copy)
    finally:
        os.close(source)
        os.close(target)


# --- the user's path -----------------------------------------------------------------------------


def measure_path(bench: Bench) -> None:
    head("The user's path: request to reply and idle, kept and not kept, interleaved")
    for what, cell, pause in (("1+1, one after another", "1+1", 0.0), ("1+1, with 20 ms between", "1+1", 0.02),
                              ("pandas cell, with 50 ms between", PANDAS_CELL, 0.05)):
        times: dict[str, list[float]] = {"off": [], "relaxed": [], "sync": []}
        kernels = {name: bench.kernel(f"path-{what}-{name}.ipynb", persist="off" if name == "off" else "cells",
                                      durability="sync" if name == "sync" else "relaxed") for name in times}
        try:
            for kernel in kernels.values():
                kernel.run_ok(SETUP)
                for _ in range(10):
                    kernel.run_ok(cell)
            for _ in range(bench.rounds * 2):
                for name, kernel in kernels.items():
                    for _ in range(10):
                        time.sleep(pause)  # the user thinks
                        times[name].append(timed(lambda: kernel.run_ok(cell)))
        finally:
            for kernel in kernels.values():
                kernel.close()
        off = statistics.median(times["off"])
        bench.add(Row(f"{what}: not kept", times["off"]))
        bench.add(Row(f"{what}: kept", times["relaxed"], "ms", off, "not kept", ratio_bar=1.1 if pause else None))
        bench.add(Row(f"{what}: kept, sync", times["sync"], "ms", off, "not kept"))


# --- resume, undo, fork --------------------------------------------------------------------------


def measure_resume(bench: Bench) -> None:
    head("Resume from disk: from the kernel's start to the first answer")
    for what, fill in (("pandas session", "pass"), (f"session with {LARGE / MB:.0f} MB of its own", FILL)):
        name = f"{what}.ipynb"
        kernel = bench.kernel(name)
        kernel.run_ok(SETUP)
        kernel.run_ok(fill)
        memory = kernel.run_ok(SMALL_CELL).usage["memory_used_bytes"]
        kernel.run_ok("%session")
        kernel.process.kill()
        kernel.close()
        what = f"{what} ({memory / MB:.0f} MB in all)"
        times: dict[str, list[float]] = {"plain": [], "resumed": [], "asked": []}
        for _ in range(bench.rounds):
            for kind, options in (("plain", {"persist": "off"}), ("resumed", {"resume": "always"}), ("asked", {"resume": "ask"})):
                began = time.perf_counter()
                kernel = bench.kernel(name, **options)
                try:
                    kernel.run_ok("1+1")
                    started = (time.perf_counter() - began) * 1000
                    times[kind].append(timed(lambda: kernel.run_ok("%session resume")) if kind == "asked" else started)
                    assert kind == "plain" or kernel.value("n") == "2"
                finally:
                    kernel.process.kill()
                    kernel.close()
        plain = statistics.median(times["plain"])
        bench.add(Row(f"{what}: start without it", times["plain"]))
        bench.add(Row(f"{what}: start with resume = always", times["resumed"], "ms", plain, "without it"))
        bench.add(Row(f"{what}: the difference", [max(0.0, value - plain) for value in times["resumed"]], bar=50))
        bench.add(Row(f"{what}: %session resume in a running kernel", times["asked"], bar=50))


def measure_moves(bench: Bench) -> None:
    head("Undo, redo, fork: request to reply and idle")
    for what, fill in (("small session", "pass"), (f"session with {LARGE / MB:.0f} MB", FILL)):
        log = bench.data / f"moves of a {what}.log"
        kernel = bench.kernel(f"moves of a {what}.ipynb", log)
        try:
            kernel.run_ok(SETUP)
            kernel.run_ok(fill)
            for _ in range(5):
                kernel.run_ok(SMALL_CELL)
            kernel.run_ok("%session")
            undo, redo, fork = [], [], []
            for number in range(bench.rounds):
                undo.append(timed(lambda: kernel.run_ok("%session undo")))
                redo.append(timed(lambda: kernel.run_ok("%session redo")))
                kernel.run_ok(SMALL_CELL)
                kernel.run_ok("%session")
                fork.append(timed(lambda: kernel.run_ok(f"%session fork {what.replace(' ', '-')}-{number}")))
            bench.add(Row(f"{what}: undo of a small cell", undo))
            bench.add(Row(f"{what}: redo", redo))
            bench.add(Row(f"{what}: fork", fork))
            bench.add(Row(f"{what}: fork, without the cell around it", forks(log), bar=10))
        finally:
            kernel.close()


def forks(log: Path) -> list[float]:
    """From the commit of the cell that asked for it until the fork is there, by the kernel's log."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    pairs = zip(events, events[1:])
    return [at(after) - at(before) for before, after in pairs
            if (before["fields"].get("message"), after["fields"].get("message")) == ("session.committed", "session.forked")]


# --- eviction ------------------------------------------------------------------------------------


def measure_eviction(bench: Bench) -> None:
    head("Eviction: resident, and of the kernel alone (memory of no file, and its memory files)")
    for what, fill in (("pandas session", "pass"), (f"session with {LARGE / MB:.0f} MB of its own", FILL)):
        resident: tuple[list[float], list[float]] = ([], [])
        own: tuple[list[float], list[float]] = ([], [])
        warm, back = [], []
        for number in range(max(3, bench.rounds // 5)):
            log = bench.data / f"evictions-{what}-{number}.log"
            kernel = bench.kernel(f"{what} that is evicted {number}.ipynb", log, idle_evict=1)
            try:
                kernel.run_ok(SETUP)
                kernel.run_ok(fill)
                warm += [timed(lambda: kernel.run_ok(SMALL_CELL)) for _ in range(10)]
                kernel.run_ok("%session")  # what is still to be written is not counted
                footprint(kernel, resident[0], own[0])
                wait_for_event(log, "session.evicted", kernel)
                footprint(kernel, resident[1], own[1])
                back.append(timed(lambda: kernel.run_ok(SMALL_CELL)))
                assert kernel.value("n") == "12"
            finally:
                kernel.close()
        bench.add(Row(f"{what}: resident before", resident[0], "MB"))
        bench.add(Row(f"{what}: resident after", resident[1], "MB", statistics.median(resident[0]), "before"))
        bench.add(Row(f"{what}: of its own before", own[0], "MB"))
        bench.add(Row(f"{what}: of its own after", own[1], "MB", statistics.median(own[0]), "before"))
        bench.add(Row(f"{what}: the next cell, which brings it back", back, "ms", statistics.median(warm), "the same cell when it is there",
                      bar=50))


def wait_for_event(log: Path, message: str, kernel: "Frontend") -> None:  # noqa: F821
    deadline = time.monotonic() + 60
    while message not in log.read_text():
        assert time.monotonic() < deadline, kernel.stderr()
        time.sleep(0.01)


def footprint(kernel: "Frontend", resident: list[float], own: list[float]) -> None:  # noqa: F821
    """Megabytes."""
    from test_evict import held

    # What was freed just now may take a moment to be the system's again.
    before, now = 0.0, held(kernel) / MB
    while abs(now - before) > 1:
        time.sleep(0.1)
        before, now = now, held(kernel) / MB
    resident.append(kernel.process.memory_info().rss / MB)
    own.append(now)


# --- what waits to be written --------------------------------------------------------------------


def measure_backlog(bench: Bench) -> None:
    from test_evict import held
    from test_kernel_memory import Peak, cells

    head("What waits: a cell right after one that dirtied 100 MB, 10,000 cells that do nothing, and a large session")
    kernel = bench.kernel("after a large cell.ipynb")
    try:
        kernel.run_ok(f"{SETUP}; big = np.random.default_rng(1).integers(0, 256, 100_000_000, dtype=np.uint8)")
        kernel.run_ok("%session")
        alone, after = [], []
        for _ in range(bench.rounds):
            # Both kinds wait for the commit of the cell before them; only one of them has a journal that is busy.
            kernel.run_ok(DIRTY_CELL)
            kernel.run_ok("1+1")
            after.append(timed(lambda: kernel.run_ok("1+1")))
            kernel.run_ok("%session")
            kernel.run_ok("1+1")
            alone.append(timed(lambda: kernel.run_ok("1+1")))
        bench.add(Row("1+1 while 100 MB are being written", after, "ms", statistics.median(alone), "the same with nothing to write", ratio_bar=2.0))
    finally:
        kernel.close()
    for what, options in (("kept", {}), ("not kept", {"persist": "off"})):
        kernel = bench.kernel(f"many cells {what}.ipynb", **options)
        try:
            cells(kernel, 1000)
            before = held(kernel) / MB
            cells(kernel, 10_000)
            grown = held(kernel) / MB - before
        finally:
            kernel.close()
        bench.add(Row(f"10,000 cells `x = 1`, {what}: growth of {before:.0f} MB", [grown], "MB", bar=16))
    kernel = bench.kernel("large.ipynb")
    try:
        kernel.run_ok(SETUP)
        kernel.run_ok("%session")
        before = held(kernel)
        with Peak(kernel) as peak:
            kernel.run_ok("noise = np.random.default_rng(1).integers(0, 256, 700_000_000, dtype=np.uint8)")
            kernel.run_ok("%session")
        bench.add(Row("700 MB of noise: peak while it is committed and stored", [(peak.bytes - before) / MB], "MB", 700, "what is in it", ratio_bar=2.2))
        with Peak(kernel) as peak:
            kernel.run_ok("n += 1")
            kernel.run_ok("%session undo")
        bench.add(Row("the same: peak of an undo", [(peak.bytes - before) / MB], "MB", 700, "what is in it", ratio_bar=2.3))
    finally:
        kernel.close()


PARTS = {"backlog": measure_backlog, "commits": measure_commits, "path": measure_path, "resume": measure_resume, "moves": measure_moves, "eviction": measure_eviction}


def main() -> int:
    from compare import machine

    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=PARTS, nargs="+", help="measure these")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--data", type=Path, help="a directory for the sessions; default: a temporary one")
    arguments = parser.parse_args()
    print(machine().split(", Python")[0])
    with tempfile.TemporaryDirectory(prefix="cellblock-sessions-", dir=arguments.data) as data:
        bench = Bench(Path(data), arguments.rounds)
        for part in arguments.only or PARTS:
            PARTS[part](bench)
    if arguments.json:
        figures = [{"what": row.what, "unit": row.unit, "p50": row.p50, "p99": row.p99, "against": row.against, "ratio": row.ratio,
                    "missed": row.missed()} for row in bench.rows]
        arguments.json.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1))
    missed = [row.what for row in bench.rows if row.missed()]
    print(f"\n{len(missed)} missed: {'; '.join(missed)}" if missed else "\nnothing missed")
    return 1 if missed else 0


if __name__ == "__main__":
    if not os.environ.get("CELLBLOCK_BENCH"):
        from compare import in_the_environment

        sys.exit(in_the_environment(__file__))
    sys.exit(main())
