"""Starting, ending, and leaving nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import zmq

from frontend import DEADLINE, SANDBOXED, raw_client
from launch import connection, gone, kernel_command, wait_for_ports


@pytest.mark.parametrize("channel", ["control", "shell"])
@pytest.mark.parametrize("restart", [False, True])
def test_shutdown_is_replied_before_the_exit_and_echoes_restart(start, channel: str, restart: bool) -> None:
    kernel = start()
    request = kernel.request("shutdown_request", {"restart": restart}, channel=channel)
    content = request.receive_reply()["content"]
    assert content["restart"] is restart
    kernel.wait_exit()
    assert kernel.manager.provisioner.process.returncode == 0


@pytest.mark.sandbox  # ipykernel takes a shutdown_request on shell after the cell only, on control it drops the cell
def test_shutdown_ends_a_kernel_whose_cell_computes(start) -> None:
    kernel = start()
    kernel.execute("print('go', flush=True)\nwhile True: pass").wait_for_stdout("go")
    began = time.monotonic()
    kernel.request("shutdown_request", {"restart": False}, channel="control").receive_reply()
    kernel.wait_exit()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("code", ["pass", "print('go', flush=True)\nwhile True: pass"])
def test_sigterm_ends_it_within_a_second(start, code: str) -> None:
    kernel = start()
    cell = kernel.execute(code)
    if "go" in code:
        cell.wait_for_stdout("go")
    else:
        cell.finish()
    os.kill(kernel.pid, signal.SIGTERM)
    assert kernel.wait_exit() < (1 if SANDBOXED else 5)


def test_sigint_interrupts_the_cell_and_not_the_kernel(start) -> None:
    kernel = start()
    kernel.run_ok("kept = 5")
    cell = kernel.execute("print('go', flush=True)\nwhile True: pass")
    cell.wait_for_stdout("go")
    os.kill(kernel.pid, signal.SIGINT)
    assert cell.finish().error["ename"] == "KeyboardInterrupt"
    assert kernel.value("kept") == "5"


def test_sigint_while_idle_changes_nothing(start) -> None:
    kernel = start()
    kernel.run_ok("kept = 5")
    os.kill(kernel.pid, signal.SIGINT)
    assert kernel.ask("kernel_info_request", channel="control")["status"] == "ok"
    assert kernel.value("kept") == "5"


def test_interrupt_while_idle_leaves_the_next_cell_alone(start) -> None:
    kernel = start()
    assert kernel.ask("interrupt_request", channel="control")["status"] == "ok"
    assert kernel.value("2 + 2") == "4"


def test_a_restart_forgets_the_variables(start) -> None:
    kernel = start()
    kernel.run_ok("gone = 1")
    kernel.restart()
    assert kernel.run("gone").error["ename"] == "NameError"
    assert kernel.run("1").content["execution_count"] == 2


def test_ipc_transport_works(start) -> None:
    kernel = start(transport="ipc")
    assert kernel.run_ok("print('over ipc')\n1 + 1").stdout == "over ipc\n"
    kernel.request("shutdown_request", {"restart": False}, channel="control").receive_reply()
    kernel.wait_exit()


def test_port_zero_is_chosen_and_written_back(tmp_path: Path) -> None:
    path = tmp_path / "kernel.json"
    path.write_text(json.dumps(connection(key="abc")))
    process = subprocess.Popen(kernel_command(path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        info = wait_for_ports(path, process)
        assert info["key"] == "abc"
        assert len({info[f"{c}_port"] for c in ("shell", "iopub", "stdin", "control", "hb")}) == 5
        with raw_client(info) as client:
            assert client.kernel_info()["content"]["status"] == "ok"
    finally:
        process.kill()
        process.wait()


def test_an_empty_key_turns_signing_off(tmp_path: Path) -> None:
    path = tmp_path / "kernel.json"
    path.write_text(json.dumps(connection(key="")))
    process = subprocess.Popen(kernel_command(path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        info = wait_for_ports(path, process)
        context = zmq.Context()
        socket = context.socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(f"tcp://127.0.0.1:{info['shell_port']}")
        header = json.dumps({"msg_id": "1", "session": "s", "username": "u", "date": "2026-01-01T00:00:00Z",
                             "msg_type": "kernel_info_request", "version": "5.5"}).encode()
        socket.send_multipart([b"<IDS|MSG>", b"", header, b"{}", b"{}", b"{}"])
        assert socket.poll(DEADLINE * 1000)
        assert json.loads(socket.recv_multipart()[2])["msg_type"] == "kernel_info_reply"
        socket.close()
        context.term()
    finally:
        process.kill()
        process.wait()


PARENT = """
import json, os, subprocess, sys
child = subprocess.Popen(json.loads(sys.argv[1]), env={**os.environ, "JPY_PARENT_PID": str(os.getpid())},
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_it_ends_when_its_parent_dies(tmp_path: Path) -> None:
    path = tmp_path / "kernel.json"
    path.write_text(json.dumps(connection()))
    parent = subprocess.Popen([sys.executable, "-c", PARENT, json.dumps(kernel_command(path))],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    kernel = psutil.Process(int(parent.stdout.readline()))
    try:
        wait_for_ports(path, parent)
        began = time.monotonic()
        parent.kill()
        parent.wait()
        assert gone(kernel, 10 if not SANDBOXED else 3), "the kernel outlived its parent"
        assert time.monotonic() - began < (10 if not SANDBOXED else 2)
    finally:
        if kernel.is_running():
            kernel.kill()


def test_no_process_is_left_behind(start) -> None:
    kernel = start()
    kernel.run_ok("import asyncio; await asyncio.sleep(0)")
    family = [kernel.process, *kernel.process.children(recursive=True)]
    if SANDBOXED:
        assert len(family) == 1, family
    kernel.request("shutdown_request", {"restart": False}, channel="control").receive_reply()
    kernel.wait_exit()
    for process in family:
        assert gone(process, DEADLINE), process


@pytest.mark.sandbox  # ipykernel logs more freely
def test_stderr_is_tidy(start) -> None:
    kernel = start()
    kernel.run_ok("print('x')\nimport sys\nprint('y', file=sys.stderr)")
    kernel.run("1/0")
    kernel.run("raise KeyboardInterrupt")
    kernel.ask("complete_request", {"code": "pri", "cursor_pos": 99})
    kernel.request("shutdown_request", {"restart": False}, channel="control").receive_reply()
    kernel.wait_exit()
    assert kernel.stderr_path.read_text() == ""


def test_a_kernel_that_is_started_many_times_always_answers(start) -> None:
    for _ in range(5):
        kernel = start()
        assert kernel.value("1 + 1") == "2"
        kernel.close()


def test_two_kernels_do_not_share_variables(start) -> None:
    one, two = start(), start()
    one.run_ok("whose = 'one'")
    two.run_ok("whose = 'two'")
    assert one.value("whose") == "'one'"
    assert two.value("whose") == "'two'"
