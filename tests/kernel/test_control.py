"""The control channel: it takes what the shell takes, and is served while a cell runs."""

from __future__ import annotations

from frontend import Frontend


def test_connect_request_is_answered_with_the_ports(kernel: Frontend) -> None:
    info = kernel.manager.get_connection_info()
    for channel in ("shell", "control"):
        reply = kernel.ask("connect_request", channel=channel)
        for name in ("shell", "iopub", "stdin", "control", "hb"):
            assert reply[f"{name}_port"] == info[f"{name}_port"]
        assert reply["status"] == "ok"


def test_connect_request_is_answered_while_a_cell_runs(kernel: Frontend) -> None:
    cell = kernel.execute("print('go', flush=True)\nwhile True: pass")
    cell.wait_for_stdout("go")
    assert kernel.request("connect_request", channel="control").receive_reply()["content"]["shell_port"]
    kernel.interrupt()
    cell.finish()


def test_requests_of_the_shell_get_replies_on_control(kernel: Frontend) -> None:
    content = {"code": "by_control = 41 + 1; by_control", "silent": False, "store_history": True,
               "user_expressions": {"twice": "by_control * 2"}, "allow_stdin": False, "stop_on_error": True}
    request = kernel.request("execute_request", content, channel="control")
    request.receive_busy()
    request.receive_execute_input()
    request.receive_result("42")
    request.receive_idle()
    reply = request.receive_reply()
    assert reply["msg_type"] == "execute_reply"
    assert reply["content"]["user_expressions"]["twice"]["data"]["text/plain"] == "84"
    assert kernel.value("by_control") == "42"

    asked = kernel.ask("complete_request", {"code": "by_con", "cursor_pos": 6}, channel="control")
    assert "by_control" in asked["matches"]
    assert kernel.ask("inspect_request", {"code": "print", "cursor_pos": 5}, channel="control")["found"]
    assert kernel.ask("is_complete_request", {"code": "if x:"}, channel="control")["status"] == "incomplete"
    assert kernel.ask("history_request", {"hist_access_type": "tail", "n": 1}, channel="control")["history"]
    assert kernel.ask("comm_info_request", channel="control")["comms"] == {}


def test_a_cell_that_fails_takes_none_on_control_with_it(kernel: Frontend) -> None:
    failing = kernel.execute("print('go', flush=True)\nimport time; time.sleep(0.3); 1 / 0")
    failing.wait_for_stdout("go")
    shell = kernel.execute("1")
    content = {"code": "2", "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    control = kernel.request("execute_request", content, channel="control")
    assert failing.finish().status == "error"
    assert shell.finish().content["ename"] == "ExecutionAborted"
    assert control.finish().status == "ok"
