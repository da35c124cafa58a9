"""asyncio between cells: tasks and timers run on while no cell does, and what they show belongs to the cell that started them."""

from __future__ import annotations

import time

import pytest

from frontend import SANDBOXED, Frontend, Request

SETUP = "import asyncio, contextvars, logging, time\nfrom IPython.display import display\nloop = asyncio.get_event_loop()"


@pytest.fixture
def ready(kernel: Frontend) -> Frontend:
    kernel.run_ok(SETUP)
    return kernel


def shown_after(request: Request, msg_type: str) -> dict:
    """The next message of a request that has ended already: nothing else comes before it."""
    message = request.next_message()
    assert message["msg_type"] == msg_type, message["content"]
    return message["content"]


def stdout_after(request: Request, text: str) -> None:
    got = ""
    while got != text:
        got += shown_after(request, "stream")["text"]
        assert text.startswith(got), f"expected {text!r}, got {got!r}"


@pytest.mark.parametrize("start_it", [
    "task = asyncio.get_event_loop().create_task(work())",
    "task = asyncio.ensure_future(work())",
    "task = asyncio.create_task(work())",
    "loop.call_later(0.05, lambda: loop.create_task(work()))",
    "loop.call_soon(lambda: loop.create_task(work()))",
])
def test_a_task_runs_on_between_cells_and_shows_in_its_cell(ready: Frontend, start_it: str) -> None:
    cell = ready.execute("async def work():\n    for i in range(3):\n        await asyncio.sleep(0.05)\n        print('step', i)\n"
                         f"{start_it};")
    outcome = cell.finish()
    assert outcome.status == "ok" and "step 2" not in outcome.stdout
    stdout_after(cell, "step 0\nstep 1\nstep 2\n"[len(outcome.stdout):])


def test_displays_errors_and_logging_of_a_task_belong_to_its_cell(ready: Frontend) -> None:
    cell = ready.execute(
        "log = logging.getLogger('of-a-task'); log.handlers[:] = [logging.StreamHandler()]; log.propagate = False\n"
        "async def work():\n"
        "    await asyncio.sleep(0.05)\n"
        "    display({'text/plain': 'shown'}, raw=True)\n"
        "    log.warning('logged')\n"
        "    raise KeyError('nobody asks')\n"
        "asyncio.create_task(work());")
    assert cell.finish().status == "ok"
    other = ready.execute("await asyncio.sleep(0.3); import gc; gc.collect(); print('other')")
    outcome = other.finish()
    assert outcome.stdout == "other\n" and not outcome.displays and not outcome.stderr, outcome.describe()
    assert shown_after(cell, "display_data")["data"] == {"text/plain": "shown"}
    text = ""
    while "nobody asks" not in text or "logged" not in text:
        text += shown_after(cell, "stream")["text"]
    assert "exception was never retrieved" in text


def test_two_cells_tasks_alternate_and_each_shows_in_its_own(ready: Frontend) -> None:
    ready.run_ok("async def tell(name):\n    for i in range(4):\n        print(name, i)\n        await asyncio.sleep(0.02)")
    one, two = ready.execute("a = asyncio.create_task(tell('one'))"), ready.execute("b = asyncio.create_task(tell('two'))")
    third = ready.execute("await asyncio.gather(a, b); print('third')")
    assert third.finish().stdout == "third\n"
    for cell, name in ((one, "one"), (two, "two")):
        text = "".join(f"{name} {i}\n" for i in range(4))
        first = cell.finish().stdout
        stdout_after(cell, text[len(first):])


def test_what_a_task_prints_while_another_cell_computes_in_it_is_that_tasks(ready: Frontend) -> None:
    cell = ready.execute("async def late():\n    await asyncio.sleep(0.1)\n    print('late')\nasyncio.create_task(late());")
    cell.finish()
    assert ready.run_ok("print('before'); await asyncio.sleep(0.3); print('after')").stdout == "before\nafter\n"
    stdout_after(cell, "late\n")


def test_producers_and_consumers_and_async_generators_run_on(ready: Frontend) -> None:
    ready.run_ok(
        "queue, got = asyncio.Queue(2), []\n"
        "async def numbers():\n    for i in range(5):\n        await asyncio.sleep(0.01)\n        yield i\n"
        "async def produce():\n    async for i in numbers():\n        await queue.put(i)\n    await queue.put(None)\n"
        "async def consume():\n    while (item := await queue.get()) is not None:\n        got.append(item)\n    print('all', got)\n"
        "async def both():\n    await asyncio.gather(produce(), consume())")
    cell = ready.execute("asyncio.create_task(both());")
    cell.finish()
    stdout_after(cell, "all [0, 1, 2, 3, 4]\n")


