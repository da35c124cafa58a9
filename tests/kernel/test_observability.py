"""Logged events and metrics: what happened is told, with hashes in place of code, and nothing of what cells showed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from fixtures import Start
from frontend import DEADLINE, Frontend, raw_client
from launch import connection, kernel_command, select_briefly, wait_for_ports
from logged import Log, documented, sha256
from policies import write_policy

pytestmark = pytest.mark.sandbox

BINARY = os.environ.get("CELLBLOCK_BIN", "cellblock")
# One frame of the door (docs/door.md), made in the guest.
DOOR = """
import _host, json
def door(**fields):
    text = json.dumps(fields).encode()
    return _host.call(len(text).to_bytes(4, "little") + text + bytes(4))
"""
# What would forge a line, steer a terminal, or turn text around.
HOSTILE = "\nERROR forged\r\x1b]52;c;eA==\x07\x9b2J\u2028\u202e"


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log")


@pytest.fixture
def logged(start: Start, log: Log, tmp_path: Path) -> Callable[..., Frontend]:
    """Starts a kernel with this policy that logs to `log`."""
    def begin(policy: dict[str, Any] | None = None, level: str = "info", **options: Any) -> Frontend:
        file = write_policy(tmp_path / "policy.toml", policy or {})
        return start(arguments=(*log.arguments(level), "--policy", str(file)), **options)

    return begin


def settle(kernel: Frontend) -> None:
    """What comes after a cell's reply, its commit, is done when the next request is answered."""
    kernel.ask("complete_request", {"code": "settl", "cursor_pos": 5})


# --- events --------------------------------------------------------------------------------------


def test_a_cell_is_logged_with_its_hash_fuel_and_time_and_without_code_or_output(logged, log: Log) -> None:
    kernel = logged()
    code = "zq_source = 'zq-literal'\nprint('zq-' + 'printed')\nopen('made', 'w').close()\n'zq-' + 'result'"
    outcome = kernel.run_ok(code)
    assert "zq-printed" in outcome.stdout and outcome.result == {"text/plain": "'zq-result'"}
    start, complete = log.event("execution.start"), log.event("execution.complete")
    assert start["code"] == complete["code"] == sha256(code) and start["bytes"] == len(code) and start["number"] == 1
    assert start["session"] == complete["session"] and "source" not in start
    assert (complete["status"], complete["state"], complete["files_created"]) == ("ok", "kept", 1)
    assert complete["fuel"] == outcome.usage["fuel_consumed"] > 0
    assert complete["duration_ms"] == outcome.usage["duration_ms"]
    settle(kernel)
    committed = log.event("session.committed")
    assert committed["code"] == sha256(code) and committed["fuel"] == complete["fuel"] and committed["pages"] > 0
    log.wait_for("session.created")
    assert "zq" not in log.text, "the log has something of the cell"


def test_a_failing_cell_is_logged_with_the_exceptions_name_alone(logged, log: Log) -> None:
    kernel = logged()
    assert kernel.run("raise ValueError('zq-' + 'message')").error["ename"] == "ValueError"
    complete = log.event("execution.complete")
    assert (complete["status"], complete["error"], complete["state"]) == ("error", "ValueError", "kept")
    kernel.run("raise type('zq output text in a name', (Exception,), {})")
    kernel.run("raise type('Z' * 65, (Exception,), {})")
    assert [event["error"] for event in log.events("execution.complete")] == ["ValueError", "other", "other"]
    settle(kernel)
    assert "zq" not in log.text


def test_a_cell_that_ends_the_guest_is_logged_as_stopped_and_rolled_back(logged, log: Log) -> None:
    kernel = logged()
    kernel.run_ok("x = 1")
    code = "import os\nos._exit(3)"
    assert kernel.run(code).usage["state"] == "rolled_back"
    complete = log.event("execution.complete", code=sha256(code))
    assert (complete["status"], complete["state"], complete["trap_reason"]) == ("error", "rolled_back", "exited")
    settle(kernel)
    assert log.event("security.guest_stopped", code=sha256(code))["reason"] == "exited"
    assert log.event("session.rolled_back", code=sha256(code))["to"] == sha256("x = 1")
    assert not log.events("session.committed", code=sha256(code))


