"""What IPython gives: magics, help, history variables, tracebacks, top-level await."""

from __future__ import annotations

import re

import pytest

from frontend import ANSI, Frontend, plain


# --- magics --------------------------------------------------------------------------------------


def test_timeit_times(kernel: Frontend) -> None:
    assert re.search(r"\d.* (ns|μs|us|ms|s) ± .* per loop", kernel.run_ok("%timeit -n 10 -r 3 sum(range(100))").stdout)


def test_cell_time_shows_result_and_time(kernel: Frontend) -> None:
    outcome = kernel.run_ok("%%time\ntimed = 20 + 1\ntimed * 2")
    assert "Wall time" in outcome.stdout
    assert outcome.result == {"text/plain": "42"}


def test_capture_keeps_output_for_later(kernel: Frontend) -> None:
    outcome = kernel.run_ok("%%capture caught\nprint('hidden')\nimport sys\nprint('err', file=sys.stderr)\ndisplay(5)")
    assert (outcome.stdout, outcome.stderr, outcome.displays) == ("", "", [])
    assert kernel.value("caught.stdout, caught.stderr, len(caught.outputs)") == "('hidden\\n', 'err\\n', 1)"


def test_who_and_whos_list_variables(start) -> None:
    kernel = start()
    kernel.run_ok("mine = 1\nyours = 'x'")
    assert kernel.run_ok("%who").stdout.split() == ["mine", "yours"]
    assert re.search(r"mine\s+int\s+1", kernel.run_ok("%whos").stdout)
    assert kernel.value("get_ipython().run_line_magic('who_ls', '')") == "['mine', 'yours']"


def test_cd_and_pwd(kernel: Frontend) -> None:
    kernel.run_ok("import os\nstart = os.getcwd()\nos.makedirs('sub', exist_ok=True)")
    kernel.run_ok("%cd sub")
    assert kernel.value("os.path.basename(os.getcwd())") == "'sub'"
    kernel.run_ok("%cd ..")
    assert kernel.value("os.getcwd() == start") == "True"
    kernel.run_ok("os.rmdir('sub')")


def test_load_ext(kernel: Frontend) -> None:
    kernel.run_ok("%load_ext autoreload\n%autoreload 0")


def test_writefile_and_run(kernel: Frontend) -> None:
    kernel.run_ok("%%writefile script_of_test.py\nfrom_script = 6 * 7\nprint('ran')")
    assert kernel.run_ok("%run script_of_test.py").stdout == "ran\n"
    assert kernel.value("from_script") == "42"
    kernel.run_ok("import os; os.remove('script_of_test.py')")


def test_env_magic_and_magic_listing(kernel: Frontend) -> None:
    kernel.run_ok("%env SOME_TEST_VARIABLE=7")
    assert kernel.value("__import__('os').environ['SOME_TEST_VARIABLE']") == "'7'"
    assert "timeit" in str(kernel.run_ok("%lsmagic").result)


@pytest.mark.parametrize("code", ["%prun -q sum(range(10))", "%precision 3", "%pdb off", "%xmode Context",
                                  "%%html\n<b>x</b>", "%%markdown\n# x", "%%latex\n$x$", "%reset_selective -f nothing_like_it",
                                  "%pinfo print", "%pdef len", "%pdoc len", "%history -n 1"])
def test_magics_that_just_work(kernel: Frontend, code: str) -> None:
    kernel.run_ok(code)


def test_unknown_magics_are_an_error_that_names_them(kernel: Frontend) -> None:
    outcome = kernel.run("%no_such_magic")
    assert "no_such_magic" in outcome.everything


# --- help and history variables ------------------------------------------------------------------


def test_question_mark_shows_signature_and_docstring(kernel: Frontend) -> None:
    kernel.run_ok("def helped(a, b=2):\n    'The docstring.'\n    hidden_line = a\n    return hidden_line")
    text = plain(kernel.run_ok("helped?").content["payload"][0]["data"]["text/plain"])
    assert "helped(a, b=2)" in text and "The docstring." in text and "hidden_line" not in text


def test_two_question_marks_show_the_source(kernel: Frontend) -> None:
    kernel.run_ok("def helped(a, b=2):\n    hidden_line = a\n    return hidden_line")
    assert "hidden_line = a" in plain(kernel.run_ok("helped??").content["payload"][0]["data"]["text/plain"])


def test_underscores_in_and_out(kernel: Frontend) -> None:
    first = kernel.run_ok("11")
    kernel.run_ok("22")
    assert kernel.run_ok("_, __").result == {"text/plain": "(22, 11)"}
    count = first.content["execution_count"]
    assert kernel.value(f"Out[{count}], In[{count}], _{count}, _i{count}") == "(11, '11', 11, '11')"


def test_a_semicolon_hides_the_result(kernel: Frontend) -> None:
    assert kernel.run_ok("5;").result is None


# --- tracebacks ----------------------------------------------------------------------------------


def test_a_traceback_shows_the_cells_lines_in_colour(kernel: Frontend) -> None:
    outcome = kernel.run("def inner(x):\n    return 1 / x   # the very line\n\ndef outer():\n    return inner(0)\n\nouter()")
    assert outcome.error["ename"] == "ZeroDivisionError"
    text = outcome.traceback
    assert "return 1 / x   # the very line" in text
    assert re.search(r"-+> *2 ", text), "an arrow points at the line"
    assert re.search(r"(In|Cell)[^\n]*\[", text)
    assert text.index("outer()") < text.index("the very line")
    assert ANSI.search("\n".join(outcome.error["traceback"])), "it is coloured"


