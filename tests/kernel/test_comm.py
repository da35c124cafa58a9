"""Comms both ways, with buffers."""

from __future__ import annotations

import pytest

from frontend import SANDBOXED, Frontend

TARGET = """
import comm
received = []
def opened(channel, message):
    received.append(("open", message["content"]["data"], [bytes(b) for b in message["buffers"]]))
    @channel.on_msg
    def got(message):
        received.append(("msg", message["content"]["data"], [bytes(b) for b in message["buffers"]]))
        channel.send({"echo": message["content"]["data"]}, buffers=[bytes(b)[::-1] for b in message["buffers"]])
    @channel.on_close
    def closed(message):
        received.append(("close", message["content"]["data"], []))
comm.get_comm_manager().register_target("echo", opened)
"""


def test_a_frontend_comm_is_opened_spoken_to_and_closed(kernel: Frontend) -> None:
    kernel.run_ok(TARGET)
    opening = kernel.request("comm_open", {"comm_id": "c-1", "target_name": "echo", "data": {"hello": 1}},
                             buffers=[b"\x00\x01", b""])
    opening.receive_busy()
    opening.receive_idle()
    assert kernel.ask_comms() == {"c-1": {"target_name": "echo"}}

    message = kernel.request("comm_msg", {"comm_id": "c-1", "data": {"n": 7}}, buffers=[b"abc", bytes(range(256))])
    message.receive_busy()
    answer = message.next_message()
    assert answer["msg_type"] == "comm_msg"
    assert answer["content"]["comm_id"] == "c-1"
    assert answer["content"]["data"] == {"echo": {"n": 7}}
    assert [bytes(b) for b in answer["buffers"]] == [b"cba", bytes(range(256))[::-1]]
    message.receive_idle()

    closing = kernel.request("comm_close", {"comm_id": "c-1", "data": {"bye": True}})
    closing.receive_busy()
    closing.receive_idle()
    assert kernel.ask_comms() == {}
    assert kernel.value("[(kind, data) for kind, data, _ in received]") == \
        "[('open', {'hello': 1}), ('msg', {'n': 7}), ('close', {'bye': True})]"
    assert kernel.value("received[0][2]") == "[b'\\x00\\x01', b'']"


def test_a_kernel_comm_is_opened_spoken_to_and_closed(start) -> None:
    kernel = start(policy={"output": {"comm_targets": ["plot"]}} if SANDBOXED else None)
    cell = kernel.execute(
        "import comm\n"
        "mine = comm.create_comm(target_name='plot', data={'a': 1}, metadata={'version': 2}, buffers=[b'xyz'])\n"
        "mine.send({'b': 2}, buffers=[b'\\xff' * 10])\n"
        "mine.on_msg(lambda m: print('from the page', m['content']['data'], bytes(m['buffers'][0])))")
    cell.receive_busy()
    cell.receive_execute_input()
    opened = cell.next_message()
    assert opened["msg_type"] == "comm_open"
    assert opened["content"]["target_name"] == "plot"
    assert opened["content"]["data"] == {"a": 1}
    assert opened["metadata"]["version"] == 2
    assert [bytes(b) for b in opened["buffers"]] == [b"xyz"]
    sent = cell.next_message()
    assert sent["msg_type"] == "comm_msg" and sent["content"]["data"] == {"b": 2}
    assert [bytes(b) for b in sent["buffers"]] == [b"\xff" * 10]
    cell.receive_idle()
    cell.receive_reply()

    comm_id = opened["content"]["comm_id"]
    message = kernel.request("comm_msg", {"comm_id": comm_id, "data": {"clicked": True}}, buffers=[b"B"])
    message.receive_busy()
    message.receive_stdout("from the page {'clicked': True} b'B'\n")
    message.receive_idle()

    ended = kernel.run_ok("mine.close({'done': 1})")
    assert ended.of("comm_close")[0]["comm_id"] == comm_id
    assert ended.of("comm_close")[0]["data"] == {"done": 1}


def test_an_unknown_target_is_closed_again(kernel: Frontend) -> None:
    outcome_messages = []
    request = kernel.request("comm_open", {"comm_id": "c-unknown", "target_name": "nobody", "data": {}})
    while True:
        msg = request.next_message()
        outcome_messages.append(msg["msg_type"])
        if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
            break
    assert "comm_close" in outcome_messages
    assert "c-unknown" not in kernel.ask_comms()


def test_comm_info_filters_by_target(kernel: Frontend) -> None:
    kernel.run_ok("import comm\none = comm.create_comm(target_name='t-one')\ntwo = comm.create_comm(target_name='t-two')")
    assert [c["target_name"] for c in kernel.ask_comms("t-one").values()] == ["t-one"]
    assert {c["target_name"] for c in kernel.ask_comms().values()} >= {"t-one", "t-two"}
    assert kernel.ask_comms("t-none") == {}
    kernel.run_ok("one.close(); two.close()")


def test_messages_to_comms_that_do_not_exist_are_tolerated(kernel: Frontend) -> None:
    for msg_type in ("comm_msg", "comm_close"):
        request = kernel.request(msg_type, {"comm_id": "never-opened", "data": {}})
        while not (msg := request.next_message())["content"].get("execution_state") == "idle":
            assert msg["msg_type"] in ("status", "stream")
    assert kernel.value("1 + 1") == "2"


def test_a_handler_that_raises_kills_nothing(kernel: Frontend) -> None:
    kernel.run_ok("import comm\nbad = comm.create_comm(target_name='bad')\n"
                  "def fail(message): raise ValueError('in the handler')\nbad.on_msg(fail)")
    comm_id = kernel.value("bad.comm_id").strip("'")
    request = kernel.request("comm_msg", {"comm_id": comm_id, "data": {}})
    while request.next_message()["content"].get("execution_state") != "idle":
        pass
    assert kernel.value("1 + 1") == "2"


