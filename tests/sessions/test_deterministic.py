"""`deterministic = true`: one notebook gives the same outputs, byte by byte, and takes the same fuel, whatever happens on the way."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

from fixtures import Start
from frontend import Frontend, Outcome
from notebook import Notebook, refused, until
from policies import write_policy
from program import cellblock

# What each cell shows depends on something that no two runs have in common otherwise.
CELLS = {
    "time": """
import time, datetime
print(time.time(), time.time_ns(), time.monotonic(), time.perf_counter(), time.process_time())
print(datetime.datetime.now(), time.ctime(), time.get_clock_info("time"))
computed = time.process_time_ns()
time.sleep(3)
assert 0 < time.thread_time_ns() - computed < 10**8
""",
    "random": """
import os, random, secrets, uuid
import numpy as np
print(random.random(), random.SystemRandom().random(), os.urandom(40), secrets.token_hex())
print(np.random.random(), np.random.default_rng().random(), uuid.uuid1(), uuid.uuid4())
kept_generator, kept_random = np.random.default_rng(), random.Random()
""",
    "tempfile": """
import tempfile
handle, name = tempfile.mkstemp()
os.close(handle)
print(name, tempfile.mkdtemp())
named = tempfile.NamedTemporaryFile("w+", delete=False)
named.write("half"), named.flush(), named.name
""",
    "hash and addresses": """
class Thing: pass
thing = Thing()
print(hash("text"), hash(b"bytes"), {"a", "b", "c", "d", "e", "f"}, frozenset("unordered"))
print(thing, object(), id(thing), hash(thing), [].append)
""",
    "files": """
import glob, pathlib
os.makedirs("/app/tree/z"), os.makedirs("/app/tree/a")
for name in ("q", "b", "Z", "m", "a1", "a0", "\\u00e9", "y"):
    pathlib.Path("/app/tree", name).write_text(name)
os.remove("/app/tree/m"), os.rename("/app/tree/y", "/app/tree/0")
print(os.listdir("/app/tree"), glob.glob("/app/**", recursive=True), os.listdir("/"))
print([(entry.name, entry.inode(), entry.is_dir(), entry.stat()) for entry in os.scandir("/app/tree")])
assert os.listdir("/app/tree") == sorted(os.listdir("/app/tree"), key=os.fsencode)
""",
    "stat": """
for path in ("/", "/app", "/tmp", "/app/tree", "/app/tree/a1", "/usr/local/lib/python315.zip", "/data", "/data/site-packages"):
    print(path, os.stat(path), os.path.getmtime(path))
os.utime("/app/tree/a1")
first, second = os.stat("/app/tree/a0"), os.stat("/app/tree/a1")
assert first.st_mtime_ns < second.st_mtime_ns <= time.time_ns()
os.fstat(named.fileno()), os.path.samefile("/app/tree/a0", "/app/tree/../tree/a0"), os.path.samefile("/app/tree/a0", "/app/tree/a1")
""",
    "a module": """
pathlib.Path("/app/own_module.py").write_text("value = 1")
import own_module
own_module.value, own_module.__file__, os.listdir("/app"), os.stat("/app/own_module.py").st_mtime
""",
    "the module, changed": """
pathlib.Path("/app/own_module.py").write_text("value = 2")
pathlib.Path("/app/other_module.py").write_text("import own_module; twice = own_module.value * 2")
import importlib
importlib.reload(own_module)
import other_module
assert (own_module.value, other_module.twice) == (2, 4)
""",
    "NaN": """
import struct
nans = [float("inf") - float("inf"), float("nan") * 1.5, struct.unpack("<d", bytes([1, 2, 3, 4, 5, 6, 255, 127]))[0] + 1]
nans += [*np.array([0.0, -0.0]) / np.zeros(2), *np.sqrt(np.array([-1.0, -2.0])), np.float32("inf") - np.float32("inf")]
payload = np.frombuffer(struct.pack("<2Q", 0x7FF4_0000_0000_1234, 0xFFF8_0000_0000_5678))
print([struct.pack("<d", nan).hex() for nan in nans], (payload * 2 + payload[::-1]).tobytes().hex())
""",
    "a figure": """
import matplotlib.pyplot as plt, io
figure, axes = plt.subplots()
axes.plot(np.random.random(20)), axes.set_title("$x^2$")
for kind in ("svg", "png", "pdf"):
    figure.savefig(f"/app/figure.{kind}")
plt.show()
""",
    "a figure's bytes": """
