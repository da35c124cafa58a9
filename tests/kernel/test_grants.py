"""Nothing inside a notebook raises a limit or widens a grant.

Each test tries one way (metadata, magics, the environment, files, comms, the door, forged replies, a patched bridge) and
then sees that every limit of the policy is where it was, by what the host does and says: its own account of a cell, the
bytes that came, the files on its disk. What the guest says of itself would prove nothing.

`recursion_limit` is where Python's own limit begins, and `sys.setrecursionlimit` may move it. What nothing in the guest moves
is what the host holds against it: the stack of WebAssembly, memory, fuel.

Waits for the merge of the firewall: `output.active_content`, `output.remote_resources`, `output.terminal`.
"""

from __future__ import annotations

import json
import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import nbformat
import pytest

from fixtures import Start
from frontend import Frontend, Outcome, Request
from policies import write_policy
from program import cellblock

pytestmark = pytest.mark.sandbox

SECRET = "of-the-hosts-own"
MEMORY = 300_000_000
POLICY: dict[str, Any] = {
    "fuel_budget": 1_000_000_000, "timeout_seconds": 3, "memory_bytes": MEMORY, "stdout_max_bytes": 50_000, "stderr_max_bytes": 40_000,
    "display_max_bytes": 100_000, "open_files": 30, "workspace_bytes": 2_000_000, "workspace_files": 60, "message_max_bytes": 4_000_000,
    "interrupt_grace_seconds": 0.5, "recursion_limit": 500, "env": {"GIVEN": "by the policy"},
    "output": {"max_display_bytes": 60_000, "messages_per_second": 400}, "session": {"ids": "uuid", "undo": 3}, "packages": {"install": False},
}
# All that a notebook could want, in the words of the policy.
WISHES: dict[str, Any] = {
    "profile": "notebook", "fuel_budget": 10**15, "timeout_seconds": 10**6, "memory_bytes": 4 * 10**9, "stdout_max_bytes": 10**9,
    "stderr_max_bytes": 10**9, "display_max_bytes": 10**9, "open_files": 4000, "workspace_bytes": 10**12, "workspace_files": 10**6,
    "message_max_bytes": 10**9, "interrupt_grace_seconds": 600, "recursion_limit": 20_000, "mount_data_dir": "/", "env": {"HOST": "a wish"},
    "mounts": {"/mnt/host": "/"}, "external_files": ["/etc/passwd"], "output": {"max_display_bytes": 10**9, "messages_per_second": 10**6},
    "session": {"ids": "any", "undo": 1000, "store": "/tmp"}, "packages": {"install": True}, "workspace": "/",
}
WISHES_TOML = "".join(f"{key} = {json.dumps(value)}\n" for key, value in WISHES.items() if not isinstance(value, dict))


