"""The limits of a policy: each with an error that names its type, the limit, what was used and the key that raises it."""

from __future__ import annotations

import json
import subprocess
import time
import tomllib

import pytest

from frontend import Frontend
from launch import connection, kernel_command
from policies import mentions_number, write_policy

pytestmark = pytest.mark.sandbox


def assert_kept_and_alive(kernel: Frontend) -> None:
    assert kernel.value("kept") == "'alive'"


def test_fuel(start) -> None:
    kernel = start(policy={"fuel_budget": 3_000_000_000})
    kernel.run_ok("kept = 'alive'")
    outcome = kernel.run("def spin():\n    while True: pass   # this very line\nspin()")
    assert outcome.status == "error" and "fuel" in outcome.error["ename"].lower()
    text = outcome.error["evalue"]
    assert "fuel_budget" in text and mentions_number(text, 3_000_000_000)
    assert "this very line" in outcome.traceback
    assert outcome.usage["trap_reason"] == "out_of_fuel" and outcome.usage["state"] == "kept"
    assert outcome.usage["fuel_consumed"] >= 3_000_000_000
    assert mentions_number(text, outcome.usage["fuel_consumed"]) or "used" in text
    assert_kept_and_alive(kernel)


def test_fuel_is_per_cell(start) -> None:
    kernel = start(policy={"fuel_budget": 5_000_000_000})
    for _ in range(12):
        outcome = kernel.run_ok("for _ in range(3_000_000): pass")
    assert 0 < outcome.usage["fuel_consumed"] < 5_000_000_000


def test_the_verdict_on_fuel_is_deterministic(start) -> None:
    kernel = start(policy={"fuel_budget": 2_000_000_000})
    code = "n = 0\nfor i in range({}): n += i"
    fuel = kernel.run_ok(code.format(100_000)).usage["fuel_consumed"]
    again = kernel.run_ok(code.format(100_000)).usage["fuel_consumed"]
    assert abs(fuel - again) < fuel * 0.05
    for _ in range(3):
        assert kernel.run(code.format(100_000_000)).usage["trap_reason"] == "out_of_fuel"


@pytest.mark.parametrize("code", ["while True: pass", "import time\ntime.sleep(100)", "import asyncio\nawait asyncio.sleep(100)"])
def test_wall_clock(start, code: str) -> None:
    kernel = start(policy={"timeout_seconds": 1})
    kernel.run_ok("kept = 'alive'")
    began = time.monotonic()
    outcome = kernel.run(code)
    assert 0.8 < time.monotonic() - began < 10
    assert outcome.status == "error" and "time" in outcome.error["ename"].lower()
    text = outcome.error["evalue"]
    assert "timeout_seconds" in text and mentions_number(text, 1)
    assert outcome.usage["trap_reason"] == "timeout"
    assert_kept_and_alive(kernel)


def test_memory(start) -> None:
    kernel = start(policy={"memory_bytes": 400_000_000})
    kernel.run_ok("kept = 'alive'")
    outcome = kernel.run("hog = bytearray(900_000_000)")
    assert outcome.error["ename"] == "MemoryError"
    assert outcome.usage["state"] == "kept"
    assert "memory_bytes" in outcome.everything and mentions_number(outcome.everything, 400_000_000)
    assert_kept_and_alive(kernel)
    assert kernel.run_ok("small = bytearray(10_000_000)").status == "ok"
    assert outcome.usage["memory_used_bytes"] < 900_000_000


def test_recursion(start) -> None:
    kernel = start()
    kernel.run_ok("kept = 'alive'")
    outcome = kernel.run("def down(n): return 1 + down(n + 1)\ndown(0)")
    assert outcome.error["ename"] == "RecursionError" and outcome.usage["state"] == "kept"
    assert_kept_and_alive(kernel)


def test_recursion_is_as_deep_as_the_policy_says(start) -> None:
    kernel = start(policy={"recursion_limit": 300})
    kernel.run_ok("kept = 'alive'\ndef down(n): return 1 + down(n - 1) if n else 0")
    outcome = kernel.run("down(400)")
    assert outcome.error["ename"] == "RecursionError"
    assert "recursion_limit" in outcome.everything and mentions_number(outcome.everything, 300)
    assert kernel.value("down(150)") == "150"
    assert_kept_and_alive(kernel)


def test_messages_through_the_door_are_bounded(start) -> None:
    kernel = start(policy={"message_max_bytes": 2_000_000})
    kernel.run_ok("kept = 'alive'")
    outcome = kernel.run("from IPython.display import display\ndisplay({'text/plain': 'x' * 3_000_000}, raw=True)")
    assert outcome.status == "error"
    assert "message_max_bytes" in outcome.everything and mentions_number(outcome.everything, 2_000_000)
    assert_kept_and_alive(kernel)