def test_undo_redo_save_restore_and_reset_are_logged(logged, log: Log) -> None:
    kernel = logged()
    for n in range(3):
        kernel.run_ok(f"x = {n}")
    kernel.run_ok("%session undo 2")
    undone = log.event("session.undone")
    assert (undone["steps"], undone["to"]) == (2, sha256("x = 0"))
    kernel.run_ok("%session redo")
    assert log.event("session.redone")["to"] == sha256("x = 1")
    kernel.run_ok("%session save here")
    assert log.event("session.saved")["name"] == "here"
    kernel.run_ok("x = 9")
    kernel.run_ok("%session restore here")
    assert log.event("session.restored")["to"] == sha256("x = 1")
    kernel.run_ok("%session reset")
    log.event("session.reset")
    assert not log.events("session.resumed")


def test_a_session_that_is_taken_up_forked_and_evicted_is_logged(logged, log: Log, tmp_path: Path) -> None:
    env = {"XDG_DATA_HOME": str(tmp_path / "data"), "CELLBLOCK_SESSION": "observed"}
    first = logged({"session.idle_evict": 1.0}, env=env)
    first.run_ok("x = 1")
    first.run_ok("%session fork other")
    assert log.event("session.forked", session="observed")["fork"] == "other"
    log.wait_for("session.evicted")
    assert first.ask("usage_request", channel="control")["cellblock"]["memory_bytes"]["now"] == 0
    first.manager.shutdown_kernel(now=False)
    second = logged(env=env)
    assert second.value("x") == "1"
    resumed = log.event("session.resumed")
    assert (resumed["session"], resumed["portable"], resumed["to"]) == ("observed", False, sha256("x = 1"))


def test_code_is_logged_only_where_the_policy_says_so(logged, log: Log) -> None:
    kernel = logged({"log.code": True})
    code = "value = 'zq-ü'\nprint('zq-' + 'printed')\n"
    kernel.run_ok(code)
    assert log.event("execution.start")["source"] == code
    assert "zq-printed" not in log.text


def test_a_notebook_cannot_have_code_logged(logged, log: Log) -> None:
    kernel = logged()
    kernel.run_ok("%env CELLBLOCK_LOG_CODE=1")
    kernel.run_ok("zq = 1", metadata={"cellblock": {"log": {"code": True}}, "log.code": True})
    settle(kernel)
    assert "zq" not in log.text


def test_what_the_sandbox_refuses_is_logged_and_counted(logged, log: Log) -> None:
    kernel = logged({"open_files": 8, "workspace_bytes": 100_000, "workspace_files": 20, "message_max_bytes": 65_536,
                     "display_max_bytes": 20_000, "output.max_display_bytes": 10_000, "stdout_max_bytes": 1_000})
    kernel.run_ok("import os, contextlib" + DOOR)
    cells = {
        "open_files": "held = []\nwith contextlib.suppress(OSError):\n    while True: held.append(os.open('held', os.O_CREAT | os.O_RDWR))\nfor fd in held: os.close(fd)",
        "workspace_bytes": "open('big', 'wb', buffering=0).write(bytes(100_001))",
        "workspace_files": "for n in range(30): open(str(n), 'w').close()",
        "message_max_bytes": "_host.call(bytes(70_000))",
        "output.max_display_bytes": "door(op='display', data={'text/plain': 'x' * 11_000})",
        "display_max_bytes": "for _ in range(3): door(op='display', data={'text/plain': 'x' * 9_000})",
        "stdout_max_bytes": "print('x' * 2_000)",
    }
    refused = {}
    for key, code in cells.items():
        kernel.run(code)
        event = log.event("security.limit_reached", code=sha256(code))
        assert event["key"] == key and event["times"] >= 1
        refused[key] = event["times"]
    calls = {"path_symlink": "os.symlink('a', 'b')", "path_link": "os.link('0', 'b')",
             "path": "open('../../etc/passwd')"}
    for call, code in calls.items():
        code = f"with contextlib.suppress(OSError): {code}"
        kernel.run_ok(code)
        event = log.event("security.call_refused", code=sha256(code))
        assert event["call"] == call
        refused[call] = event["times"]
    code = "_host.call(b'no frame at all'); door(op='zq-' + 'no such op'); door()"
    kernel.run_ok(code)
    refused["frame"] = sum(event["times"] for event in log.events("security.frame_refused", code=sha256(code)))
    assert refused["frame"] == 3
    assert kernel.ask("usage_request", channel="control")["cellblock"]["refused"] == refused
    assert "zq" not in log.text


def test_what_the_firewall_removes_is_logged_and_counted(logged, log: Log) -> None:
    kernel = logged()
    code = "from IPython.display import HTML\nHTML('<b onclick=\"zq()\">x</b><script>zq()</script>')"
    removed = kernel.run_ok(code).usage["outputs_removed"]
    assert removed
    events = log.events("security.output_removed", code=sha256(code))
    assert {event["kind"]: event["times"] for event in events} == removed
    assert metrics(kernel)["removed"] == removed
    assert "zq" not in log.text


