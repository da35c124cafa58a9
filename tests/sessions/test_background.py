"""What tasks do between cells is part of the session's state: of the state after the last cell."""

from __future__ import annotations

import time

from frontend import Frontend
from notebook import Notebook

COUNTER = ("import asyncio\nticks = 0\n"
           "async def tick():\n    global ticks\n    while True:\n        await asyncio.sleep(0.02)\n        ticks += 1\n"
           "        if ticks == 5: open('five.txt', 'w').write('5'); print('five')\n"
           "ticking = asyncio.create_task(tick())")


def started(notebook: Notebook, **options) -> tuple[Frontend, int]:
    """A kernel whose task has ticked five times between cells."""
    kernel = notebook.open(**options)
    cell = kernel.execute(COUNTER)
    cell.finish()
    assert cell.next_message()["content"]["text"] == "five\n"
    return kernel, int(kernel.value("ticks"))


def test_undo_goes_back_to_what_was_true_when_the_cell_began(notebook: Notebook) -> None:
    kernel, _ = started(notebook)
    kernel.run_ok("before = ticks\nimport pathlib; seen = pathlib.Path('five.txt').read_text(); ticking.cancel()")
    before = int(kernel.value("before"))
    kernel.run_ok("ticks = -100")
    kernel.run_ok("%session undo")
    assert int(kernel.value("before")) == before >= 5
    kernel.run_ok("%session undo 3")  # looking at it was a cell too, twice
    outcome = kernel.run_ok("('before' in globals(), ticks >= 5, ticking.done())")
    assert outcome.result == {"text/plain": "(False, True, False)"}


def test_after_undo_the_loop_stands_still_so_that_there_is_something_to_redo(notebook: Notebook) -> None:
    kernel, _ = started(notebook)
    kernel.run_ok("mark = 'set'")
    kernel.run_ok("%session undo")
    time.sleep(1.5)  # longer than what is done between cells waits to be stored
    kernel.run_ok("%session redo")
    assert kernel.value("mark") == "'set'"


def test_a_killed_kernel_goes_on_from_what_was_stored_last(notebook: Notebook) -> None:
    kernel, ticks = started(notebook)
    time.sleep(2.5)
    notebook.kill(kernel)
    kernel = notebook.open()
    kernel.run_ok("%session resume")
    outcome = kernel.run_ok("[ticks, open('five.txt').read()]")
    resumed = int(outcome.result["text/plain"].strip("[]").split(",")[0])
    assert resumed > ticks, "what was done between cells is there"
    assert "'5'" in outcome.result["text/plain"]
    # And it goes on between cells again.
    time.sleep(0.3)
    assert int(kernel.value("ticks")) > resumed


def test_a_cell_that_is_rolled_back_takes_nothing_of_it_away(notebook: Notebook) -> None:
    kernel, ticks = started(notebook)
    assert kernel.run("import os\nos._exit(1)").status == "error"
    outcome = kernel.run_ok("[ticks, open('five.txt').read()]")
    assert int(outcome.result["text/plain"].strip("[]").split(",")[0]) >= ticks


def test_the_session_is_not_stored_with_every_turn(notebook: Notebook) -> None:
    kernel, _ = started(notebook)
    def commits() -> int:
        return kernel.ask("usage_request", channel="control")["cellblock"]["session"]["commits"]
    before = commits()
    time.sleep(4)
    assert 1 <= commits() - before <= 3
    kernel.run_ok("ticking.cancel()")


def test_there_are_no_steps_but_cells(notebook: Notebook) -> None:
    kernel, _ = started(notebook)
    time.sleep(1.5)
    log = kernel.run_ok("%session log").stdout
    assert log.count("import asyncio") == 1