import hashlib
{kind: hashlib.sha256(open(f"/app/figure.{kind}", "rb").read()).hexdigest() for kind in ("svg", "png", "pdf")}
""",
    "a styled frame": """
import pandas as pd
frame = pd.DataFrame({"n": range(5), "x": np.random.random(5), "when": pd.Timestamp.now()})
frame.style.background_gradient(subset=["x"])
""",
    "memory": """
import gc
held = {object(): [n] for n in range(30_000)}
for n in range(20_000):
    loop = [n]; loop.append(loop)
print(gc.collect(), gc.get_count(), gc.get_stats(), len(held))
[hash(key) for key in list(held)[:3]]
""",
    "timing": "%time sum(range(10_000))",
    "more timing": "%timeit -r 3 sum(range(1_000))",
    "sleeping": """
import asyncio
before = time.time(), time.monotonic()
time.sleep(3600)
await asyncio.sleep(3600)
print(time.time() - before[0], time.monotonic() - before[1])
async def later():
    await asyncio.sleep(5)
    return time.time()
task = asyncio.create_task(later())
""",
    "a task that went on": "print(await task)",
    "a failure": """
def fails(n):
    return {"thing": thing}[n]
fails(object())
""",
    "what was kept": """
print(kept_generator.random(), kept_random.random(), random.random(), np.random.random())
named.write(" and half"), named.close()
print(open(named.name).read(), time.time(), thing, hash("text"))
""",
    "a widget": """
import ipywidgets
slider = ipywidgets.IntSlider(value=3)
print(slider.model_id)
slider
""",
    "the end": """
print(In[1][:20], len(In), sorted(Out), _i[:10])
import sqlite3
base = sqlite3.connect("/app/base.db")
base.execute("create table t as select random() as r, datetime('now') as at, hex(randomblob(8)) as b")
print(base.execute("select * from t").fetchall())
base.commit(), base.close()
hashlib.sha256(open("/app/base.db", "rb").read()).hexdigest()
""",
}
NAMES = list(CELLS)
FAILS = "a failure"
MIDDLE = len(NAMES) // 2


@dataclass
class Record:
    """What each cell showed and took."""

    cells: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, kernel: Frontend, names: list[str]) -> None:
        for name in names:
            outcome = kernel.run(CELLS[name])
            assert outcome.status == ("error" if name == FAILS else "ok"), f"{name}: {outcome.describe()}"
            self.cells[name] = shown(outcome)

    def assert_same(self, other: "Record") -> None:
        assert list(self.cells) == list(other.cells)
        differ = {name: {key: (cell[key], other.cells[name][key]) for key in cell if cell[key] != other.cells[name][key]}
                  for name, cell in self.cells.items() if cell != other.cells[name]}
        assert not differ, f"{len(differ)} of {len(self.cells)} cells differ: {list(differ)}\n{json.dumps(differ)[:6000]}"


def shown(outcome: Outcome) -> dict[str, Any]:
    """All that is seen of a cell, without the host's own lines, and its fuel."""
    shown = [message for kind in ("display_data", "error", "comm_open", "comm_msg") for message in outcome.of(kind)]
    stdout = re.sub(r"^\[cellblock\] .*\n", "", outcome.stdout, flags=re.MULTILINE)
    return {"stdout": stdout, "stderr": outcome.stderr, "result": outcome.result, "shown": shown, "fuel": outcome.usage["fuel_consumed"],
            "memory": outcome.usage["memory_used_bytes"]}


@pytest.fixture(scope="module", autouse=True)
def prepared() -> Path:
    """Where code and images of deterministic sessions are: compiling takes minutes, once for a machine."""
    done = cellblock("setup", "--deterministic", timeout=1800)
    found = re.search(r"deterministic sessions.*: (/.*)$", done.stderr, re.MULTILINE)
    assert done.returncode == 0 and found, done.stderr
    return Path(found[1])


@pytest.fixture
def deterministic(notebook: Notebook) -> Notebook:
    """A notebook in which an answer is not given before it is stored."""
    notebook.policy, notebook.session = {"deterministic": True}, {"durability": "sync"}
    return notebook


_straight: list[Record] = []


@pytest.fixture
def straight(start: Start, tmp_path: Path) -> Record:
    """How it goes if nothing happens on the way: run once."""
    if not _straight:
        record = Record()
        record.run(Notebook(start, tmp_path / "straight", policy={"deterministic": True}).open(), NAMES)
        _straight.append(record)
    return _straight[0]


# --- the same, whatever happens ------------------------------------------------------------------