def test_limits_of_fuel_time_and_memory_are_logged(logged, log: Log) -> None:
    kernel = logged({"fuel_budget": 1_000_000_000, "timeout_seconds": 1.5, "memory_bytes": 100_000_000})
    cells = {"fuel_budget": "while True: pass", "timeout_seconds": "import time; time.sleep(60)", "memory_bytes": "bytearray(200_000_000)"}
    for key, code in cells.items():
        assert kernel.run(code).status == "error"
        assert log.event("security.limit_reached", code=sha256(code))["key"] == key
    stopped = kernel.ask("usage_request", channel="control")["cellblock"]["stopped"]
    assert stopped == {"out_of_fuel": 1, "timeout": 1, "memory_limit": 1}


@pytest.mark.parametrize("form", ["text", "json"])
def test_text_of_the_guest_cannot_forge_lines_or_steer_a_terminal(start: Start, tmp_path: Path, form: str) -> None:
    path = tmp_path / "log"
    kernel = start(arguments=("--log", "cellblock=debug", "--log-format", form, "--log-file", str(path)))
    kernel.run_ok(DOOR + f"hostile = {HOSTILE!r}")
    kernel.run_ok("door(op='log', message='guest says' + hostile); door(op='log', message='many ' + 'm' * 10_000)")
    kernel.run("raise type('E' + hostile, (Exception,), {})")
    kernel.run("door(op='session', command='save', name='n' + hostile)")
    kernel.run("door(op='session', command='c' + hostile)")
    settle(kernel)
    text = path.read_bytes().decode()
    assert "guest says" in text and "forged" in text, "the guest's text is in the log"
    assert "m" * 2_000 not in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", text)
    for line in text.removesuffix("\n").split("\n"):
        assert re.match(r'20\d\d-\S+ +(INFO|DEBUG|WARN) |\{"timestamp":"20', line), f"a forged line: {line!r}"
        if form == "json":
            json.loads(line)


def test_the_documentation_has_the_events_of_the_feature_list() -> None:
    names = {"execution.start", "execution.complete", "session.created", "session.resumed", "session.committed", "session.rolled_back",
             "session.forked", "session.deleted", "session.file.written", "session.prune.completed"}
    assert names <= set(documented())


# --- the form ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "flag", "form"), [("json", None, "json"), ("json", "text", "text"), ("text", "json", "json"),
                                                      (None, None, "text")])
def test_the_flag_goes_before_the_policy(start: Start, tmp_path: Path, policy: str | None, flag: str | None, form: str) -> None:
    path = tmp_path / "log"
    file = write_policy(tmp_path / "policy.toml", {"log.format": policy} if policy else {})
    flags = ("--log-format", flag) if flag else ()
    kernel = start(arguments=("--log", "info", "--log-file", str(path), "--policy", str(file), *flags))
    kernel.run_ok("1")
    (line,) = [line for line in path.read_text().splitlines() if "execution.complete" in line]
    assert line.startswith("{") == (form == "json")


# --- metrics -------------------------------------------------------------------------------------


def metrics(kernel: Frontend) -> dict[str, Any]:
    return kernel.ask("usage_request", channel="control")["cellblock"]


def test_usage_request_counts_what_was_run(start: Start) -> None:
    kernel = start()
    empty = metrics(kernel)
    assert empty["cells"] == {"started": 0, "running": 0, "ok": 0, "failed": 0} and empty["fuel"]["p50"] == 0
    usages = [kernel.run(code).usage for code in ("x = 1", "1/0", "2/0", "undefined", "import os; os._exit(1)", "x")]
    usages.append(kernel.run_ok("silent = 1", silent=True).usage)
    settle(kernel)
    told = metrics(kernel)
    assert told["cells"] == {"started": 7, "running": 0, "ok": 3, "failed": 4}
    assert told["errors"] == {"ZeroDivisionError": 2, "NameError": 1, "GuestExited": 1}
    assert told["stopped"] == {"exited": 1}
    # The rolled back one commits nothing.
    assert (told["session"]["commits"], told["session"]["rollbacks"]) == (6, 1)
    fuel = sorted(usage["fuel_consumed"] for usage in usages)
    assert told["fuel"]["total"] == sum(fuel) and told["fuel"]["max"] == fuel[-1]
    assert fuel[3] <= told["fuel"]["p50"] <= fuel[3] * 33 / 32 and told["fuel"]["p99"] == fuel[-1]
    durations = sorted(usage["duration_ms"] for usage in usages)
    assert durations[3] <= told["duration_ms"]["p50"] <= (durations[3] + 1) * 33 / 32
    assert durations[-1] <= told["duration_ms"]["max"] < durations[-1] + 1
    now, peak = told["memory_bytes"]["now"], told["memory_bytes"]["peak"]
    assert peak >= now == usages[-1]["memory_used_bytes"]
    kernel.run_ok("%session undo")
    assert metrics(kernel)["session"]["undos"] == 1


