"""Cells that end their instance: the kernel lives, the state is that of before the cell, and it says so."""

from __future__ import annotations

import time

import pytest

from frontend import Footprint, Frontend, Outcome
from policies import mentions_number

pytestmark = pytest.mark.sandbox

STATE = ("kept = {'numbers': [1, 2, 3]}\nclass Kept: pass\nobject_kept = Kept()\n"
         "def running():\n    yield 1\n    yield 2\ngenerator = running()\nnext(generator)")
CHANGE = "kept['numbers'].append('changed by the cell')\n"


def assert_rolled_back(kernel: Frontend, outcome: Outcome) -> None:
    assert outcome.status == "error", outcome.describe()
    assert outcome.usage["state"] == "rolled_back", outcome.describe()
    text = outcome.everything.lower()
    assert "before" in text or "rolled back" in text, "the message does not say what became of the state"
    assert outcome.error, "the error is published, not only replied"
    assert kernel.value("kept, type(object_kept) is Kept") == "({'numbers': [1, 2, 3]}, True)"


@pytest.fixture(scope="module")
def prepared(kernel: Frontend) -> Frontend:
    kernel.run_ok(STATE)
    return kernel


@pytest.mark.parametrize("code", ["import os\nos._exit(1)", "import os\nos._exit(0)", "import os\nos.abort()"],
                         ids=["os._exit(1)", "os._exit(0)", "os.abort"])
def test_ending_the_process_rolls_back(prepared: Frontend, code: str) -> None:
    outcome = prepared.run(CHANGE + code)
    assert_rolled_back(prepared, outcome)
    assert outcome.usage["trap_reason"] in ("exited", "trap")


def test_a_generator_that_was_open_before_goes_on_after(start) -> None:
    kernel = start()
    kernel.run_ok(STATE)
    assert kernel.run("next(generator)\nimport os\nos._exit(1)").usage["state"] == "rolled_back"
    assert kernel.value("next(generator)") == "2"


def test_output_before_the_trap_arrives(prepared: Frontend) -> None:
    outcome = prepared.run("print('seen before the end')\nimport os\nos._exit(1)")
    assert outcome.stdout == "seen before the end\n"


