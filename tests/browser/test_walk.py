"""Users' walks through JupyterLab in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import MISSING, walk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"a browser walk needs {' and '.join(MISSING)}, which this machine has not"),
]

CELLS = [
    "kept = 42\nimport matplotlib.pyplot as plt\nplt.figure(figsize=(4, 2))\nplt.plot([1, 3, 2, 4])\nplt.title('in the sandbox')\nplt.show()",
    "print('spinning')\nwhile True: pass",
    "f'{kept} is still here'",
]

SESSION_CELLS = [
    "x = 41\nopen('notes.txt', 'w').write('first')\nprint('written')",
    "%session resume",
    "f\"x is {x}, the file says {open('notes.txt').read()}\"",
    "x = 99\nopen('notes.txt', 'w').write('second')\nprint('overwritten')",
    "%session undo",
]


def test_a_walk_through_jupyterlab(tmp_path: Path) -> None:
    walk(tmp_path, "walk.mjs", CELLS, ["launcher", "figure", "interrupted", "variable-alive", "restarted", "runs-again"])


@pytest.mark.sandbox
def test_a_session_outlives_its_kernel_in_jupyterlab(tmp_path: Path) -> None:
    walk(tmp_path, "session.mjs", SESSION_CELLS, ["ran", "killed", "resumed", "alive", "undone"])
