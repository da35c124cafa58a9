"""Makes the pictures of README in docs/pictures: `.venv-tests/bin/python tests/browser/pictures.py [FOLDER]`, with Chromium, Node and a
release build. The dark ones are for looking at: they go to FOLDER, or nowhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("guided-error.png", "fuel-warning.png")
LARGEST = 150_000

# The second cell's budget is the policy's below; the third takes the focus.
CELLS = [
    "def load(path):\n    with open(path) as file:\n        return file.read()\n\nsales = load('/home/me/data.csv')",
    "import statistics\n\ntotal = 0\nfor i in range(450_000):\n    total += i * i % 7\nstatistics.mean([total, 1])",
    "",
]
POLICY = "fuel_budget = 2_000_000_000\n"


def main() -> None:
    os.environ["CELLBLOCK_BIN"] = os.environ.get("CELLBLOCK_BIN", str(ROOT / "target" / "release" / "cellblock"))
    with tempfile.TemporaryDirectory(prefix="cellblock-pictures-") as temporary:
        tmp_path = Path(temporary)
        subprocess.run([os.environ["CELLBLOCK_BIN"], "install", "--prefix", tmp_path / "prefix"], check=True, stdout=subprocess.DEVNULL)
        policy = tmp_path / "policy.toml"
        policy.write_text(POLICY)
        shots = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else tmp_path / "shots"
        os.environ |= {"JUPYTER_PATH": str(tmp_path / "prefix" / "share" / "jupyter"), "CELLBLOCK_POLICY": str(policy), "CELLBLOCK_SHOTS": str(shots)}
        # It looks for the kernel when it is imported.
        from lab import KERNEL_NAME, drive, jupyterlab, write_notebook

        with jupyterlab(tmp_path) as lab:
            write_notebook(lab.notebooks / "walk.ipynb", CELLS, KERNEL_NAME, "Sandboxed Python")
            drive(lab, tmp_path, "pictures.mjs", "Sandboxed Python")
        for name in KEPT:
            size = (shots / name).stat().st_size
            assert size < LARGEST, f"{name} has {size} bytes"
            (ROOT / "docs" / "pictures").mkdir(exist_ok=True)
            shutil.copy(shots / name, ROOT / "docs" / "pictures" / name)


if __name__ == "__main__":
    main()
