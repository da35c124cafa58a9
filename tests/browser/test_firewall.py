"""The output firewall in a real browser: every output of tests/firewall/ is shown in JupyterLab, by a kernel that has the default
policy and by one whose policy allows everything."""

from __future__ import annotations

import json
import os
import re
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

# Shows an item of a corpus by the way that it names. The page asks for the widgets of a notebook that it opens again on a channel which
# the guest answers as it likes.
PREPARE = """
import json, sys
import comm
import ipywidgets
from cellblock_bridge.door import door

outputs = {item["name"]: item for item in json.load(open("/data/outputs.json"))}
publish = get_ipython().display_pub.publish
channels, states = {}, {}

def answer(channel, opening):
    channel.on_msg(lambda _: channel.send({"method": "update_states", "states": states, "buffer_paths": []}))

comm.get_comm_manager().register_target("jupyter.widget.control", answer)

def speak(kind, comm_id, data, target_name=""):
    state = data.get("state")
    if kind == "control":
        states.update(data["states"])
    elif kind == "msg":
        channels[comm_id].send(data)
        states[comm_id]["state"].update(state)
    elif comm_id not in channels:
        channels[comm_id] = comm.create_comm(comm_id=comm_id, target_name=target_name, data=data, metadata={"version": "2.1.0"})
        states[comm_id] = {"model_name": state["_model_name"], "model_module": state["_model_module"],
                           "model_module_version": state["_model_module_version"], "state": dict(state)}

class Result:
    def __init__(self, data, metadata):
        self.shown = data, metadata

    def _repr_mimebundle_(self, **_):
        return self.shown

def show(name):
    item = outputs[name]
    for message in item.get("comm", []):
        speak(**message)
    sys.stdout.write(item.get("stream", ""))
    bundle = item.get("bundle")
    match bundle and item.get("by", "display"):
        case "display":
            publish(**bundle)
        case "update":
            publish({"text/plain": "x"}, transient={"display_id": name})
            publish(**bundle, transient={"display_id": name}, update=True)
        case "page":
            get_ipython().payload_manager.write_payload({"source": "page", "data": bundle["data"], "start": 0})
        case "door":
            door.tell("display", **bundle, transient={"display_id": name, "isolated": True}, update=False, trusted=True)
        case "result":
            return Result(**bundle)
"""


def corpus(folder: str) -> list[dict[str, Any]]:
    """The outputs of a folder; by hand, those whose names `CELLBLOCK_OUTPUTS` matches."""
    wanted = re.compile(os.environ.get("CELLBLOCK_OUTPUTS", ""))
    return [json.loads(path.read_text()) for path in sorted((CORPUS / folder).glob("*.json")) if wanted.search(path.stem)]


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
    asked.write_text(json.dumps({"hostile": HOSTILE, "benign": BENIGN, "folder": str(folder), "report": str(report),
                                 "sentinels": [json.loads((CORPUS / "benign" / f"{name}.json").read_text()) for name in SENTINELS]}))
    for name, keys in {"closed": "", "open": OPEN}.items():
        policy = tmp_path / f"{name}.toml"
        policy.write_text(f"mount_data_dir = {json.dumps(str(folder))}\n{keys}")
        kernel(tmp_path / "share", name, policy)
    paths = os.pathsep.join([str(tmp_path / "share"), os.environ.get("JUPYTER_PATH", "")])
    settings = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"}}
    with jupyterlab(tmp_path, settings, JUPYTER_PATH=paths, CELLBLOCK_FIREWALL=str(asked)) as lab:
        for name in ("closed", "open"):
            acting = [item for item in HOSTILE if name == "closed" or item["fires"] or item.get("reload")]
            for kind, items in {"hostile": acting, "benign": BENIGN, "clicks": [item for item in HOSTILE if item["click"]]}.items():
                cells = [f"show({shown!r})" for shown in [*(item["name"] for item in items), *SENTINELS]]
                write_notebook(lab.notebooks / f"{kind}-{name}.ipynb", [PREPARE, *cells], name, name)
        drive(lab, tmp_path, "firewall.mjs", "closed")
    return json.loads(report.read_text())


def claimed(kind: str) -> set[str]:
    """Those that act when they are shown (`fires`), when they are opened again (`reload`), when they are pointed at or clicked (`click`)."""
    return {item["name"] for item in HOSTILE if item.get(kind)}


def without_links(clicked: dict[str, list[str]]) -> dict[str, list[str]]:
    """A link that is followed in a window of its own, to where it says, is what links are for."""
    return {name: ways for name, ways in clicked.items() if ways != ["linked"]}


def test_nothing_hostile_acts_when_it_is_shown(browser: dict[str, Any]) -> None:
    assert browser["closed"]["hostile"]["shown"] == {}


def test_hostile_outputs_do_not_keep_others_from_being_drawn(browser: dict[str, Any]) -> None:
    assert browser["closed"]["hostile"]["lost"] == browser["closed"]["hostile"]["lostAgain"] == []


def test_nothing_hostile_reaches_beyond_its_place(browser: dict[str, Any]) -> None:
    assert browser["closed"]["hostile"]["reaches"] == {}


def test_nothing_hostile_acts_when_the_notebook_is_opened_again(browser: dict[str, Any]) -> None:
    assert browser["closed"]["hostile"]["reloaded"] == {}


def test_nothing_hostile_acts_when_it_is_clicked(browser: dict[str, Any]) -> None:
    hostile = browser["closed"]["hostile"]
    assert without_links(hostile["clicked"]) == {}
    assert hostile["unseen"] == [] and hostile["clicks"] >= 30


def test_the_same_outputs_act_where_the_policy_allows_it(browser: dict[str, Any]) -> None:
    shown = set(browser["open"]["hostile"]["shown"])
    assert claimed("fires") - shown == set()
    assert len(claimed("fires")) >= 60


def test_the_same_outputs_act_on_opening_again_where_the_policy_allows_it(browser: dict[str, Any]) -> None:
    reloaded = set(browser["open"]["hostile"]["reloaded"])
    assert len(reloaded & claimed("fires")) >= 60
    assert claimed("reload") - reloaded == set()


def test_the_same_outputs_act_on_a_click_where_the_policy_allows_it(browser: dict[str, Any]) -> None:
    clicked = set(without_links(browser["open"]["hostile"]["clicked"]))
    assert claimed("click") - clicked == set()


@pytest.mark.parametrize("name", [item["name"] for item in BENIGN])
def test_a_benign_output_is_drawn_as_without_the_firewall(browser: dict[str, Any], name: str) -> None:
    closed, opened = browser["closed"]["benign"], browser["open"]["benign"]
    assert name not in closed["failed"], closed["failed"][name]
    assert name not in opened["failed"], opened["failed"][name]
    assert browser["differences"][name] == 0
