"""Makes the pictures of README in docs/images: `.venv-tests/bin/python tests/browser/pictures.py [FOLDER]`, with Chromium, Node and a
release build (or the one that CELLBLOCK_BIN names). The dark ones are for looking at: they go to FOLDER, or nowhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = {"guided-error.png": 150_000, "fuel-warning.png": 150_000, "jupyterlab.png": 250_000}

# The second cell's budget is the policy's below; the third takes the focus.
CELLS = [
    "def load(path):\n    with open(path) as file:\n        return file.read()\n\nsales = load('/home/me/data.csv')",
    "import statistics\n\ntotal = 0\nfor i in range(450_000):\n    total += i * i % 7\nstatistics.mean([total, 1])",
    "",
]
POLICY = "fuel_budget = 2_000_000_000\n"
# Of the picture at the top: what a cell did to a table and to its file is undone.
LAB_CELLS = [
    "import os\nimport pandas as pd\n\nsales = pd.DataFrame({'town': ['Ulm', 'Bern', 'Graz'], 'sold': [12, 7, 9]})\nsales.to_csv('sales.csv', index=False)",
    "sales.drop(sales.index, inplace=True)\nos.remove('sales.csv')\nprint(len(sales), 'rows')",
    "%session undo",
    "pd.read_csv('sales.csv')",
    "prices = open('/home/me/prices.csv').read()",
    "",
]


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
        (again := tmp_path / "again").mkdir()
        with jupyterlab(again) as lab:
            write_notebook(lab.notebooks / "walk.ipynb", LAB_CELLS, KERNEL_NAME, "Sandboxed Python")
            drive(lab, again, "picture_of_lab.mjs", "Sandboxed Python")
        for name, largest in KEPT.items():
            size = (shots / name).stat().st_size
            assert size < largest, f"{name} has {size} bytes"
            (ROOT / "docs" / "images").mkdir(exist_ok=True)
            shutil.copy(shots / name, ROOT / "docs" / "images" / name)


if __name__ == "__main__":
    main()