def test_a_large_buffer_goes_both_ways(kernel: Frontend) -> None:
    kernel.run_ok(TARGET)
    kernel.request("comm_open", {"comm_id": "c-big", "target_name": "echo", "data": {}})
    big = bytes(range(256)) * 40_000
    message = kernel.request("comm_msg", {"comm_id": "c-big", "data": {}}, buffers=[big])
    message.receive_busy()
    assert bytes(message.next_message()["buffers"][0]) == big[::-1]
    message.receive_idle()
    kernel.request("comm_close", {"comm_id": "c-big", "data": {}})


SLIDER = """
import asyncio, ipywidgets
def wait_for_change(widget, name):
    future = asyncio.get_event_loop().create_future()
    def changed(change):
        print('changed to', change.new)
        future.set_result(change.new)
        widget.unobserve(changed, name)
    widget.observe(changed, name)
    return future
slider = ipywidgets.IntSlider()
"""


def move(kernel: Frontend, value: int):
    """Moves the slider, as a page does."""
    comm_id = kernel.value("slider.model_id").strip("'")
    return kernel.request("comm_msg", {"comm_id": comm_id, "data": {"method": "update", "state": {"value": value}, "buffer_paths": []}})


def until_idle(request) -> list[dict]:
    messages = []
    while not messages or messages[-1]["content"].get("execution_state") != "idle":
        messages.append(request.next_message())
    return messages


@pytest.mark.sandbox  # ipykernel serves one request after another
def test_a_message_reaches_a_cell_that_awaits_and_shows_as_its_own(kernel: Frontend) -> None:
    kernel.run_ok(SLIDER)
    comm_id = kernel.value("slider.model_id").strip("'")
    cell = kernel.execute("print('waiting', flush=True)\nvalue = await wait_for_change(slider, 'value')\nprint('got', value)\nvalue")
    after = kernel.execute("'after'")
    cell.wait_for_stdout("waiting")
    data = {"method": "update", "state": {"value": 42}, "buffer_paths": []}
    moved = kernel.request("comm_msg", {"comm_id": comm_id, "data": data})
    outcome = cell.finish()
    assert outcome.stdout == "got 42\n" and outcome.result == {"text/plain": "42"}
    shown = until_idle(moved)
    assert [m["content"].get("execution_state") for m in shown if m["msg_type"] == "status"] == ["busy", "idle"]
    assert "".join(m["content"]["text"] for m in shown if m["msg_type"] == "stream") == "changed to 42\n"
    assert after.finish().result == {"text/plain": "'after'"}
    assert kernel.value("slider.value") == "42"


@pytest.mark.sandbox
def test_messages_of_a_cell_that_does_not_wait_are_served_after_it_in_order(kernel: Frontend) -> None:
    kernel.run_ok(SLIDER + "seen = []\nslider.observe(lambda change: seen.append(change.new), 'value')")
    comm_id = kernel.value("slider.model_id").strip("'")
    cell = kernel.execute("print('go', flush=True)\nimport time; time.sleep(0.3); list(seen)")
    cell.wait_for_stdout("go")
    moves = [kernel.request("comm_msg", {"comm_id": comm_id, "data": {"method": "update", "state": {"value": value}, "buffer_paths": []}})
             for value in (5, 6, 7)]
    assert cell.finish().result == {"text/plain": "[]"}
    for moved in moves:
        until_idle(moved)
    assert kernel.value("seen") == "[5, 6, 7]"


def test_a_message_resolves_what_a_task_waits_for_between_cells(kernel: Frontend) -> None:
    kernel.run_ok(SLIDER)
    cell = kernel.execute("async def follow():\n    for _ in range(2):\n        print('moved to', await wait_for_change(slider, 'value'))\n"
                          "following = asyncio.ensure_future(follow())")
    cell.finish()
    for value in (3, 9):
        until_idle(move(kernel, value))
        text = ""
        while not text.endswith("\n"):
            message = cell.next_message()
            assert message["msg_type"] == "stream"
            text += message["content"]["text"]
        assert text == f"moved to {value}\n"


@pytest.mark.sandbox
def test_nothing_follows_of_a_comm_that_was_refused(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import comm\nunknown = comm.create_comm(target_name='nobody-knows')\nunknown.send({'a': 1})\nunknown.close()")
    assert not [m for m in outcome.messages if m["msg_type"].startswith("comm_")]
    assert outcome.stderr.count("comm") >= 1
    later = kernel.run_ok("unknown = comm.create_comm(target_name='nobody-knows')")
    later = kernel.run_ok("unknown.send({'b': 2}); unknown.close()")
    assert not [m for m in later.messages if m["msg_type"].startswith("comm_")]


@pytest.mark.sandbox
def test_a_cell_that_awaits_takes_any_number_of_large_messages(kernel: Frontend) -> None:
    kernel.run_ok("import asyncio, comm\nqueue = asyncio.Queue()\nmany = comm.create_comm(target_name='many')\n"
                  "many.on_msg(lambda message: queue.put_nowait(len(message['buffers'][0])))")
    comm_id = kernel.value("many.comm_id").strip("'")
    cell = kernel.execute("sum([await queue.get() for _ in range(40)])")
    for _ in range(40):
        kernel.request("comm_msg", {"comm_id": comm_id, "data": {}}, buffers=[bytes(3_000_000)])
    assert cell.finish().result == {"text/plain": "120000000"}
