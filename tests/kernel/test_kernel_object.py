"""What libraries find at `get_ipython().kernel` and around it."""

from __future__ import annotations

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox


def test_messages_are_published_through_the_session_as_in_ipykernel(kernel: Frontend) -> None:
    kernel.run_ok("ip = get_ipython(); kernel = ip.kernel; session = kernel.session")
    outcome = kernel.run_ok(
        "session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'text\\n'}, parent=kernel.get_parent())\n"
        "session.send(kernel.iopub_socket, session.msg('display_data', {'data': {'text/plain': 'shown'}, 'metadata': {}}))\n"
        "kernel.send_response(kernel.iopub_socket, 'display_data', {'data': {'text/plain': 'again'}, 'metadata': {}})\n"
        "session.send(kernel.iopub_socket, 'status', {'execution_state': 'idle'})\n"
        "session.send(kernel.iopub_socket, 'execute_reply', {'status': 'ok'})\n"
        "kernel.iopub_socket.send_multipart([b'x']); kernel.shell_stream.flush()")
    assert outcome.stdout == "text\n"
    assert [d["text/plain"] for d in outcome.displays] == ["shown", "again"]


def test_nothing_is_published_past_the_firewall(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "k = get_ipython().kernel\n"
        "k.session.send(k.iopub_socket, 'display_data', {'data': {'text/html': '<b>x</b><script>y()</script>'}, 'metadata': {}})\n"
        "k.session.send(k.iopub_socket, 'comm_open', {'comm_id': 'c', 'target_name': 'nobody-knows', 'data': {}})")
    assert "script" not in str(outcome.displays)
    assert not outcome.of("comm_open")


def test_the_request_is_known_under_all_names(kernel: Frontend) -> None:
    cell = kernel.execute(
        "ip = get_ipython()\n"
        "ids = {ip.parent_header['header']['msg_id'], ip.get_parent()['header']['msg_id'], ip.kernel.get_parent('shell')['header']['msg_id'],\n"
        "       ip.kernel._parent_header['header']['msg_id'], ip.display_pub.parent_header['msg_id'], ip.displayhook.parent_header['msg_id']}\n"
        "ids")
    assert cell.finish().result == {"text/plain": repr({cell.msg_id})}


def test_ids_differ_from_kernel_to_kernel_and_from_message_to_message(start) -> None:
    ids = set()
    for _ in range(2):
        kernel = start()
        ids.add(kernel.value("get_ipython().kernel.session.session"))
        assert kernel.value("len({get_ipython().kernel.session.msg('x')['header']['msg_id'] for _ in range(9)})") == "9"
    assert len(ids) == 2


def test_connecting_is_said_how_from_outside_and_no_key_is_told(kernel: Frontend) -> None:
    key = kernel.manager.get_connection_info()["key"].decode()
    for magic in ("%connect_info", "%qtconsole"):
        outcome = kernel.run_ok(magic)
        assert "--existing" in outcome.stdout
        assert key not in outcome.everything


def test_what_libraries_import_of_ipykernel_leads_to_this_kernel(kernel: Frontend) -> None:
    kernel.run_ok("import ipykernel, comm\nfrom ipykernel.comm import Comm\nfrom ipykernel.kernelapp import IPKernelApp\n"
                  "from ipykernel.zmqshell import ZMQInteractiveShell")
    assert kernel.value("isinstance(get_ipython(), ZMQInteractiveShell) and IPKernelApp.instance().kernel is get_ipython().kernel") == "True"
    outcome = kernel.run_ok("c = Comm(target_name='jupyter.widget.control', data={})\nc.comm_id in comm.get_comm_manager().comms")
    assert outcome.result == {"text/plain": "True"} and outcome.of("comm_open")
    kernel.run_ok("c.close()")
    assert kernel.run("ipykernel.get_connection_file()").content["ename"] == "RuntimeError"