def test_two_kernels_are_the_same(deterministic: Notebook, straight: Record) -> None:
    record = Record()
    record.run(deterministic.open(), NAMES)
    record.assert_same(straight)


def test_without_the_key_the_same_cells_differ(notebooks) -> None:
    # Hashes and addresses are the image's in every session: they differ only where something else has taken other memory.
    names = ["time", "random", "tempfile", "files", "a module", "a figure", "a styled frame", "timing"]
    records = [Record(), Record()]
    for number, record in enumerate(records):
        record.run(notebooks(f"/plain-{number}.ipynb").open(), names)
    same = [name for name in names if {**records[0].cells[name], "fuel": 0} == {**records[1].cells[name], "fuel": 0}]
    assert not same, same


def test_a_kernel_that_was_killed_goes_on_the_same(deterministic: Notebook, straight: Record) -> None:
    record, kernel = Record(), deterministic.open()
    for last in (2, MIDDLE, len(NAMES) - 3):
        record.run(kernel, NAMES[len(record.cells):last])
        deterministic.kill(kernel)
        kernel = deterministic.open(resume="always")
    record.run(kernel, NAMES[len(record.cells):])
    record.assert_same(straight)


def test_a_session_that_was_closed_goes_on_the_same(deterministic: Notebook, straight: Record) -> None:
    record, kernel = Record(), deterministic.open()
    record.run(kernel, NAMES[:MIDDLE])
    deterministic.shut_down(kernel)
    record.run(deterministic.open(resume="always"), NAMES[MIDDLE:])
    record.assert_same(straight)


def test_what_was_undone_runs_the_same_again(deterministic: Notebook, straight: Record) -> None:
    record, kernel = Record(), deterministic.open()
    for first, last in ((0, 5), (3, 9), (7, MIDDLE + 2), (1, len(NAMES))):
        if record.cells:
            outcome = kernel.run_ok(f"%session undo {len(record.cells) - first}")
            assert "went back to" in outcome.stdout
            record.cells = dict(list(record.cells.items())[:first])
        record.run(kernel, NAMES[first:last])
    record.assert_same(straight)


def test_an_evicted_session_goes_on_the_same(deterministic: Notebook, straight: Record) -> None:
    record, kernel = Record(), deterministic.open(idle_evict=1)
    for last in (3, MIDDLE, len(NAMES) - 2, len(NAMES)):
        record.run(kernel, NAMES[len(record.cells):last])
        until(lambda: not memory_files(kernel), "the session to be evicted")
    record.assert_same(straight)


def memory_files(kernel: Frontend) -> list[str]:
    """What the kernel keeps its sessions' memory in."""
    links = []
    for descriptor in Path(f"/proc/{kernel.pid}/fd").iterdir():
        try:
            links.append(os.readlink(descriptor))
        except FileNotFoundError:  # closed meanwhile
            pass
    return [link for link in links if link.startswith("/memfd:")]


def test_a_cell_that_was_rolled_back_leaves_no_trace(deterministic: Notebook, straight: Record) -> None:
    record, kernel = Record(), deterministic.open()
    record.run(kernel, NAMES[:MIDDLE])
    outcome = kernel.run("x = random.random(); time.sleep(9); os.remove('/app/own_module.py'); os._exit(3)")
    assert outcome.usage["state"] == "rolled_back", outcome.describe()
    record.run(kernel, NAMES[MIDDLE:])
    record.assert_same(straight)


def test_questions_leave_no_trace(deterministic: Notebook, straight: Record) -> None:
    record, kernel = Record(), deterministic.open()
    for number, name in enumerate(NAMES):
        record.run(kernel, [name])
        code = ("frame.", "os.pa", "thing.", "pathlib.Path('/app/")[number % 4]
        kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})
        kernel.ask("inspect_request", {"code": "random.random", "cursor_pos": 13, "detail_level": 1})
        kernel.ask("is_complete_request", {"code": "for n in range(3):"})
    record.assert_same(straight)


def test_a_named_state_is_come_back_to_exactly(deterministic: Notebook) -> None:
    kernel = deterministic.open()
    kernel.run_ok(CELLS["random"])
    kernel.run_ok("%session save here")
    records = [Record(), Record()]
    for record in records:
        record.run(kernel, ["random", "time", "tempfile"])
        kernel.run_ok("%session restore here")
    records[0].assert_same(records[1])


def test_a_fork_goes_on_the_same(deterministic: Notebook) -> None:
    kernel = deterministic.open()
    kernel.run_ok(CELLS["random"])
    kernel.run_ok("%session fork other")
    records = [Record(), Record()]
    for record, which in zip(records, (kernel, deterministic.open(id="other"))):
        record.run(which, ["random", "time", "tempfile"])
    records[0].assert_same(records[1])


