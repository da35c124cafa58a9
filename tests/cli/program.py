"""Runs the `cellblock` binary."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_BUILT = Path(__file__).parents[2] / "target" / "release" / "cellblock"
# The program under test; `None` where there is none.
BINARY: str | None = os.environ.get("CELLBLOCK_BIN") or (str(_BUILT) if _BUILT.exists() else None)


def cellblock(*arguments: str, env: dict[str, str] | None = None, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """Runs it to its end, without standard input. `env` is laid over the environment."""
    assert BINARY
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, **(env or {})}, timeout=timeout)
