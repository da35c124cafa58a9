#!/usr/bin/env python3
"""What the firewall, the analysis and the rest of what is said about cells cost a client: the round trip of `1+1`.

    python3 benches/overhead.py                              with the firewall closed and open
    python3 benches/overhead.py --before OTHER/cellblock     and against the kernel of another build

Kernels run side by side, in turn, cell by cell, so that the machine's moods meet all of them. Uses the tests' virtual
environment and `target/release/cellblock` (or CELLBLOCK_BIN).
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-tests"
OPEN = "advice.fuel = \"never\"\nadvice.errors = false\noutput.active_content = true\noutput.remote_resources = true\noutput.terminal = true\n"


class Kernel:
    """A kernel process and a client that is connected to it."""

    def __init__(self, binary: Path, policy: Path) -> None:
        from jupyter_client import KernelManager
        from jupyter_client.kernelspec import KernelSpec

        self.manager = KernelManager()
        command = [str(binary), "kernel", "--connection-file", "{connection_file}", "--policy", str(policy)]
        self.manager._kernel_spec = KernelSpec(argv=command, display_name="x", language="python")
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=600)
        self.times: list[float] = []

    def run(self, code: str) -> float:
        began = time.perf_counter()
        msg_id = self.client.execute(code)
        while self.client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != msg_id:
            pass
        while True:
            msg = self.client.get_iopub_msg(timeout=60)
            if msg["parent_header"].get("msg_id") == msg_id and msg["content"].get("execution_state") == "idle":
                return time.perf_counter() - began

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--before", type=Path, help="another build's binary")
    options = parser.parse_args()
    if Path(sys.prefix) != ENVIRONMENT:
        os.execv(ENVIRONMENT / "bin" / "python", [str(ENVIRONMENT / "bin" / "python"), *sys.argv])
    binary = Path(os.environ.get("CELLBLOCK_BIN", ROOT / "target" / "release" / "cellblock"))
    with tempfile.TemporaryDirectory() as temporary:
        closed, opened = Path(temporary) / "closed.toml", Path(temporary) / "open.toml"
        closed.write_text("session.persist = \"off\"\n")
        opened.write_text(f"session.persist = \"off\"\n{OPEN}")
        kernels = {"as it is": Kernel(binary, closed), "firewall open": Kernel(binary, opened)}
        if options.before:
            kernels["the other build"] = Kernel(options.before, closed)
        try:
            for kernel in kernels.values():
                for _ in range(50):
                    kernel.run("1+1")
            running = list(kernels.values())
            for _ in range(options.rounds):
                # What the one before leaves to do, a commit, falls to whoever comes next.
                random.shuffle(running)
                for kernel in running:
                    kernel.times.append(kernel.run("1+1"))
        finally:
            for kernel in kernels.values():
                kernel.close()
    print("| round trip of `1+1` | p50 | mean of the middle half | `as it is` over this |\n|---|---|---|---|")
    base = middle(kernels["as it is"].times)
    for name, kernel in kernels.items():
        print(f"| {name} | {statistics.median(kernel.times) * 1e3:.3f} ms | {middle(kernel.times) * 1e3:.3f} ms | {base / middle(kernel.times):.3f} |")


def middle(times: list[float]) -> float:
    """The mean of the middle half: steadier than the median where there are two modes."""
    ordered = sorted(times)
    return statistics.fmean(ordered[len(ordered) // 4: len(ordered) * 3 // 4])


if __name__ == "__main__":
    main()
