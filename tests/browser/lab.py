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
from pathlib import Path

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


def walk(tmp_path: Path, script: str, cells: list[str], stations: list[str]) -> None:
    """Opens a notebook of these cells in JupyterLab and runs a script in the browser, which has to pass the stations."""
    python = environment_with_jupyterlab()
    modules = tmp_path / "walk"
    modules.mkdir()
    for name in (script, "browser.mjs", "package.json"):
        shutil.copy(HERE / name, modules)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"], cwd=modules, check=True)
    shots = Path(os.environ.get("CELLBLOCK_SHOTS", tmp_path / "shots"))
    shots.mkdir(parents=True, exist_ok=True)

    spec = KernelSpecManager().get_kernel_spec(KERNEL_NAME)
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    made.metadata["kernelspec"] = {"name": KERNEL_NAME, "display_name": spec.display_name, "language": "python"}
    nbformat.write(made, notebooks / "walk.ipynb")

    token = secrets.token_hex()
    config = tmp_path / "config"
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(config), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "JUPYTER_TOKEN": token,
           "JUPYTERLAB_SETTINGS_DIR": str(config / "lab"), "XDG_DATA_HOME": str(tmp_path / "data"), "CHROMIUM": CHROMIUM or ""}
    # No question about news over the page, and no request to anywhere else.
    quiet = config / "lab" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    log = tmp_path / "server.log"
    with log.open("w") as written:
        server = subprocess.Popen(
            [python, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", f"--notebook-dir={notebooks}",
             "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
            env=env, stdout=subprocess.DEVNULL, stderr=written)
    try:
        while not (at := re.search(r"(http://127\.0\.0\.1:\d+)/lab", log.read_text())):
            assert server.poll() is None, log.read_text()
            select.select([], [], [], 0.05)
        walk = subprocess.run(["node", script, f"{at[1]}/lab?token={token}", spec.display_name, str(shots), str(tmp_path / "profile"), str(server.pid)],
                              cwd=modules, env=env, capture_output=True, text=True, timeout=600)
        print(walk.stdout)
        assert walk.returncode == 0, walk.stdout + walk.stderr
        assert [line.split()[-1] for line in walk.stdout.splitlines()] == \
            stations
        # Every kernel that the server started ends with it.
        urllib.request.urlopen(urllib.request.Request(f"{at[1]}/api/shutdown", method="POST", headers={"Authorization": f"token {token}"}))
        assert server.wait(timeout=60) == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
    assert json.loads((notebooks / "walk.ipynb").read_text())["nbformat"] == 4