@dataclass
class Held:
    """A kernel under the policy, and what the host sees of it."""

    kernel: Frontend
    # The host's directory that is `/app`.
    app: Path
    # Bytes of the interpreter's memory before anything was tried.
    memory: int

    # A kernel whose bridge was patched may well say that a cell ended well: what it may use is what counts.

    def run(self, code: str, **options: Any) -> Outcome:
        return self.kernel.run(code, stop_on_error=False, **options)

    def check(self) -> None:
        """Every limit is where the policy put it."""
        for probe in (self.fuel, self.time, self.memory_, self.text, self.displays, self.pace, self.files, self.quota, self.environment, self.mounts, self.sessions):
            probe()
        assert self.kernel.alive

    def fuel(self) -> None:
        outcome = self.run("while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass")
        assert outcome.usage["trap_reason"] == "out_of_fuel" and outcome.status == "error", outcome.describe()
        # Past the budget, with what a cell may take to render its traceback.
        assert 1e9 <= outcome.usage["fuel_consumed"] < 4e9
        assert outcome.usage["fuel_analysis"]["budget"] == POLICY["fuel_budget"]

    def time(self) -> None:
        began = time.monotonic()
        outcome = self.run("import time\ntime.sleep(60)")
        assert time.monotonic() - began < 20 and outcome.usage["duration_ms"] < 20_000
        assert outcome.usage["trap_reason"] == "timeout", outcome.describe()

    def memory_(self) -> None:
        outcome = self.run("hog = bytearray(600_000_000)")
        assert outcome.usage["memory_used_bytes"] <= self.memory + MEMORY + (1 << 20)
        outcome = self.run("hogs = []\nwhile True: hogs.append(bytearray(10_000_000))")
        assert outcome.usage["memory_used_bytes"] <= self.memory + MEMORY + (1 << 20)
        self.run("hogs = hog = None")

    def text(self) -> None:
        outcome = self.run("import os\nfor _ in range(40):\n    os.write(1, b'x' * 10_000)\n    os.write(2, b'x' * 10_000)")
        assert 0 < outcome.stdout.count("x") <= POLICY["stdout_max_bytes"] + 100 and outcome.usage["stdout_truncated"], outcome.usage
        assert 0 < outcome.stderr.count("x") <= POLICY["stderr_max_bytes"] + 100 and outcome.usage["stderr_truncated"]

    def displays(self) -> None:
        assert bytes_shown(self.run(shown(70_000))) < 10_000
        assert bytes_shown(self.run("\n".join(shown(20_000) for _ in range(30)))) < POLICY["display_max_bytes"] + 20_000

    def pace(self) -> None:
        began = time.monotonic()
        outcome = self.run(f"for _ in range(800):\n    {SHOW_ONE}")
        took = time.monotonic() - began
        # A second's worth may go at once.
        assert len(outcome.of("clear_output")) / 400 < took + 1.5, (len(outcome.of("clear_output")), took)

    def files(self) -> None:
        outcome = self.run("import os\nopened = []\ntry:\n    for _ in range(100): opened.append(os.open('/app/one', os.O_RDWR | os.O_CREAT))\nexcept OSError: pass\nprint('o' * 9)")
        assert outcome.status == "ok"
        mine = [path for path in Path(f"/proc/{self.kernel.pid}/fd").iterdir() if os.path.realpath(path) == str(self.app / "one")]
        assert 0 < len(mine) <= POLICY["open_files"]
        self.run("for number in opened: os.close(number)\nos.remove('/app/one')")

    def quota(self) -> None:
        self.run("import os\ntry:\n    for n in range(500):\n        with open(f'/app/q{n}', 'wb', buffering=0) as file: file.write(bytes(100_000))\nexcept OSError: pass")
        self.run("try:\n    with open('/app/sparse', 'wb') as file: file.truncate(10**12)\nexcept OSError: pass\n"
                 "try:\n    for n in range(500): open(f'/app/e{n}', 'wb').close()\nexcept OSError: pass")
        found = [path for path in self.app.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in found) <= POLICY["workspace_bytes"] and 10 < len(found) <= POLICY["workspace_files"]
        self.run("import os\nfor name in os.listdir('/app'): os.path.isfile(f'/app/{name}') and os.remove(f'/app/{name}')")
        for path in self.app.rglob("q*"):
            path.unlink()

    def environment(self) -> None:
        outcome = self.run("import os\nprint(dict(os.environ))")
        assert SECRET not in outcome.everything

    def mounts(self) -> None:
        for path in ("/mnt/host/etc/passwd", "/data/etc/passwd", "/external/passwd", "/etc/passwd", str(self.app.parent / "secret")):
            outcome = self.run(f"print(open({path!r}).read())")
            assert outcome.error and "root:" not in outcome.everything and SECRET not in outcome.everything

    def sessions(self) -> None:
        self.run("%session fork mine-own")
        assert not [path for path in (self.app.parent / "data").rglob("mine-own")]


# Past whatever the bridge has become: straight through the door.
SHOW = """
import json as _json, struct as _struct, _host as _door
def _tell(**frame):
    text = _json.dumps(frame).encode()
    return _json.loads(_door.call(_struct.pack("<I", len(text)) + text + _struct.pack("<I", 0))[4:-4])
"""
SHOW_ONE = "_tell(op='clear_output', wait=False)"


def shown(size: int) -> str:
    return f"_tell(op='display', data={{'text/plain': 'x' * {size}}}, metadata={{}}, transient={{}}, update=False)"