def test_requests_are_served_at_once_while_a_task_is_never_idle(ready: Frontend) -> None:
    ready.run_ok("turns = 0\nasync def spin():\n    global turns\n    while True:\n        turns += 1\n        await asyncio.sleep(0)\n"
                 "spinning = asyncio.create_task(spin())")
    began = time.monotonic()
    for _ in range(10):
        assert ready.value("1 + 1") == "2"
        ready.ask("complete_request", {"code": "asynci", "cursor_pos": 6})
    assert time.monotonic() - began < 20
    first, second = int(ready.value("turns")), int(ready.value("turns"))
    assert second > first > 0
    assert ready.run_ok("spinning.cancel()").status == "ok"


@pytest.mark.sandbox
def test_an_interrupt_ends_a_task_that_computes_between_cells(ready: Frontend) -> None:
    cell = ready.execute("kept = 7\nasync def burn():\n    await asyncio.sleep(0.05)\n    print('burning')\n    while True: pass\n"
                         "burning = asyncio.create_task(burn())")
    cell.finish()
    stdout_after(cell, "burning\n")
    ready.interrupt()
    error = shown_after(cell, "error")
    assert error["ename"] == "KeyboardInterrupt" and any("while" in line for line in error["traceback"])
    outcome = ready.run_ok("(kept, burning.done())")
    assert outcome.result == {"text/plain": "(7, True)"} and outcome.usage["state"] == "kept"


@pytest.mark.sandbox
def test_an_interrupt_ends_a_task_that_is_never_idle(ready: Frontend) -> None:
    cell = ready.execute("async def spin():\n    print('spinning')\n    while True: await asyncio.sleep(0)\n"
                         "spinning = asyncio.create_task(spin())")
    cell.finish()
    ready.interrupt()
    while (message := cell.next_message())["msg_type"] != "error":
        assert message["msg_type"] == "stream"
    assert message["content"]["ename"] in ("KeyboardInterrupt", "CancelledError")
    assert ready.value("await asyncio.sleep(0)\nspinning.done()") == "True"


@pytest.mark.sandbox
def test_tasks_have_the_fuel_of_one_cell_until_the_next(start) -> None:
    kernel = start(policy={"fuel_budget": 3_000_000_000})
    kernel.run_ok(SETUP)
    kernel.run_ok("async def spin():\n    while True:\n        sum(range(10_000))\n        await asyncio.sleep(0)\n"
                  "spinning = asyncio.create_task(spin())")
    samples = [kernel.process.cpu_times().user]
    deadline = time.monotonic() + 60
    # Until it has burned and stands still; a machine with much to do may leave it waiting for a while.
    while samples[-1] - samples[0] < 0.2 or len(samples) < 7 or samples[-1] - samples[-6] > 0.05:
        assert time.monotonic() < deadline, "it burns on"
        time.sleep(0.5)
        samples.append(kernel.process.cpu_times().user)
    # What is served meanwhile gives it no more.
    for _ in range(5):
        kernel.request("comm_msg", {"comm_id": "nobody's", "data": {}})
    outcome = kernel.run_ok("spinning.done()")
    assert outcome.result == {"text/plain": "False"}
    assert outcome.stderr.count("stood still") == 1 and "fuel_budget" in outcome.stderr
    outcome = kernel.run_ok("spinning.cancel()")
    assert kernel.run_ok("1").stderr == ""


@pytest.mark.sandbox
def test_a_step_that_takes_more_than_a_cells_fuel_ends_in_a_traceback_in_its_cell(start) -> None:
    kernel = start(policy={"fuel_budget": 3_000_000_000})
    kernel.run_ok(SETUP)
    cell = kernel.execute("async def burn():\n    await asyncio.sleep(0.05)\n    while True: pass\nburning = asyncio.create_task(burn())")
    cell.finish()
    assert shown_after(cell, "error")["ename"] == "FuelExhausted"
    assert kernel.value("burning.done()") == "True"


