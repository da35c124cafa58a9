"""kernel_info, status messages, parent headers, what is unknown, usage."""

from __future__ import annotations

import json
import time

import pytest

from frontend import SANDBOXED, Frontend, raw_client


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_kernel_info_is_answered_with_busy_and_idle(kernel: Frontend, channel: str) -> None:
    request = kernel.request("kernel_info_request", channel=channel)
    request.receive_busy()
    request.receive_idle()
    content = request.receive_reply()["content"]
    assert content["language_info"]["name"] == "python"
    assert content["language_info"]["file_extension"] == ".py"
    assert content["language_info"]["mimetype"] == "text/x-python"
    assert content["language_info"]["codemirror_mode"]["name"] == "ipython"
    assert content["language_info"]["nbconvert_exporter"] == "python"
    assert content["language_info"]["version"].count(".") == 2
    assert content["implementation"] and content["implementation_version"] and content["banner"]
    assert isinstance(content["help_links"], list)


@pytest.mark.sandbox  # ipykernel says 5.3 here, 5.5 there and jupyter_client's own version in its headers
def test_protocol_version_is_the_same_everywhere(kernel: Frontend) -> None:
    outcome = kernel.request("kernel_info_request").finish()
    assert outcome.content["protocol_version"] == "5.5"
    assert kernel.manager.kernel_spec.to_dict().get("kernel_protocol_version") == "5.5"
    versions = {outcome.reply["header"]["version"], *(m["header"]["version"] for m in outcome.messages)}
    assert versions == {"5.5"}


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_only_features_that_work_are_announced(kernel: Frontend, channel: str) -> None:
    features = kernel.ask("kernel_info_request", channel=channel).get("supported_features", [])
    known = {"kernel subshells"} if not SANDBOXED else set()
    assert set(features) <= known | ({"debugger"} if not SANDBOXED else set())


@pytest.mark.parametrize("msg_type", ["kernel_info_request", "interrupt_request", "usage_request"])
def test_control_answers_at_once_while_a_cell_computes(kernel: Frontend, msg_type: str) -> None:
    cell = kernel.execute("print('go', flush=True)\nwhile True: pass")
    cell.wait_for_stdout("go")
    began = time.monotonic()
    reply = kernel.request(msg_type, channel="control").reply()
    took = time.monotonic() - began
    assert reply["msg_type"] == msg_type.replace("_request", "_reply")
    assert took < 2, f"{took:.3f} s"
    if msg_type != "interrupt_request":
        kernel.interrupt()
    outcome = cell.finish()
    assert outcome.error and outcome.error["ename"] == "KeyboardInterrupt"


def test_heartbeat_answers_while_a_cell_computes(kernel: Frontend) -> None:
    import zmq

    cell = kernel.execute("print('go', flush=True)\nwhile True: pass")
    cell.wait_for_stdout("go")
    info = kernel.client.get_connection_info()
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.linger = 0
    socket.connect(f"tcp://{info['ip']}:{info['hb_port']}")
    try:
        for ping in (b"ping", b"", bytes(range(256))):
            socket.send(ping)
            assert socket.poll(5000), "no heartbeat"
            assert socket.recv() == ping
    finally:
        socket.close()
        context.term()
    kernel.interrupt()
    cell.finish()


def test_the_first_statuses_are_starting_or_of_a_request(start) -> None:
    kernel = start()
    outcome = kernel.request("kernel_info_request").finish()
    states = [m["content"]["execution_state"] for m in outcome.messages if m["msg_type"] == "status"]
    assert states == ["busy", "idle"]
    starting = [m for m in kernel._iopub[""] if m["msg_type"] == "status"]
    assert all(m["content"]["execution_state"] in ("starting", "idle") for m in starting)


REQUESTS = {
    "complete_request": {"code": "pri", "cursor_pos": 3},
    "inspect_request": {"code": "print", "cursor_pos": 5, "detail_level": 0},
    "is_complete_request": {"code": "1"},
    "history_request": {"hist_access_type": "tail", "n": 1, "raw": True, "output": False},
    "comm_info_request": {},
    "kernel_info_request": {},
    "execute_request": {"code": "", "silent": False, "store_history": True, "user_expressions": {},
                        "allow_stdin": False, "stop_on_error": True},
}


@pytest.mark.parametrize("msg_type", REQUESTS)
def test_every_request_goes_busy_then_idle(kernel: Frontend, msg_type: str) -> None:
    request = kernel.request(msg_type, REQUESTS[msg_type])
    request.receive_busy()
    if msg_type == "execute_request":
        request.receive_execute_input()
    request.receive_idle()
    assert request.reply()["msg_type"] == msg_type.replace("_request", "_reply")


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_parent_header_is_echoed_verbatim(kernel: Frontend, channel: str) -> None:
    header = {"x_unknown": {"nested": [1, None, "ü", 1e10]}, "username": "Zoë \u2028", "version": "5.9.1",
              "date": "2026-02-03T04:05:06.789+02:00"}
    with raw_client(kernel.client.get_connection_info(), channel) as client:
        frames = client.frames("kernel_info_request", {}, header=header)
        client.send(frames)
        reply = client.receive()
    sent = json.loads(frames[2])
    if SANDBOXED:
        assert reply["parent_header"] == sent
        assert list(reply["parent_header"]) == list(sent)
    else:  # ipykernel parses the date and writes it anew
        assert {**reply["parent_header"], "date": ""} == {**sent, "date": ""}


def test_unknown_fields_are_tolerated(kernel: Frontend) -> None:
    content = {**REQUESTS["execute_request"], "code": "5 + 5", "x_new_field": {"a": [1]}}
    request = kernel.request("execute_request", content, metadata={"x_meta": 1}, header={"x_header": 2})
    outcome = request.finish()
    assert outcome.result == {"text/plain": "10"}


def test_missing_fields_have_their_defaults(kernel: Frontend) -> None:
    outcome = kernel.request("execute_request", {"code": "6 + 6", "silent": False}).finish()
    assert outcome.result == {"text/plain": "12"}


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_unknown_messages_are_tolerated(kernel: Frontend, channel: str) -> None:
    for msg_type in ("no_such_request", "execute_reply", "status", "", "x" * 5000):
        kernel.request(msg_type, {"a": 1}, channel=channel)
    assert kernel.ask("kernel_info_request", channel=channel)["status"] == "ok"


@pytest.mark.parametrize("content", [{}, {"x": 1}, {"kernel_id": "nope"}])
def test_usage_request_is_answered(kernel: Frontend, content: dict) -> None:
    usage = kernel.ask("usage_request", content, channel="control")
    assert usage["kernel_memory"] > 1_000_000
    assert usage["kernel_cpu"] >= 0
    assert "pid" in usage


def test_usage_request_names_no_more_than_it_should(kernel: Frontend) -> None:
    if not SANDBOXED:
        pytest.skip("ipykernel tells the host's name; the sandboxed kernel may too, on the trusted control channel")
    usage = kernel.ask("usage_request", channel="control")
    assert usage["host_virtual_memory"]["total"] > usage["host_virtual_memory"]["available"] > 0
    assert 0 <= usage["host_cpu_percent"] <= 100
    assert usage["cpu_count"] >= 1
