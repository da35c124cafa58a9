"""JupyterLab in a real browser, for the walks: needs Chromium, Node and npm.

By hand, to look at the pictures:  CELLBLOCK_SHOTS=/some/folder python3 tests/run.py -k walk
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import select
import shutil
import subprocess
import urllib.request
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import nbformat
from jupyter_client.kernelspec import KernelSpecManager

KERNEL_NAME = os.environ.get("CELLBLOCK_TEST_KERNEL", "sandboxed-python")
HERE = Path(__file__).parent
ENVIRONMENT = HERE.parents[1] / ".venv-browser"
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
MISSING = [name for name, found in (("chromium", CHROMIUM), ("node", shutil.which("node")), ("npm", shutil.which("npm"))) if not found]


def environment_with_jupyterlab() -> Path:
    python = ENVIRONMENT / "bin" / "python"
    requirements = HERE / "requirements.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = ENVIRONMENT / "requirements.sha256"
    if not (stamp.exists() and stamp.read_text() == wanted):
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements], check=True)
        stamp.write_text(wanted)
    return python


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, the folder of its notebooks, its process, and what was asked of the environment."""

    url: str
    notebooks: Path
    process: int
    environment: dict[str, str]


def write_notebook(path: Path, cells: list[str], kernel: str, display_name: str) -> None:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    made.metadata["kernelspec"] = {"name": kernel, "display_name": display_name, "language": "python"}
    nbformat.write(made, path)


@contextmanager
def jupyterlab(tmp_path: Path, settings: dict[str, dict[str, Any]] | None = None, **environment: str) -> Iterator[Lab]:
    """Runs JupyterLab; `settings` are those of its plugins. Every kernel that it started ends with it."""
    python = environment_with_jupyterlab()
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    token = secrets.token_hex()
    config = tmp_path / "config"
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(config), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "JUPYTER_TOKEN": token,
           "JUPYTERLAB_SETTINGS_DIR": str(config / "lab"), "XDG_DATA_HOME": str(tmp_path / "data"), "CHROMIUM": CHROMIUM or "", **environment}
    # No question about news over the page, and no request to anywhere else.
    quiet = {"@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}
    for plugin, values in {**quiet, **(settings or {})}.items():
        written = config / "lab" / f"{plugin}.jupyterlab-settings"
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(json.dumps(values))
    log = tmp_path / "server.log"
    with log.open("w") as written:
        server = subprocess.Popen(
            [python, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", f"--notebook-dir={notebooks}",
             "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.expose_app_in_browser=True"],
            env=env, stdout=subprocess.DEVNULL, stderr=written)
    try:
        while not (at := re.search(r"(http://127\.0\.0\.1:\d+)/lab", log.read_text())):
            assert server.poll() is None, log.read_text()
            select.select([], [], [], 0.05)
        yield Lab(f"{at[1]}/lab?token={token}", notebooks, server.pid, env)
        urllib.request.urlopen(urllib.request.Request(f"{at[1]}/api/shutdown", method="POST", headers={"Authorization": f"token {token}"}))
        assert server.wait(timeout=60) == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


def drive(lab: Lab, tmp_path: Path, script: str, display_name: str) -> str:
    """Runs a script in the browser; what it printed."""
    modules = tmp_path / "scripts"
    modules.mkdir()
    for name in (*(path.name for path in HERE.glob("*.mjs")), "package.json"):
        shutil.copy(HERE / name, modules)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"], cwd=modules, check=True)
    shots = Path(os.environ.get("CELLBLOCK_SHOTS", tmp_path / "shots"))
    shots.mkdir(parents=True, exist_ok=True)
    said = tmp_path / "said.txt"
    with said.open("w") as written:
        done = subprocess.run(["node", script, lab.url, display_name, str(shots), str(tmp_path / "profile"), str(lab.process)],
                              cwd=modules, env=lab.environment, stdout=written, stderr=subprocess.STDOUT, timeout=2400)
    print(said.read_text())
    assert done.returncode == 0, said.read_text()
    return said.read_text()


def walk(tmp_path: Path, script: str, cells: list[str], stations: list[str]) -> None:
    """Opens a notebook of these cells in JupyterLab and runs a script in the browser, which has to pass the stations."""
    spec = KernelSpecManager().get_kernel_spec(KERNEL_NAME)
    with jupyterlab(tmp_path) as lab:
        write_notebook(lab.notebooks / "walk.ipynb", cells, KERNEL_NAME, spec.display_name)
        said = drive(lab, tmp_path, script, spec.display_name)
        assert [line.split()[-1] for line in said.splitlines()] == stations
    assert json.loads((lab.notebooks / "walk.ipynb").read_text())["nbformat"] == 4