# Deep nesting that only C walks: each either raises a Python error, the state kept, or traps and is undone.
DEEP = {
    "json.dumps": "import json\ndeep = []\nfor _ in range(2_000_000): deep = [deep]\njson.dumps(deep)",
    "repr": "deep = []\nfor _ in range(2_000_000): deep = (deep,)\nrepr(deep)",
    "compile": "eval('(' * 100_000 + ')' * 100_000)",
    "unary": "eval('-' * 1_000_000 + '1')",
    "pickle": "import pickle\ndeep = []\nfor _ in range(1_000_000): deep = [deep]\npickle.dumps(deep)",
    "regex": "import re\nre.compile('(' * 50_000 + ')' * 50_000)",
    "isinstance": "deep = int\nfor _ in range(1_000_000): deep = (deep,)\nisinstance(1.0, deep)",
    "no recursion limit": "import sys\nsys.setrecursionlimit(10**9)\ndef down(n): return down(n + 1)\ndown(0)",
    "itertools": "import itertools\nit = iter([])\nfor _ in range(1_000_000): it = itertools.chain(it, [])\nnext(it)",
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_recursion_in_c_is_survived(start, kind: str) -> None:
    kernel = start()
    kernel.run_ok(STATE)
    outcome = kernel.run(CHANGE + DEEP[kind])
    if outcome.status == "error" and outcome.usage["state"] == "rolled_back":
        assert_rolled_back(kernel, outcome)
        assert outcome.usage["trap_reason"] in ("stack_overflow", "trap", "exited", "memory_limit")
    else:
        assert outcome.usage["state"] == "kept"
        assert kernel.value("kept['numbers'][-1]") == "'changed by the cell'"
    assert kernel.value("1 + 1") == "2"


@pytest.mark.parametrize("code", ["data = bytearray(10**12)", "import numpy as np\nnp.ones(100_000_000)", "data = 'x' * (2**31)",
                                  "data = []\nwhile True: data.append(bytearray(50_000_000))",
                                  "import numpy as np\nblocks = []\nwhile True: blocks.append(np.ones(5_000_000))",
                                  "import re\nre.compile('((a{0,100}){0,100}){0,100}').match('a' * 1000)\nlist(range(10**10))"])
def test_memory_exhaustion_is_a_memory_error_and_the_variables_live(start, code: str) -> None:
    kernel = start(policy={"memory_bytes": 600_000_000})
    kernel.run_ok(STATE)
    outcome = kernel.run(code)
    assert outcome.status == "error", outcome.describe()
    assert outcome.content["ename"] in ("MemoryError", "_ArrayMemoryError", "OverflowError"), outcome.describe()
    kernel.run_ok("data = blocks = None")
    assert kernel.value("kept['numbers']") == "[1, 2, 3]"
    assert kernel.value("len([0] * 100_000)") == "100000"


def test_fuel_gone_in_c_code_rolls_back_and_says_so(start) -> None:
    kernel = start(policy={"fuel_budget": 5_000_000_000})
    kernel.run_ok(STATE)
    outcome = kernel.run(CHANGE + "sum(range(10**12))")
    assert outcome.status == "error"
    assert outcome.usage["trap_reason"] == "out_of_fuel"
    assert_rolled_back(kernel, outcome)
    assert "fuel_budget" in outcome.everything and mentions_number(outcome.everything, 5_000_000_000)


def test_what_a_rolled_back_cell_wrote_to_a_file_handle_reaches_no_other_file(start) -> None:
    kernel = start()
    kernel.run_ok("one = open('one.txt', 'w+')\none.write('1')\none.flush()")
    kernel.run("two = open('two.txt', 'w+')\nimport os\nos._exit(1)")
    kernel.run("three = open('three.txt', 'w+')")
    outcome = kernel.run("one.write('more')\none.flush()")
    kernel.run_ok("three.flush()")
    assert kernel.value("open('three.txt').read()") == "''"
    if outcome.status == "ok":
        assert kernel.value("open('one.txt').read()") == "'1more'"
    else:
        assert outcome.error["ename"] in ("OSError", "ValueError")


def test_queued_cells_after_a_trap_are_aborted_as_after_any_error(prepared: Frontend) -> None:
    first = prepared.execute("import os, time\ntime.sleep(0.3)\nos._exit(1)")
    second = prepared.execute("ran_after_trap = True")
    assert first.finish().status == "error"
    second.finish()
    assert prepared.value("'ran_after_trap' in globals()") == "False"


def test_a_thousand_trapping_cells_leak_nothing(start) -> None:
    kernel = start()
    kernel.run_ok("kept = 'alive'")
    code = "import os\nos._exit(1)"
    for _ in range(100):  # caches fill, pools grow to their size
        kernel.run(code, store_history=False)
    kernel.run_ok('1')  # the next instance is there
    before = Footprint.of(kernel.pid)
    began = time.monotonic()
    for _ in range(1000):
        outcome = kernel.run(code, store_history=False, stop_on_error=False)
        assert outcome.usage["state"] == "rolled_back"
    kernel.run_ok('1')
    after = Footprint.of(kernel.pid)
    print(f"1,000 trapping cells in {time.monotonic() - began:.1f} s: {before} -> {after}")
    assert after.descriptors <= before.descriptors + 2
    assert after.threads <= before.threads + 2
    assert after.private_bytes <= before.private_bytes + 24 * 1024 * 1024
    assert kernel.value("kept") == "'alive'"


def test_a_hundred_failures_of_other_kinds_leak_nothing(start) -> None:
    kernel = start(policy={"fuel_budget": 200_000_000})
    kernel.run_ok("kept = 'alive'")
    kinds = ["sum(range(10**12))", "while True: pass", "open('f.txt', 'w').write('x')\nimport os\nos._exit(1)",
             "1/0"]
    for code in kinds * 5:
        kernel.run(code, store_history=False)
    kernel.run_ok('1')  # the next instance is there
    before = Footprint.of(kernel.pid)
    for code in kinds * 25:
        assert kernel.run(code, store_history=False).status == "error"
    kernel.run_ok('1')
    after = Footprint.of(kernel.pid)
    assert after.descriptors <= before.descriptors + 2
    assert after.threads <= before.threads + 2
    assert after.private_bytes <= before.private_bytes + 24 * 1024 * 1024
    assert kernel.value("kept") == "'alive'"


def test_a_cell_that_breaks_the_bridge_is_rolled_back(start) -> None:
    kernel = start()
    kernel.run_ok(STATE)
    breaks = "import cellblock_bridge.door as d\ndef nothing(frame): raise SystemError('broken')\nd.door._transport = nothing"
    outcome = kernel.run(CHANGE + breaks)
    assert outcome.status == "error"
    assert_rolled_back(kernel, outcome)
