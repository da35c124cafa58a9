"""Comms and widgets."""

from __future__ import annotations

from guests import Guest


def test_a_widget_lives_on_both_sides(guest: Guest) -> None:
    guest.ok("import ipywidgets as w\ns = w.IntSlider(value=3)\ns")
    opened = guest.events("comm")
    assert {event["msg_type"] for event in opened} == {"comm_open"}
    model = next(
        e for e in opened if e["content"]["data"]["state"]["_model_name"] == "IntSliderModel"
    )
    assert model["content"]["target_name"] == "jupyter.widget"
    comm_id = model["content"]["comm_id"]
    (result,) = guest.events("result")
    view = result["data"]["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == comm_id

    guest.ok("s.value = 5")
    assert guest.events("comm")[-1]["content"]["data"]["state"] == {"value": 5}

    reply = guest.turn(
        "comm",
        msg_type="comm_msg",
        content={"comm_id": comm_id, "data": {"method": "update", "state": {"value": 9}}},
        metadata={},
    )
    assert reply == {}
    assert guest.value("s.value") == "9"
    listed = guest.turn("comm_info", target_name="jupyter.widget")["comms"]
    assert listed[comm_id] == {"target_name": "jupyter.widget"}
    assert guest.turn("comm_info", target_name="other")["comms"] == {}


def test_callbacks_print_and_fail_without_harm(guest: Guest) -> None:
    guest.ok("b = w.Button()\nb.on_click(lambda _: print('clicked'))\nb.on_click(lambda _: 1/0)")
    comm_id = guest.value("b.model_id").strip("'")
    click = {"comm_id": comm_id, "data": {"method": "custom", "content": {"event": "click"}}}
    guest.turn("comm", msg_type="comm_msg", content=click, metadata={})
    assert guest.out == "clicked\n"
    assert [e["ename"] for e in guest.events("error")] == ["ZeroDivisionError"]
    assert guest.value("1") == "1"


def test_a_comm_opened_by_the_front_end_with_buffers_both_ways(guest: Guest) -> None:
    guest.ok(
        "def opened(comm, message):\n"
        "    @comm.on_msg\n"
        "    def _(message):\n"
        "        comm.send({'n': len(message['buffers'])}, buffers=[b + b'!' for b in map(bytes, message['buffers'])])\n"
        "get_ipython().kernel.comm_manager.register_target('echo', opened)"
    )
    guest.turn(
        "comm",
        msg_type="comm_open",
        metadata={},
        content={"comm_id": "c1", "target_name": "echo", "data": {}},
    )
    guest.turn(
        "comm",
        buffers=[b"a", b""],
        msg_type="comm_msg",
        metadata={},
        content={"comm_id": "c1", "data": {}},
    )
    (answer,) = guest.events("comm")
    assert answer["content"]["data"] == {"n": 2} and answer.buffers == [b"a!", b"!"]
    guest.turn("comm", msg_type="comm_close", metadata={}, content={"comm_id": "c1", "data": {}})
    assert "c1" not in guest.turn("comm_info", target_name=None)["comms"]


def test_unknown_targets_comms_and_types_are_tolerated(guest: Guest) -> None:
    guest.turn(
        "comm",
        msg_type="comm_open",
        metadata={},
        content={"comm_id": "c2", "target_name": "nobody", "data": {}},
    )
    assert [e["msg_type"] for e in guest.events("comm")] == ["comm_close"]
    guest.turn("comm", msg_type="comm_msg", metadata={}, content={"comm_id": "none", "data": {}})
    guest.turn("comm", msg_type="comm_dance", metadata={}, content={"comm_id": "none"})
    guest.turn("comm", msg_type="comm_msg", metadata={}, content={})
    assert guest.value("1") == "1"


def test_output_widget_takes_the_request_s_id(guest: Guest) -> None:
    guest.ok("o = w.Output()\nwith o:\n    print('inside')", msg_id="the-request")
    states = [e["content"]["data"].get("state", {}) for e in guest.events("comm")]
    assert {"msg_id": "the-request"} in states and {"msg_id": ""} in states
    assert guest.out == "inside\n"
    guest.ok("with o:\n    1/0", msg_id="m")
    assert len(guest.events("error")) == 1


def test_interact(guest: Guest) -> None:
    guest.ok("w.interact(lambda x: x * 2, x=3);")
    assert any(
        "application/vnd.jupyter.widget-view+json" in e["data"] for e in guest.events("display")
    )


def test_libraries_see_a_notebook(guest: Guest) -> None:
    assert guest.value("type(get_ipython()).__name__") == "'ZMQInteractiveShell'"
    assert guest.value("'IPKernelApp' in get_ipython().config") == "True"