def bytes_shown(outcome: Outcome) -> int:
    return sum(len(str(data)) for data in outcome.displays if "xxx" in str(data))


Hold = Callable[..., Held]


@pytest.fixture
def hold(start: Start, tmp_path: Path) -> Hold:
    (tmp_path / "secret").write_text(SECRET)

    def begin(**options: Any) -> Held:
        app = tmp_path / "app"
        app.mkdir(exist_ok=True)
        env = {"XDG_DATA_HOME": str(tmp_path / "data"), "JPY_SESSION_NAME": "/home/user/grants.ipynb", "HOSTS_OWN": SECRET, **options.pop("env", {})}
        kernel = start(policy={**POLICY, "workspace": str(app)}, env=env, **options)
        memory = kernel.run_ok(SHOW).usage["memory_used_bytes"]
        return Held(kernel, app, memory)

    return begin


def test_the_probes_can_fail(start: Start, tmp_path: Path) -> None:
    """Under a policy that grants more, what the probes look at is more."""
    (tmp_path / "app").mkdir()
    kernel = start(policy={"workspace": str(tmp_path / "app"), "timeout_seconds": 30})
    held = Held(kernel, tmp_path / "app", kernel.run_ok(SHOW).usage["memory_used_bytes"])
    for probe in (held.memory_, held.text, held.displays, held.pace, held.files, held.quota):
        with pytest.raises(AssertionError):
            probe()


def test_the_policy_holds(hold: Hold) -> None:
    hold().check()


def test_metadata_of_requests_changes_nothing(hold: Hold) -> None:
    held = hold()
    metadata = {**WISHES, "cellblock": WISHES, "policy": WISHES, "kernel": WISHES, "limits": WISHES, "cellId": "x" * 10_000, "deletedCells": [], "trusted": True}
    held.run("pass", metadata=metadata)
    held.kernel.request("execute_request", {"code": "pass", "cellblock": WISHES, "policy": WISHES, "metadata": metadata, **WISHES},
                        metadata=metadata, header={"cellblock": WISHES, "policy": WISHES}).finish()
    held.kernel.request("kernel_info_request", {"policy": WISHES}, metadata=metadata).finish()
    run = held.kernel.run
    held.kernel.run = lambda code, **options: run(code, **{**options, "metadata": metadata})  # type: ignore[method-assign]
    held.check()


@pytest.mark.parametrize("where", ["notebook", "cell"])
def test_metadata_of_a_notebook_changes_nothing(tmp_path: Path, where: str) -> None:
    metadata = {"cellblock": WISHES, "policy": WISHES, **WISHES, "kernelspec": {"name": "python3", "display_name": "x", "env": {"CELLBLOCK_POLICY": "p.toml"},
                "argv": ["cellblock", "--policy", "p.toml"], "metadata": WISHES}, "tags": ["cellblock:fuel_budget=1000000000000000"]}
    codes = ["while True: pass", "for _ in range(100): print('x' * 10_000)", "hog = bytearray(900_000_000)", "print(open('/mnt/host/etc/passwd').read())",
             "import os; print(os.environ.get('HOST'), os.environ['GIVEN'])"]
    cells = [nbformat.v4.new_code_cell(code, metadata=metadata if where == "cell" else {}) for code in codes]
    made = nbformat.v4.new_notebook(cells=cells)
    if where == "notebook":
        made.metadata.update(metadata)
    nbformat.write(made, tmp_path / "n.ipynb")
    (tmp_path / "p.toml").write_text(WISHES_TOML)
    policy = write_policy(tmp_path / "policy.toml", POLICY)
    done = cellblock("run", str(tmp_path / "n.ipynb"), "--policy", str(policy), "--allow-errors", "--output", str(tmp_path / "out.ipynb"))
    assert done.returncode == 0, done.stderr
    outputs = [cell.outputs for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells]
    names = [next((output.ename for output in those if output.output_type == "error"), None) for those in outputs]
    assert "fuel" in names[0].lower() and names[2] == "MemoryError" and names[3] == "FileNotFoundError"
    assert sum(output.text.count("x") for output in outputs[1] if output.output_type == "stream") <= POLICY["stdout_max_bytes"]
    assert outputs[4][0].text == "None by the policy\n"


