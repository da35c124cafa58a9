"""execute_request: its flags, its counter, its queue."""

from __future__ import annotations

import pytest

from frontend import ABORTED_STATUS, SANDBOXED, Frontend


def test_a_cell_is_answered_in_order(kernel: Frontend) -> None:
    cell = kernel.execute("print('a')\nimport sys\nprint('b', file=sys.stderr)\n1 + 1")
    cell.receive_busy()
    count = cell.receive_execute_input()["execution_count"]
    cell.receive_stdout("a\n")
    cell.receive_stderr("b\n")
    assert cell.receive_result("2")["execution_count"] == count
    cell.receive_idle()
    reply = cell.receive_reply()
    assert reply["content"]["execution_count"] == count
    assert reply["content"]["user_expressions"] == {}
    assert reply["content"]["payload"] == []


def test_an_error_is_published_and_replied(kernel: Frontend) -> None:
    cell = kernel.execute("raise ValueError('wrong')")
    cell.receive_busy()
    cell.receive_execute_input()
    error = cell.receive_error("ValueError")
    assert error["evalue"] == "wrong"
    cell.receive_idle()
    content = cell.receive_reply("error")["content"]
    assert (content["ename"], content["evalue"]) == ("ValueError", "wrong")
    assert content["traceback"] == error["traceback"]


def test_silent_publishes_neither_input_nor_result_nor_error_and_counts_nothing(kernel: Frontend) -> None:
    before = kernel.run_ok("0").content["execution_count"]
    cell = kernel.execute("quiet = 41\nquiet + 1", silent=True)
    cell.receive_busy()
    cell.receive_idle()
    cell.receive_reply()
    after = kernel.run_ok("quiet").content["execution_count"]
    assert after == before + 1


def test_store_history_false_leaves_count_and_history_alone(kernel: Frontend) -> None:
    before = kernel.run_ok("'kept'").content["execution_count"]
    outcome = kernel.run("'unkept_marker_1'", store_history=False)
    assert outcome.result == {"text/plain": "'unkept_marker_1'"}
    assert kernel.run_ok("'kept again'").content["execution_count"] == before + 1
    history = kernel.ask("history_request", {"hist_access_type": "tail", "n": 10, "raw": True, "output": False})
    assert "unkept_marker_1" not in str(history["history"])


def test_execution_count_goes_up_by_one(kernel: Frontend) -> None:
    first = kernel.run_ok("1").content["execution_count"]
    assert kernel.run("1/0").content["execution_count"] == first + 1
    assert kernel.run_ok("1").content["execution_count"] == first + 2


def test_empty_and_blank_cells_are_answered(kernel: Frontend) -> None:
    for code in ("", "   \n\n", "# only a comment", "pass"):
        cell = kernel.execute(code)
        cell.receive_busy()
        cell.receive_execute_input()
        cell.receive_idle()
        cell.receive_reply()


def test_user_expressions_are_evaluated_after_the_cell(kernel: Frontend) -> None:
    outcome = kernel.run("ux = 20", user_expressions={"double": "ux * 2", "bad": "1 / 0", "text": "'é' + str(ux)"})
    answers = outcome.content["user_expressions"]
    assert answers["double"]["status"] == "ok"
    assert answers["double"]["data"] == {"text/plain": "40"}
    assert answers["text"]["data"] == {"text/plain": "'é20'"}
    assert answers["bad"]["status"] == "error"
    assert answers["bad"]["ename"] == "ZeroDivisionError"
    assert outcome.error is None


def test_user_expressions_are_not_evaluated_after_an_error(kernel: Frontend) -> None:
    outcome = kernel.run("1/0", user_expressions={"a": "1"})
    assert outcome.status == "error"
    assert outcome.content["user_expressions"] == {}


def test_stop_on_error_aborts_what_is_queued(kernel: Frontend) -> None:
    first = kernel.execute("import time; time.sleep(0.3); raise RuntimeError('stop')")
    second = kernel.execute("ran_second = True")
    third = kernel.execute("ran_third = True")
    assert first.finish().status == "error"
    for queued in (second, third):
        queued.receive_busy()
        queued.receive_idle()
        queued.receive_reply(ABORTED_STATUS)
    assert kernel.value("'ran_second' in globals(), 'ran_third' in globals()") == "(False, False)"


def test_an_aborted_request_says_what_happened(kernel: Frontend) -> None:
    if not SANDBOXED:
        pytest.skip("ipykernel's abort replies carry nothing but their status")
    first = kernel.execute("import time; time.sleep(0.3); raise RuntimeError('stop')")
    second = kernel.execute("1")
    first.finish()
    content = second.finish().content
    assert content["ename"] and content["evalue"] is not None and isinstance(content["traceback"], list)


def test_without_stop_on_error_the_queue_goes_on(kernel: Frontend) -> None:
    first = kernel.execute("import time; time.sleep(0.3); raise RuntimeError('go on')", stop_on_error=False)
    second = kernel.execute("'ran'")
    assert first.finish().status == "error"
    assert second.finish().result == {"text/plain": "'ran'"}


def test_stop_on_error_aborts_cells_only(kernel: Frontend) -> None:
    first = kernel.execute("import time; time.sleep(0.3); raise RuntimeError('stop')")
    info = kernel.request("kernel_info_request")
    first.finish()
    assert info.finish().status == "ok"


def test_queued_cells_run_in_order(kernel: Frontend) -> None:
    kernel.run_ok("order = []")
    cells = [kernel.execute(f"order.append({i}); print({i})") for i in range(30)]
    for i, cell in enumerate(cells):
        assert cell.finish().stdout == f"{i}\n"
    assert kernel.value("order == list(range(30))") == "True"


def test_output_is_all_out_before_idle_and_reply_is_not_late(kernel: Frontend) -> None:
    for i in range(50):
        cell = kernel.execute(f"print('x' * {i * 37})\ndisplay({i})\nprint('after')\n{i}")
        cell.receive_busy()
        cell.receive_execute_input()
        cell.receive_stdout("x" * (i * 37) + "\n")
        assert cell.receive_display()["data"]["text/plain"] == str(i)
        cell.receive_stdout("after\n")
        cell.receive_result(str(i))
        cell.receive_idle()
        cell.receive_reply()


def test_unicode_survives_everywhere(kernel: Frontend) -> None:
    text = "é 漢字 🎉 \u202e \x00"
    outcome = kernel.run_ok(f"print({text!r}, end='')\n{text!r}", user_expressions={"t": repr(text)})
    assert outcome.stdout == text
    assert outcome.result == {"text/plain": repr(text)}
    assert outcome.content["user_expressions"]["t"]["data"]["text/plain"] == repr(text)


def test_lone_surrogates_do_not_kill_anything(kernel: Frontend) -> None:
    kernel.run("print('\\ud800')")
    kernel.run("'\\ud800'")
    kernel.run("raise ValueError('\\ud800')")
    assert kernel.value("1 + 1") == "2"


def test_long_code_runs(kernel: Frontend) -> None:
    code = "total = 0\n" + "total += 1\n" * 20_000 + "total"
    assert kernel.run_ok(code).result == {"text/plain": "20000"}
