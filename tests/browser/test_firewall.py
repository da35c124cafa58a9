"""The output firewall in a real browser: every output of tests/firewall/ is shown in JupyterLab, by a kernel that has the default
policy and by one whose policy allows everything."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from lab import KERNEL_NAME, MISSING, drive, jupyterlab, write_notebook

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(bool(MISSING), reason=f"a browser walk needs {' and '.join(MISSING)}, which this machine has not"),
]

CORPUS = Path(__file__).parents[1] / "firewall"
OPEN = "output.active_content = true\noutput.remote_resources = true\noutput.terminal = true\n"

# One of each renderer; shown after all others.
SENTINELS = ["ipython-html", "ipython-markdown", "latex-math", "matplotlib-svg", "altair-points", "plotly-scatter", "widget-slider"]

PREPARE = """
import json, sys
import comm
import ipywidgets
outputs = {item["name"]: item for item in json.load(open("/data/outputs.json"))}
channels = {}
def show(name):
    item = outputs[name]
    for message in item.get("comm", []):
        if message["kind"] == "open" and message["comm_id"] in channels:
            pass  # shown for the second time
        elif message["kind"] == "open":
            channels[message["comm_id"]] = comm.create_comm(
                comm_id=message["comm_id"], target_name=message["target_name"], data=message["data"], metadata={"version": "2.1.0"})
        else:
            channels[message["comm_id"]].send(message["data"])
    if "stream" in item:
        sys.stdout.write(item["stream"])
    if "bundle" in item:
        get_ipython().display_pub.publish(**item["bundle"])
"""


def corpus(folder: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((CORPUS / folder).glob("*.json"))]


HOSTILE, BENIGN = corpus("hostile"), corpus("benign")


def kernel(prefix: Path, name: str, policy: Path) -> None:
    """The kernel under a name of its own, with a policy."""
    spec = KernelSpecManager().get_kernel_spec(KERNEL_NAME)
    folder = prefix / "kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({**spec.to_dict(), "argv": [*spec.argv, "--policy", str(policy)], "display_name": name}))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the outputs did, by `closed` and `open`."""
    tmp_path = tmp_path_factory.mktemp("firewall")
    folder = tmp_path / "outputs"
    folder.mkdir()
    report, asked = tmp_path / "report.json", tmp_path / "asked.json"
    asked.write_text(json.dumps({"corpus": {"hostile": HOSTILE, "benign": BENIGN}, "folder": str(folder), "report": str(report),
                                 "sentinels": SENTINELS}))
    for name, keys in {"closed": "", "open": OPEN}.items():
        policy = tmp_path / f"{name}.toml"
        policy.write_text(f"mount_data_dir = {json.dumps(str(folder))}\n{keys}")
        kernel(tmp_path / "share", name, policy)
    paths = os.pathsep.join([str(tmp_path / "share"), os.environ.get("JUPYTER_PATH", "")])
    settings = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"}}
    with jupyterlab(tmp_path, settings, JUPYTER_PATH=paths, CELLBLOCK_FIREWALL=str(asked)) as lab:
        for name in ("closed", "open"):
            for kind, items in {"hostile": HOSTILE, "benign": BENIGN}.items():
                cells = [f"show({shown!r})" for shown in [*(item["name"] for item in items), *SENTINELS]]
                write_notebook(lab.notebooks / f"{kind}-{name}.ipynb", [PREPARE, *cells], name, name)
        drive(lab, tmp_path, "firewall.mjs", "closed")
    return json.loads(report.read_text())


def claimed(kind: str) -> set[str]:
    return {item["name"] for item in HOSTILE if item[kind]}


def test_nothing_hostile_acts_when_it_is_shown(browser: dict[str, Any]) -> None:
    assert browser["closed"]["hostile"]["shown"] == {}


def test_hostile_outputs_do_not_keep_others_from_being_drawn(browser: dict[str, Any]) -> None:
    assert browser["closed"]["hostile"]["lost"] == browser["closed"]["hostile"]["lostAgain"] == []
    assert browser["closed"]["problems"] == []


def test_nothing_hostile_reaches_beyond_its_place(browser: dict[str, Any]) -> None:
    assert browser["closed"]["hostile"]["reaches"] == {}


def test_nothing_hostile_acts_when_the_notebook_is_opened_again(browser: dict[str, Any]) -> None:
    assert browser["closed"]["hostile"]["reloaded"] == {}


def test_nothing_hostile_acts_when_it_is_clicked(browser: dict[str, Any]) -> None:
    assert browser["closed"]["hostile"]["clicked"] == {}


def test_the_same_outputs_act_where_the_policy_allows_it(browser: dict[str, Any]) -> None:
    shown = set(browser["open"]["hostile"]["shown"])
    assert claimed("fires") - shown == set()
    assert len(shown) >= 60


def test_the_same_outputs_act_on_opening_again_where_the_policy_allows_it(browser: dict[str, Any]) -> None:
    assert len(set(browser["open"]["hostile"]["reloaded"]) & claimed("fires")) >= 60


def test_the_same_outputs_act_on_a_click_where_the_policy_allows_it(browser: dict[str, Any]) -> None:
    clicked = set(browser["open"]["hostile"]["clicked"])
    assert claimed("click") - clicked == set()


@pytest.mark.parametrize("name", [item["name"] for item in BENIGN])
def test_a_benign_output_is_drawn_as_without_the_firewall(browser: dict[str, Any], name: str) -> None:
    closed, opened = browser["closed"]["benign"], browser["open"]["benign"]
    assert name not in closed["failed"], closed["failed"][name]
    assert name not in opened["failed"], opened["failed"][name]
    assert Path(closed["pictures"][name]).read_bytes() == Path(opened["pictures"][name]).read_bytes()