def test_magics_change_nothing(hold: Hold) -> None:
    held = hold()
    for line in ("%fuel on", "%fuel off", "%fuel 1000000000000000", "%fuel budget=1000000000000000", "%session limit fuel_budget 1000000000000000",
                 "%session policy /app/policy.toml", "%session fork ../../../../tmp/x", "%session fork mine-own", "%session save ../x", "%session restore ../x",
                 "%session undo 99999999", "%env CELLBLOCK_POLICY=/app/policy.toml", "%env CELLBLOCK_FUEL_BUDGET=1000000000000000", "%set_env HOST=x",
                 "%config InteractiveShell.cache_size = 100000", "%config IPCompleter.debug = True", "%config Kernel.fuel_budget = 10**15", "%config",
                 "%pip install six", "%conda install six", "%load_ext cellblock", "%reload_ext cellblock_bridge", "%reset -f", "%policy", "%system id",
                 "%%script bash\nulimit -a", "%cd /", "%cd /app", "%autoawait trio", "%timeit -n 1 -r 1 pass", "%session reset", "%session"):
        held.run(line)
    held.run(SHOW)
    held.check()


def test_pip_installs_nothing(hold: Hold) -> None:
    held = hold()
    for code in ("%pip install cowsay", "!pip install cowsay", "%%bash\npip install cowsay", "import pip", "import micropip"):
        held.run(code)
    assert held.run("import cowsay").content["ename"] == "ModuleNotFoundError"