@pytest.mark.parametrize("key, name, target", [("stdout_max_bytes", "stdout", "sys.stdout"), ("stderr_max_bytes", "stderr", "sys.stderr")])
def test_text_is_cut_and_it_is_said(start, key: str, name: str, target: str) -> None:
    kernel = start(policy={key: 100_000})
    kernel.run_ok("kept = 'alive'")
    outcome = kernel.run(f"import sys\nfor i in range(50_000): print('0123456789', file={target})\nafter = True")
    texts = [c["text"] for c in outcome.of("stream") if c["name"] == name]
    total = "".join(texts)
    assert total.startswith("0123456789\n" * 9_000)
    assert len(total.encode()) < 100_000 + 2_000
    assert key in outcome.everything and mentions_number(outcome.everything, 100_000)
    assert_kept_and_alive(kernel)
    assert kernel.run_ok("print('the next cell writes')").stdout == "the next cell writes\n"


def test_a_small_cap_on_text_leaves_other_streams_alone(start) -> None:
    kernel = start(policy={"stdout_max_bytes": 1000})
    outcome = kernel.run("import sys\nprint('x' * 5000)\nprint('e' * 5000, file=sys.stderr)")
    assert outcome.stderr.count("e" * 5000) == 1


def test_displays_are_bounded(start) -> None:
    kernel = start(policy={"display_max_bytes": 100_000})
    kernel.run_ok("kept = 'alive'\nfrom IPython.display import HTML")
    outcome = kernel.run("for i in range(100): display(HTML('x' * 10_000))")
    assert sum(len(d["text/html"]) for d in outcome.displays if "text/html" in d) <= 110_000
    assert "display_max_bytes" in outcome.everything and mentions_number(outcome.everything, 100_000)
    assert_kept_and_alive(kernel)
    assert len(kernel.run_ok("display(HTML('y' * 1000))").displays) == 1


def test_one_huge_display_is_refused_with_a_reason(start) -> None:
    kernel = start(policy={"display_max_bytes": 100_000})
    outcome = kernel.run("from IPython.display import HTML\nHTML('x' * 5_000_000)")
    assert "display_max_bytes" in outcome.everything
    assert len(outcome.everything) < 1_000_000
    assert kernel.value("1 + 1") == "2"


def test_open_files(start) -> None:
    kernel = start(policy={"open_files": 50})
    kernel.run_ok("kept = 'alive'")
    outcome = kernel.run("files = []\nfor i in range(500): files.append(open(f'f{i}.txt', 'w'))")
    assert outcome.error["ename"] == "OSError" and "Errno" in outcome.error["evalue"]
    assert "open_files" in outcome.everything and mentions_number(outcome.everything, 50)
    assert 20 <= int(kernel.value("len(files)")) <= 50
    kernel.run_ok("for f in files: f.close()")
    kernel.run_ok("open('again.txt', 'w').close()")
    assert_kept_and_alive(kernel)


def test_a_limit_is_not_the_notebooks_to_raise(start) -> None:
    kernel = start(policy={"fuel_budget": 3_000_000_000}, env={"CELLBLOCK_FUEL": "1"})
    kernel.run("import os\nos.environ['CELLBLOCK_FUEL_BUDGET'] = '10**15'\nopen('/app/policy.toml', 'w').write('fuel_budget = 1000000000000000')")
    assert "fuel" in kernel.run("while True: pass").error["ename"].lower()


def test_a_limit_is_not_swallowed_by_except_exception(start) -> None:
    kernel = start(policy={"fuel_budget": 2_000_000_000})
    outcome = kernel.run("while True:\n    try:\n        while True: pass\n    except Exception:\n        pass")
    assert "fuel" in outcome.content["ename"].lower()


def test_a_cell_that_swallows_the_limit_is_stopped(start) -> None:
    kernel = start(policy={"fuel_budget": 2_000_000_000})
    kernel.run_ok("kept = 'alive'")
    outcome = kernel.run("kept = 'changed'\nwhile True:\n    try:\n        while True: pass\n    except BaseException:\n        pass")
    assert outcome.status == "error"
    assert outcome.usage["trap_reason"] == "out_of_fuel" and outcome.usage["state"] == "rolled_back"
    assert_kept_and_alive(kernel)


BAD = {"an unknown key": ("fuel_bugdet = 5", "fuel_bugdet"), "a wrong type": ('fuel_budget = "many"', "fuel_budget"),
       "a negative number": ("memory_bytes = -5", "memory_bytes"), "no TOML": ("fuel_budget = = 5", "policy.toml:1"),
       "nought": ("fuel_budget = 0", "fuel_budget")}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_policy_is_an_error_that_names_key_and_value(tmp_path, kind: str) -> None:
    text, named = BAD[kind]
    policy = tmp_path / "policy.toml"
    policy.write_text(text)
    path = tmp_path / "kernel.json"
    path.write_text(json.dumps(connection()))
    done = subprocess.run([*kernel_command(path), "--policy", str(policy)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert named.lower() in done.stderr.lower(), done.stderr
    assert "policy.toml" in done.stderr


def test_write_policy_is_toml(tmp_path) -> None:
    path = write_policy(tmp_path / "p.toml", {"fuel_budget": 5, "name": "x"})
    assert tomllib.loads(path.read_text()) == {"fuel_budget": 5, "name": "x"}