def test_a_function_of_an_earlier_cell_shows_its_own_lines(kernel: Frontend) -> None:
    kernel.run_ok("# a comment above\ndef from_before():\n    raise KeyError('k')  # earlier cell")
    assert "raise KeyError('k')  # earlier cell" in kernel.run("from_before()").traceback


def test_a_syntax_error_has_its_caret(kernel: Frontend) -> None:
    outcome = kernel.run("x = 1\ny = (2 +\nz = = 3")
    assert outcome.error["ename"] in ("SyntaxError", "_IncompleteInputError")
    outcome = kernel.run("a = 1\nb = = 2")
    assert outcome.error["ename"] == "SyntaxError"
    lines = outcome.traceback.splitlines()
    at = next(i for i, line in enumerate(lines) if "b = = 2" in line)
    assert lines[at + 1].index("^") == lines[at].index("= 2")


def test_chained_exceptions_show_both(kernel: Frontend) -> None:
    text = kernel.run("try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise ValueError('second') from e").traceback
    assert "ZeroDivisionError" in text and "direct cause" in text and "second" in text


def test_exception_groups_and_notes_are_shown(kernel: Frontend) -> None:
    outcome = kernel.run("e = ValueError('one')\ne.add_note('a note of mine')\nraise ExceptionGroup('many', [e, KeyError('two')])")
    assert outcome.status == "error"
    # IPython leaves the rendering of groups to Python's own traceback module, which writes to stderr.
    shown = outcome.stderr + str(outcome.error)
    assert "many" in shown and "one" in shown and "a note of mine" in shown and "two" in shown


def test_deep_recursion_raises_recursion_error(kernel: Frontend) -> None:
    kernel.run_ok("kept = 'alive'")
    outcome = kernel.run("def down(n): return down(n + 1)\ndown(0)")
    assert outcome.error["ename"] == "RecursionError"
    assert kernel.value("kept") == "'alive'"


def test_no_bridge_frames_in_tracebacks(kernel: Frontend) -> None:
    text = kernel.run("raise ValueError('x')").traceback
    assert "bridge" not in text.lower() and "ipykernel" not in text.lower()
    assert text.count("raise ValueError('x')") == 1


# --- await ---------------------------------------------------------------------------------------


def test_top_level_await(kernel: Frontend) -> None:
    assert kernel.run_ok("import asyncio\nawait asyncio.sleep(0.01)\n'woke'").result == {"text/plain": "'woke'"}


def test_gather_runs_side_by_side(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "import asyncio, time\n"
        "async def work(i):\n    await asyncio.sleep(0.2)\n    return i\n"
        "began = time.monotonic()\n"
        "answers = await asyncio.gather(*(work(i) for i in range(10)))\n"
        "answers, time.monotonic() - began < 1.5")
    assert outcome.result == {"text/plain": "([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], True)"}


def test_timeouts_and_cancellation(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "import asyncio\n"
        "try:\n    await asyncio.wait_for(asyncio.sleep(30), 0.05)\nexcept TimeoutError:\n    print('timed out')\n"
        "async with asyncio.TaskGroup() as group:\n    one = group.create_task(asyncio.sleep(0.01, 'a'))\n"
        "task = asyncio.create_task(asyncio.sleep(30))\nawait asyncio.sleep(0)\ntask.cancel()\n"
        "try:\n    await task\nexcept asyncio.CancelledError:\n    print('cancelled', one.result())")
    assert outcome.stdout == "timed out\ncancelled a\n"


def test_queues_locks_and_async_generators(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "import asyncio\n"
        "queue = asyncio.Queue()\n"
        "async def produce():\n    for i in range(3):\n        await queue.put(i)\n        await asyncio.sleep(0)\n    await queue.put(None)\n"
        "async def consume():\n    while (item := await queue.get()) is not None:\n        yield item\n"
        "task = asyncio.create_task(produce())\n"
        "got = [i async for i in consume()]\nawait task\ngot")
    assert outcome.result == {"text/plain": "[0, 1, 2]"}


def test_a_task_lives_from_cell_to_cell(kernel: Frontend) -> None:
    kernel.run_ok("import asyncio\nsteps = []\n"
                  "async def stepper():\n    for i in range(3):\n        steps.append(i)\n        await asyncio.sleep(0.01)\n"
                  "runner = asyncio.create_task(stepper())\nawait asyncio.sleep(0)")
    kernel.run_ok("await runner")
    assert kernel.value("steps") == "[0, 1, 2]"


def test_an_error_in_a_coroutine_is_shown(kernel: Frontend) -> None:
    outcome = kernel.run("async def fails():\n    raise LookupError('inside')\nawait fails()")
    assert outcome.error["ename"] == "LookupError"
    assert "raise LookupError('inside')" in outcome.traceback


# --- leaving -------------------------------------------------------------------------------------


def test_sys_exit_is_reported_and_the_kernel_lives(kernel: Frontend) -> None:
    kernel.run_ok("kept = 9")
    outcome = kernel.run("import sys\nsys.exit(3)")
    assert outcome.status == "error" and outcome.content["ename"] == "SystemExit"
    assert kernel.value("kept") == "9"


@pytest.mark.parametrize("code, keep", [("exit()", False), ("quit()", False), ("exit(keep_kernel=True)", True)])
def test_exit_asks_the_frontend(start, code: str, keep: bool) -> None:
    kernel = start()
    outcome = kernel.run(code)
    assert outcome.status == "ok"
    assert outcome.content["payload"] == [{"source": "ask_exit", "keepkernel": keep}]
    if not keep:
        kernel.wait_exit()