def test_the_environment_and_files_of_the_guest_change_nothing_in_this_kernel_or_the_next(hold: Hold, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    held = hold(cwd=str(tmp_path / "app"))
    held.run(f"""
import os, pathlib
text = {WISHES_TOML!r}
names = ["policy.toml", "cellblock.toml", ".cellblock", ".cellblock.toml", ".cellblock/policy.toml", "config/policy.toml", ".config/cellblock/policy.toml", "cellblock/policy.toml",
         ".env", "pyproject.toml", "Cellblock/policy.toml", ".ipython/profile_default/ipython_config.py", "kernel.json", ".local/share/cellblock/policy.toml"]
for top in ("/app", "/tmp", os.environ["HOME"], "/", "/data", "/mnt", "/usr/local", "/usr/local/lib/cellblock"):
    for name in names:
        path = pathlib.Path(top, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError:
            pass
for name in ("CELLBLOCK_POLICY", "CELLBLOCK_CONFIG", "CELLBLOCK_PROFILE", "CELLBLOCK_FUEL_BUDGET", "CELLBLOCK_MEMORY_BYTES", "XDG_CONFIG_HOME", "HOME",
             "CELLBLOCK_CACHE_DIR", "CELLBLOCK_SESSION", "JPY_SESSION_NAME", "XDG_DATA_HOME", "XDG_CONFIG_DIRS"):
    os.environ[name] = "/app/policy.toml" if name == "CELLBLOCK_POLICY" else "/app"
    os.putenv(name, "/app")
""")
    assert (held.app / "policy.toml").exists() and (held.app / ".config/cellblock/policy.toml").exists()
    held.check()
    held.run("import pathlib\nfor name in ('policy.toml', '.cellblock.toml'): pathlib.Path('/app', name).write_text(text)")
    held.kernel.restart()
    held.run(SHOW)
    held.check()
    # Told to, and not killed: what is resumed is the state after the last cell, and not one in the midst of a probe.
    held.kernel.request("shutdown_request", {"restart": False}, channel="control").reply()
    held.kernel.wait_exit()
    again = hold(cwd=str(held.app))
    again.check()
    again.run("%session resume")
    again.check()


def test_comm_messages_change_nothing(hold: Hold) -> None:
    held = hold()
    held.run("import ipywidgets\nslider = ipywidgets.IntSlider()\nseen = []\nimport comm\ncomm.get_comm_manager().register_target('mine', lambda c, m: seen.append(m))")
    for target in ("cellblock", "cellblock.policy", "cellblock.limits", "jupyter.widget", "jupyter.widget.control", "jupyter.kernel", "mine", "__bridge__", "start", ""):
        for data in ({"method": "request_states"}, {"method": "update", "state": WISHES}, {"op": "start", "env": WISHES, "recursion_limit": 10**6},
                     {"command": "set", "policy": WISHES, **WISHES}):
            to_idle(held.kernel.request("comm_open", {"comm_id": f"c-{target}", "target_name": target, "data": data, "policy": WISHES}, metadata={"policy": WISHES, "cellblock": WISHES}))
            to_idle(held.kernel.request("comm_msg", {"comm_id": f"c-{target}", "data": data, "op": "start"}, metadata={"policy": WISHES}))
    for msg_type in ("policy_request", "cellblock_request", "set_policy_request", "comm_policy", "start_request", "resume_request"):
        held.kernel.request(msg_type, {"op": "start", **WISHES}, metadata=WISHES)
    held.run(SHOW)
    held.check()


def to_idle(request: Request) -> None:
    while request.next_message()["content"].get("execution_state") != "idle":
        pass


FRAMES: list[dict[str, Any]] = [
    *({"op": op, **WISHES, "policy": WISHES, "limits": WISHES, "env": WISHES["env"], "recursion_limit": 10**6}
      for op in ("next", "policy", "set_policy", "limits", "start", "resume", "warm", "hello", "grant", "mount", "execute", "portable", "load_portable", "commit", "undo", "", "why", "fuel", "log")),
    {"op": "fuel_display", "command": "on", **WISHES}, {"op": "fuel_display", "command": "budget", "fuel_budget": 10**15}, {"op": "fuel_display", "command": ["on"], "limits": WISHES},
    {"op": "fuel", "fuel": 0, "set": 10**15}, {"op": "why", "reason": "sample"},
    *({"op": "session", "command": command, "name": name, "n": n, "policy": WISHES, "kept": False, "ids": "any"}
      for command in ("fork", "save", "restore", "undo", "redo", "log", "status", "policy")
      for name, n in (("mine-own", 10**30), ("../../mine-own", -1), ("/etc/passwd", 0), ("x" * 100_000, "1"), ("", None), ("a\0b", 1.5))),
    {"op": "reply", "content": {"status": "ok", "usage": {"fuel_consumed": 0}, "cellblock": WISHES}}, {"op": "reply", "content": {"status": "ok", "execution_count": 999}},
    {"op": ["display"]}, {"op": None}, {"no": "op"}, {"op": "x" * 1_000_000}, {"op": "display", "data": {"text/plain": "y"}, "parent_header": {"msg_id": "forged"}, "header": {"msg_type": "shutdown_reply"}},
    {"op": "comm", "msg_type": "shutdown_request", "content": {}}, {"op": "comm", "msg_type": "comm_open", "content": {"target_name": "cellblock", "data": WISHES}, "metadata": {}},
    {"op": "error", "ename": "x", "evalue": "y", "traceback": "not a list"}, {"op": "input", "prompt": "x", "password": "yes", "allow_stdin": True},
    {"op": "result", "data": {}, "metadata": {}, "execution_count": 12345},
]

RAW = [b"", b"\0", b"\xff" * 4, b"\xff\xff\xff\xff{}", struct.pack("<I", 2) + b"{}", struct.pack("<I", 2) + b"{}" + struct.pack("<I", 0xFFFFFFFF), struct.pack("<I", 2) + b"{}" + struct.pack("<II", 1, 0xFFFFFFF0) + b"x",
       struct.pack("<I", 2) + b"[]" + bytes(4), struct.pack("<I", 20_000) + b"[" * 20_000 + bytes(4), struct.pack("<I", 3) + b"\xff\xfe{" + bytes(4), struct.pack("<I", 2) + b"{}" + bytes(4) + b"trailing"]


def test_frames_at_the_door_change_nothing(hold: Hold) -> None:
    held = hold()
    for part in (FRAMES[: len(FRAMES) // 2], FRAMES[len(FRAMES) // 2:]):
        held.run(f"import json\nfor frame in json.loads({json.dumps(part)!r}):\n    print(_tell(**frame) if 'op' in frame else None)")
        held.run(SHOW)
    outcome = held.run(f"import _host\nfor raw in {RAW!r}:\n    try: print(_host.call(raw)[:200])\n    except Exception as error: print(type(error))\n_host.call(bytes(5_000_000))[:200]")
    assert "message_max_bytes" in outcome.everything
    held.run(SHOW)
    held.check()


FORGED: dict[str, Any] = {
    "status": "ok", "execution_count": 999, "usage": {"fuel_consumed": 1, "state": "lost"}, "cellblock": {"fuel_consumed": 1, "trap_reason": None}, "metadata": {"cellblock": WISHES},
    "parent_header": {"msg_id": "forged"}, "header": {"msg_type": "shutdown_reply"}, "msg_type": "shutdown_reply", "engine": "forged", "limits": WISHES,
}
# What replaces the bridge's own reply: the guest's last word of a turn.
FORGE = """
import cellblock_bridge.turn as _turn
_forged = {forged}
def _reply(content, buffers, _tell=_tell):
    _tell(op="reply", content=_forged)
_turn._reply = _reply
"""


def test_a_forged_reply_says_nothing_that_is_the_hosts(hold: Hold) -> None:
    held = hold()
    first = held.run("pass").content["execution_count"]
    held.run(FORGE.format(forged=repr(FORGED)))
    request = held.kernel.execute("while True:\n    try:\n        while True: pass\n    except BaseException:\n        break")
    outcome = request.finish()
    assert outcome.content["execution_count"] == first + 2
    assert outcome.reply["parent_header"]["msg_id"] == request.msg_id and outcome.reply["msg_type"] == "execute_reply"
    usage = outcome.usage
    assert usage["fuel_consumed"] >= 1e9 and usage["trap_reason"] == "out_of_fuel" and usage["state"] == "kept" and usage["fuel_analysis"]["budget"] == 1e9
    assert outcome.status == "error" and outcome.reply["metadata"]["status"] == "error", "over the budget is failed, whatever the guest says"
    assert outcome.reply["metadata"]["engine"] != "forged"
    assert set(held.run("pass").content) == {"status", "execution_count", "payload", "user_expressions"}
    held.check()


@pytest.mark.parametrize("forged", [
    {"status": "aborted"}, {"status": None}, {"status": {"x": 1}}, {"status": "ok", "payload": "x", "user_expressions": []}, {},
    {"status": "error"}, {"status": "error", "ename": 5, "evalue": [], "traceback": "x"}, {"status": "error", "ename": "E", "evalue": "v", "traceback": [1, {}]},
    {"status": "ok", "payload": [1, "x"], "exit": "yes", "keep": 5}, {"status": "error", "facts": "x", "imports": 5, "samples": [], "hot_lines": {"x": 1}},
])
def test_a_reply_that_makes_no_sense_is_made_one_that_does(hold: Hold, forged: dict[str, Any]) -> None:
    held = hold()
    held.run(FORGE.format(forged=repr(forged)))
    outcome = held.run("1")
    content = outcome.content
    assert content["status"] == outcome.reply["metadata"]["status"] == ("error" if forged.get("status") == "error" else "ok")
    assert isinstance(content["payload"], list) and all(isinstance(item, dict) for item in content["payload"]) and isinstance(content["user_expressions"], dict)
    if content["status"] == "error":
        assert isinstance(content["ename"], str) and isinstance(content["evalue"], str) and all(isinstance(line, str) for line in content["traceback"])
    held.fuel()


PATCHES = {
    "the interrupt handler": "import signal\nfor name in ('SIGINT', 'SIGTERM', 'SIGABRT'):\n    try: signal.signal(getattr(signal, name), signal.SIG_IGN)\n    except Exception: pass",
    "the interrupts' gate": "import cellblock_bridge.interrupts as i\nfor name in dir(i.gate):\n    if not name.startswith('__'):\n        try: setattr(i.gate, name, lambda *a, **k: None)\n        except Exception: pass\nimport contextlib\ni.gate.user_code = contextlib.nullcontext",
    "the handlers of requests": "import cellblock_bridge.turn as t\nold = t._HANDLERS['execute']\ndef again(here, request, buffers):\n    reply = old(here, request, buffers)\n    reply.update(status='ok', exit=False)\n    return reply\nt._HANDLERS['execute'] = again\nt._set_up = lambda request: None",
    "the door": "import cellblock_bridge.door as d\nold = d.Door.tell\ndef tell(self, op, /, buffers=None, **fields):\n    fields.update(policy={}, limit=10**15, usage={'fuel_consumed': 0})\n    return old(self, op, buffers, **fields)\nd.Door.tell = tell",
    "the shell": "ip = get_ipython()\nip.execution_count = 10**6\nip.showtraceback = lambda *a, **k: None\nip.displayhook._is_active = False\nimport sys\nsys.excepthook = sys.unraisablehook = lambda *a: None",
    "the restrictions": "import sys\nfor name in [name for name in sys.modules if 'restrictions' in name]: del sys.modules[name]\nimport os, importlib\nfor name in ('posix', 'subprocess', 'socket', '_thread', 'threading'):\n    try: importlib.reload(sys.modules[name])\n    except Exception: pass",
    "the limits of Python": "import sys\nsys.setrecursionlimit(10**9)\ntry:\n    import resource\n    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nexcept Exception: pass",
    "time": "import time\ntime.monotonic = time.time = time.perf_counter = lambda: 0.0",
    "events": "ip = get_ipython()\nip.events.register('post_run_cell', lambda result: setattr(result, 'error_in_exec', None))\nip.events.register('pre_run_cell', lambda info: None)",
}


@pytest.mark.parametrize("what", PATCHES)
def test_a_patched_bridge_changes_nothing(hold: Hold, what: str) -> None:
    held = hold()
    held.run(PATCHES[what])
    for probe in (held.fuel, held.time, held.memory_, held.text, held.displays, held.files):
        probe()


def test_a_deeper_recursion_ends_at_what_the_host_holds(hold: Hold) -> None:
    held = hold()
    held.run("kept = 'alive'\nimport sys\nsys.setrecursionlimit(10**9)\nclass Deep:\n    def __repr__(self): return repr(Deep())\n    def __getattr__(self, name): return getattr(self, name + 'x')\n    def __eq__(self, other): return [self] == [other]")
    for code in ("def down(): return down()\ndown()", "repr(Deep())", "Deep().x", "Deep() == Deep()", "x = []\nfor _ in range(10**6): x = [x]\nrepr(x)",
                 "import json\njson.loads('[' * 10**6)", "eval('(' * 10**5 + ')' * 10**5)", "import copy\ncopy.deepcopy(x)"):
        outcome = held.run(code)
        assert outcome.status == "error" and outcome.usage["state"] in ("kept", "rolled_back"), outcome.describe()
        assert outcome.usage["memory_used_bytes"] <= held.memory + MEMORY + (1 << 20)
        assert outcome.usage["fuel_consumed"] < 4e9
    assert held.run("kept").result == {"text/plain": "'alive'"}
    held.check()


def test_a_prompt_is_as_long_as_a_display_may_be(hold: Hold) -> None:
    held = hold()
    outcome = held.run("input('x' * 90_000)", allow_stdin=True)
    assert outcome.status == "error" and "max_display_bytes" in outcome.everything


def test_only_the_policy_says_which_ids_forks_have(hold: Hold, tmp_path: Path) -> None:
    held = hold()
    outcome = held.run("%session fork mine-own")
    assert "session.ids" in outcome.everything
    held.run("_tell(op='session', command='fork', name='mine-own')")
    id = "6f1f1a54-3d3c-4c6e-9c8e-0d8a7a1f9b11"
    held.run(f"%session fork {id}")
    held.run("%session")
    assert [path.name for path in (tmp_path / "data").rglob("sessions/*") if path.name in (id, "mine-own")] == [id]


def test_a_session_that_goes_elsewhere_takes_the_limits_of_the_policy_along(hold: Hold) -> None:
    """Undo, redo, a saved state, a roll-back, a reset: what was tried before is in the state, and the limits are not."""
    held = hold()
    held.run(PATCHES["the interrupt handler"])
    held.run("%session save patched")
    for code in ("%session undo", "%session redo", "import os\nos._exit(3)", "%session reset", "%session undo", "%session restore patched"):
        held.run(code)
    held.run(SHOW)
    held.check()
