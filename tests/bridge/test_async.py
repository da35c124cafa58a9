"""asyncio in cells."""

from __future__ import annotations

import time

from guests import Guest


def test_top_level_await(guest: Guest) -> None:
    assert guest.value("import asyncio\nawait asyncio.sleep(0.01, 'slept')") == "'slept'"


def test_gather_runs_side_by_side(guest: Guest) -> None:
    start = time.monotonic()
    guest.ok("await asyncio.gather(*(asyncio.sleep(0.3) for _ in range(20)));")
    assert time.monotonic() - start < 2


def test_timeouts(guest: Guest) -> None:
    guest.fails("await asyncio.wait_for(asyncio.sleep(9), 0.01)", "TimeoutError")
    guest.fails("async with asyncio.timeout(0.01):\n    await asyncio.sleep(9)", "TimeoutError")


def test_asyncio_run_and_new_loops(guest: Guest) -> None:
    guest.ok("async def three(): return 3")
    assert guest.value("asyncio.run(three())") == "3"
    assert guest.value("asyncio.new_event_loop().run_until_complete(three())") == "3"
    assert guest.value("asyncio.get_event_loop().run_until_complete(three())") == "3"
    assert guest.value("with asyncio.Runner() as r:\n    x = r.run(three())\nx") == "3"


def test_a_task_made_by_a_plain_cell_goes_on_in_later_cells(guest: Guest) -> None:
    guest.ok(
        "async def tick():\n"
        "    for i in range(3):\n"
        "        await asyncio.sleep(0.01)\n"
        "        print('tick', i)\n\n"
        "background = asyncio.create_task(tick())"
    )
    assert guest.out == ""
    guest.ok("await asyncio.sleep(0.2)")
    assert guest.out == "tick 0\ntick 1\ntick 2\n"


def test_to_thread_runs_in_place(guest: Guest) -> None:
    assert guest.value("await asyncio.to_thread(sum, [1, 2])") == "3"


def test_errors_in_awaited_code_show_the_cell(guest: Guest) -> None:
    guest.ok("async def fail(): 1/0")
    reply = guest.fails("await fail()", "ZeroDivisionError")
    assert "base_events" not in "".join(reply["traceback"])


def test_async_for_with_and_generators(guest: Guest) -> None:
    assert (
        guest.value(
            "async def numbers():\n"
            "    for i in range(3):\n"
            "        await asyncio.sleep(0)\n"
            "        yield i\n\n"
            "[i async for i in numbers()]"
        )
        == "[0, 1, 2]"
    )


def test_the_host_lets_the_loop_go_on_and_is_told_when_there_is_more(guest: Guest) -> None:
    reply = guest.ok(
        "async def later():\n"
        "    await asyncio.sleep(0.05)\n"
        "    print('later')\n"
        "    await asyncio.sleep(60)\n\n"
        "going_on = asyncio.create_task(later())",
        msg_id="the cell",
    )
    assert 0 < reply["background"]["after"] <= 0.05
    time.sleep(reply["background"]["after"])
    reply = guest.turn("loop", seconds=0.02)
    assert guest.out == "later\n"
    assert 50 < reply["background"]["after"] <= 60
    assert [event["msg_id"] for event in guest.events("parent")] == ["the cell", ""]
    assert "background" not in guest.ok("going_on.cancel()")


def test_a_loop_that_is_never_idle_gives_way(guest: Guest) -> None:
    guest.ok(
        "async def spin():\n    while True:\n        await asyncio.sleep(0)\n\nspinning = asyncio.create_task(spin())"
    )
    start = time.monotonic()
    assert guest.turn("loop", seconds=0.02)["background"] == {"after": 0.0}
    assert time.monotonic() - start < 2
    guest.ok("spinning.cancel()")


def test_what_a_task_shows_belongs_to_the_cell_that_started_it(guest: Guest) -> None:
    guest.ok("async def tell():\n    print('told')\n\ntask = asyncio.ensure_future(tell())", msg_id="one")
    guest.ok("print('mine'); await asyncio.sleep(0.01); print('mine again')", msg_id="two")
    assert guest.events("parent") == []  # it had run when the first cell ended
    guest.ok("asyncio.get_event_loop().call_later(0.01, lambda: print('called'));", msg_id="three")
    guest.ok("await asyncio.sleep(0.05)", msg_id="four")
    assert [event["msg_id"] for event in guest.events("parent")] == ["three", "four"]


def test_a_message_that_the_host_offers_is_served_where_a_cell_waits(guest: Guest) -> None:
    guest.ok(
        "import comm\nopened = comm.create_comm(target_name='t')\nheard = asyncio.get_event_loop().create_future()\n"
        "opened.on_msg(lambda message: heard.set_result(message['content']['data']['n']))"
    )
    comm_id = guest.value("opened.comm_id").strip("'")
    offered = {"msg_type": "comm_msg", "content": {"comm_id": comm_id, "data": {"n": 5}}, "metadata": {}, "msg_id": "m"}
    guest.host.answers["wait"] = lambda _: offered
    try:
        assert guest.value("await heard") == "5"
        assert "m" in [event["msg_id"] for event in guest.events("parent")]
    finally:
        del guest.host.answers["wait"]