def test_cellblock_run_writes_the_same_notebook_twice(tmp_path: Path) -> None:
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code.strip(), id=f"c{n}") for n, code in enumerate(CELLS.values())])
    nbformat.write(nb, tmp_path / "in.ipynb")
    policy = str(write_policy(tmp_path / "policy.toml", {"deterministic": True}))
    written = []
    for name in ("one", "two"):
        output = tmp_path / f"{name}.ipynb"
        done = cellblock("run", str(tmp_path / "in.ipynb"), "--output", str(output), "--allow-errors", "--policy", policy)
        assert done.returncode == 0, done.stderr
        written.append(output.read_bytes())
    assert b"image/png" in written[0] and written[0] == written[1]


# --- what it is like -----------------------------------------------------------------------------


def test_time_goes_by_without_waiting(deterministic: Notebook) -> None:
    kernel = deterministic.open()
    code = "import time\nend = time.time() + 2\nwhile time.time() < end: pass\nbegan = time.time(); time.sleep(86_400); time.time() - began"
    days = float(kernel.run_ok(code).result["text/plain"])
    assert 86_400 <= days < 86_401
    year = kernel.run_ok("import datetime; datetime.datetime.now(datetime.UTC).isoformat()").result["text/plain"]
    assert year.startswith("'2026-01-0")


def test_a_loop_that_sleeps_can_be_interrupted(deterministic: Notebook) -> None:
    kernel = deterministic.open()
    request = kernel.execute("import time\nprint('on', flush=True)\nwhile True: time.sleep(1)")
    request.wait_for_stdout("on\n")
    kernel.interrupt()
    assert request.finish().error["ename"] == "KeyboardInterrupt"
    assert kernel.value("1 + 1") == "2"


def test_every_nan_is_the_same(straight: Record) -> None:
    hexes = re.findall(r"[0-9a-f]{16}", straight.cells["NaN"]["stdout"])
    assert len(hexes) > 8 and set(hexes) == {"000000000000f87f"}, hexes


def test_an_output_widget_still_captures_by_the_request_that_the_client_knows(deterministic: Notebook) -> None:
    kernel = deterministic.open()
    request = kernel.execute("import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    print('captured')")
    outcome = request.finish()
    ids = [m["data"]["state"]["msg_id"] for m in outcome.of("comm_msg") if "msg_id" in m["data"].get("state", {})]
    assert ids == [request.msg_id, ""], outcome.describe()


def test_a_session_is_taken_up_only_as_it_was_recorded(deterministic: Notebook) -> None:
    kernel = deterministic.open(id="exact")
    kernel.run_ok("x = 1")
    deterministic.shut_down(kernel)
    deterministic.policy = {}
    kernel = deterministic.open(id="exact")
    refused(kernel.run("x"), "deterministic = true")
    deterministic.kill(kernel)
    deterministic.policy = {"deterministic": True}
    assert deterministic.open(id="exact").value("x") == "1"


# --- the images ----------------------------------------------------------------------------------


def test_a_cold_set_up_makes_the_same_images(prepared: Path, tmp_path: Path) -> None:
    """In another cache, on files with other times and inodes; only the compiled code is taken over."""
    cold = tmp_path / "cache"
    there = cold / prepared.name
    there.mkdir(parents=True)
    cold.chmod(0o700)
    if (prepared.parent / "downloads").exists():
        shutil.copytree(prepared.parent / "downloads", cold / "downloads")
    shutil.copytree(prepared / "guest", there / "guest", copy_function=shutil.copy)
    shutil.copy(prepared / "code.cwasm", there)
    manifest = json.loads((prepared / "manifest.json").read_text())
    manifest["files"] = {"code.cwasm": manifest["files"]["code.cwasm"]}
    (there / "manifest.json").write_text(json.dumps(manifest))
    run_nothing(tmp_path, {"CELLBLOCK_CACHE_DIR": str(cold)})
    for image in ("base.img", "science.img"):
        assert sha256(there / image) == sha256(prepared / image), image


def run_nothing(tmp_path: Path, env: dict[str, str]) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), tmp_path / "nothing.ipynb")
    policy = write_policy(tmp_path / "policy.toml", {"deterministic": True})
    done = cellblock("run", str(tmp_path / "nothing.ipynb"), "--policy", str(policy), env=env, timeout=1800)
    assert done.returncode == 0, done.stderr


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
