"""Starting a kernel by hand, without `jupyter_client`'s manager."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.kernelspec import KernelSpecManager

from frontend import DEADLINE, KERNEL_NAME


def kernel_command(connection_file: Path) -> list[str]:
    argv = KernelSpecManager().get_kernel_spec(KERNEL_NAME).argv
    python = sys.executable if argv[0] == "python" else argv[0]
    return [python, *(arg.replace("{connection_file}", str(connection_file)) for arg in argv[1:])]


def connection(**fields: Any) -> dict[str, Any]:
    return {"ip": "127.0.0.1", "transport": "tcp", "key": uuid.uuid4().hex, "signature_scheme": "hmac-sha256",
            "kernel_name": KERNEL_NAME, **{f"{c}_port": 0 for c in ("shell", "iopub", "stdin", "control", "hb")}, **fields}


def wait_for_ports(path: Path, process: subprocess.Popen) -> dict[str, Any]:
    """A kernel that was given port 0 writes the ports it took into the file."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            info = json.loads(path.read_text())
        except ValueError:  # caught while it was being written
            continue
        if all(info[f"{c}_port"] for c in ("shell", "iopub", "stdin", "control", "hb")):
            return info
        select_briefly()
    raise AssertionError(f"no ports came; the process says {process.poll()}")


def select_briefly() -> None:
    """Gives up the processor between two looks at something that can only be looked at."""
    select.select([], [], [], 0.01)


def gone(process: psutil.Process, seconds: float) -> bool:
    """Whether it ends in time; without a parent to reap it, a zombie has ended too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        select_briefly()
    return False