def test_memory_has_a_peak(start: Start) -> None:
    kernel = start()
    kernel.run_ok("big = bytearray(300_000_000)")
    settle(kernel)
    kernel.run_ok("%session undo")
    settle(kernel)
    memory = metrics(kernel)["memory_bytes"]
    assert memory["peak"] > 300_000_000 > memory["now"] > 10_000_000


def test_usage_request_is_answered_while_a_cell_runs(start: Start) -> None:
    kernel = start()
    kernel.run_ok("x = 1")
    cell = kernel.execute("print('begun')\nwhile True: pass")
    cell.wait_for_stdout("begun")
    assert metrics(kernel)["cells"] == {"started": 2, "running": 1, "ok": 1, "failed": 0}
    kernel.interrupt()
    assert cell.finish().error["ename"] == "KeyboardInterrupt"
    told = metrics(kernel)
    assert told["cells"]["running"] == 0 and told["errors"] == {"KeyboardInterrupt": 1} and told["stopped"] == {"interrupted": 1}


WAIT = "import os, time\nprint('begun')\nwhile not os.path.exists('go'): {}\nprint('ended')\n'done'"


@pytest.mark.parametrize("body", ["time.sleep(0.005)", "sum(range(1_000))"], ids=["waiting", "computing"])
def test_sigusr1_logs_a_snapshot_and_interrupts_nothing(logged, log: Log, tmp_path: Path, body: str) -> None:
    """At any level of the log: the user asked for it."""
    workspace = tmp_path / "workspace"
    kernel = logged({"workspace": str(workspace)}, level="error")
    kernel.run("1/0")
    cell = kernel.execute(WAIT.format(body))
    cell.wait_for_stdout("begun")
    for count in (1, 2):
        kernel.process.send_signal(signal.SIGUSR1)
        snapshots = log.wait_for("cellblock.metrics", count)
        assert snapshots[-1]["metrics"]["cells"] == {"started": 2, "running": 1, "ok": 0, "failed": 1}
    assert snapshots[-1]["metrics"]["errors"] == {"ZeroDivisionError": 1}
    (workspace / "go").touch()
    outcome = cell.finish()
    assert outcome.result == {"text/plain": "'done'"} and outcome.stdout.endswith("ended\n")
    assert len(log.lines()) == 2, "nothing but the snapshots is logged"


def test_sigusr1_is_heeded_before_the_kernel_is_there(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(connection()))
    process = subprocess.Popen([*kernel_command(file), *log.arguments()], stderr=subprocess.DEVNULL)
    try:
        while not heeds(process.pid, signal.SIGUSR1):
            assert process.poll() is None
        process.send_signal(signal.SIGUSR1)
        log.wait_for("cellblock.metrics")
        with raw_client(wait_for_ports(file, process)) as client:
            client.kernel_info()
        process.send_signal(signal.SIGUSR1)
        log.wait_for("cellblock.metrics", 2)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def heeds(pid: int, number: int) -> bool:
    """Whether a process catches a signal."""
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(caught and int(caught[1], 16) >> (number - 1) & 1)


def test_sigusr1_to_a_run_of_a_notebook_logs_a_snapshot(tmp_path: Path) -> None:
    workspace, log, notebook = tmp_path / "workspace", Log(tmp_path / "log"), tmp_path / "notebook.ipynb"
    cells = [{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": [],
              "source": WAIT.format("time.sleep(0.005)").replace("print('begun')", "open('begun', 'w').close()")}]
    notebook.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    policy = write_policy(tmp_path / "policy.toml", {"workspace": str(workspace), "log.format": "json"})
    process = subprocess.Popen([BINARY, "--log-file", str(log.path), "run", str(notebook), "--policy", str(policy)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + DEADLINE
        while not (workspace / "begun").exists():
            assert process.poll() is None and time.monotonic() < deadline
            select_briefly()
        process.send_signal(signal.SIGUSR1)
        (snapshot,) = log.wait_for("cellblock.metrics")
        assert snapshot["metrics"]["cells"]["running"] == 1
        (workspace / "go").touch()
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        process.wait()
    (cell,) = json.loads(notebook.read_text())["cells"]
    assert "'done'" in json.dumps(cell["outputs"])
