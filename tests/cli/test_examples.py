"""The examples in Rust run against the prepared runtime, and check what they show."""

import os
import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(os.environ["CELLBLOCK_BIN"]).parent / "examples"


@pytest.mark.parametrize("command", [["session"], ["every_wish"], ["every_wish", "--deterministic"]], ids=" ".join)
def test_an_example_runs_to_its_end(command: list[str], tmp_path: Path) -> None:
    example, *arguments = command
    done = subprocess.run([EXAMPLES / example, *arguments], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stdout.strip()
