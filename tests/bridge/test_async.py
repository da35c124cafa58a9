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