@pytest.mark.sandbox
def test_a_task_that_ends_the_guest_costs_what_the_tasks_did_and_no_cell(start) -> None:
    kernel = start()
    kernel.run_ok(SETUP)
    cell = kernel.execute("kept = 'kept'\nimport os\nasync def die():\n    await asyncio.sleep(0.2)\n    os._exit(3)\ndying = asyncio.create_task(die())")
    assert cell.finish().status == "ok"
    deadline = time.monotonic() + 30
    while kernel.ask("usage_request", channel="control")["cellblock"]["session"]["rollbacks"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    told = shown_after(cell, "error")
    assert told["ename"] == "GuestExited"
    for words in ("a task that cell 2 had started ended the Python process", "status 3", "while no cell ran", "all else is kept", "%session undo"):
        assert words in told["evalue"], told["evalue"]
    outcome = kernel.run("dying.cancel(); kept")
    assert outcome.result == {"text/plain": "'kept'"} and outcome.usage["state"] == "kept"
    assert "was stopped between cells" in outcome.stderr and "cell 2" in outcome.stderr
    assert kernel.run_ok("await asyncio.sleep(0.3); dying.cancelled()").result == {"text/plain": "True"}


@pytest.mark.sandbox
def test_a_task_that_ends_the_guest_within_another_cell_is_named(start) -> None:
    kernel = start()
    kernel.run_ok(SETUP)
    kernel.run_ok("import os\nasync def die():\n    await go.wait()\n    os._exit(3)\ngo = asyncio.Event()\ndying = asyncio.create_task(die())")
    outcome = kernel.run("go.set()\nawait asyncio.sleep(5)")
    assert outcome.usage["state"] == "rolled_back"
    assert "a task that cell 2 had started ended the Python process" in outcome.error["evalue"], outcome.describe()
    assert "while this cell ran" in outcome.error["evalue"]
    assert "the cell ended the Python process" in kernel.run("dying.cancel()\nos._exit(3)").error["evalue"]


def test_a_request_that_only_asks_leaves_tasks_alone(ready: Frontend) -> None:
    cell = ready.execute("async def work():\n    await asyncio.sleep(0.2)\n    print('done')\nasyncio.create_task(work());")
    cell.finish()
    ready.ask("is_complete_request", {"code": "1"})
    ready.ask("inspect_request", {"code": "print", "cursor_pos": 5})
    stdout_after(cell, "done\n")


def test_output_between_cells_has_the_limits_of_a_cell(start) -> None:
    if not SANDBOXED:
        pytest.skip("a limit of the sandbox")
    kernel = start(policy={"stdout_max_bytes": 1_000})
    kernel.run_ok(SETUP)
    cell = kernel.execute("async def flood():\n    while True:\n        print('x' * 99)\n        await asyncio.sleep(0.001)\nflooding = asyncio.create_task(flood())")
    cell.finish()
    text = ""
    while "stdout_max_bytes" not in text:
        text += shown_after(cell, "stream")["text"]
    assert text.count("x") <= 1_000
    kernel.run_ok("flooding.cancel()")


@pytest.mark.sandbox
def test_a_task_that_waits_at_the_door_takes_nothing_that_is_for_the_next_cell(ready: Frontend) -> None:
    ready.run_ok("import comm\ngot = loop.create_future()\nlately = comm.create_comm(target_name='lately')\n"
                 "lately.on_msg(lambda message: got.set_result(message['content']['data']))")
    comm_id = ready.value("lately.comm_id").strip("'")
    waits = ready.execute("from cellblock_bridge.door import door\nasync def wait():\n    await asyncio.sleep(0.05)\n"
                          "    print('waits', flush=True)\n    door.ask('wait', seconds=1)\nasync_task = asyncio.create_task(wait());")
    assert waits.finish().status == "ok"
    stdout_after(waits, "waits\n")
    cell = ready.execute("(await got)['n']")
    ready.request("comm_msg", {"comm_id": comm_id, "data": {"n": 7}})
    assert cell.finish().result == {"text/plain": "7"}


def test_an_error_is_shown_once_whatever_ran_in_between(ready: Frontend) -> None:
    ready.run_ok("async def tick():\n    while True:\n        await asyncio.sleep(0.02)\ntask = asyncio.create_task(tick())")
    outcome = ready.run("await asyncio.sleep(0.2); 1/0")
    assert [error["ename"] for error in outcome.of("error")] == ["ZeroDivisionError"]
    ready.run_ok("task.cancel()")
