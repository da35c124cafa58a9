"""Cells: results, errors, history, magics and what they ask of the front end."""

from __future__ import annotations

import re

import pytest
from guests import Guest

_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def _plain(traceback: list[str]) -> str:
    return _COLOR.sub("", "\n".join(traceback))


def test_the_last_expression_is_the_result(guest: Guest) -> None:
    assert guest.value("x = 20\nx + 1") == "21"


def test_a_semicolon_silences_the_result(guest: Guest) -> None:
    guest.ok("5;")
    assert guest.events("result") == []


def test_underscore_in_and_out(guest: Guest) -> None:
    guest.ok("40 + 1")
    number = guest.count
    assert guest.value("_ + 1") == "42"
    assert guest.value(f"Out[{number}], In[{number}], _i{number}") == "(41, '40 + 1', '40 + 1')"


def test_cells_are_numbered_as_the_host_counts(guest: Guest) -> None:
    guest.count += 7
    guest.fails("1/0", "ZeroDivisionError")
    (error,) = guest.events("error")
    assert f"Cell In[{guest.count}], line 1" in _plain(error["traceback"])
    assert guest.value(f"In[{guest.count}]") == "'1/0'"


def test_an_error_is_shown_once_and_replied(guest: Guest) -> None:
    reply = guest.fails("def f():\n    return {}['k']\n\nf()", "KeyError")
    (error,) = guest.events("error")
    assert error["ename"] == "KeyError" and error["traceback"] == reply["traceback"]
    text = _plain(reply["traceback"])
    assert "----> 4 f()" in text and "in f()" in text
    assert any("\x1b[" in line for line in reply["traceback"]), "coloured"
    assert reply["facts"]["types"][0] == "builtins.KeyError"


def test_syntax_errors_have_a_caret(guest: Guest) -> None:
    reply = guest.fails("x = = 1", "SyntaxError")
    assert re.search(r"^ +\^", _plain(reply["traceback"]), re.M)


def test_a_missing_module_is_named_for_the_host(guest: Guest) -> None:
    reply = guest.fails("import surely_not_there", "ModuleNotFoundError")
    assert reply["facts"]["name"] == "surely_not_there"


def test_a_missing_file_is_named_for_the_host(guest: Guest) -> None:
    reply = guest.fails("open('/no/such/file')", "FileNotFoundError")
    assert reply["facts"]["filename"] == "/no/such/file"
    assert reply["facts"]["errno"] > 0


def test_exception_groups_are_errors_like_others(guest: Guest) -> None:
    reply = guest.fails("raise ExceptionGroup('g', [ValueError(1)])", "ExceptionGroup")
    assert "ValueError: 1" in _plain(reply["traceback"])
    assert "interactiveshell" not in _plain(reply["traceback"])
    assert guest.err == ""


def test_an_exception_whose_str_fails(guest: Guest) -> None:
    guest.cell("class E(Exception):\n    def __str__(self): 1/0\n\nraise E")
    assert guest.host.replies[0]["status"] == "error"
    assert guest.value("1") == "1"


def test_an_error_in_repr_fails_the_cell(guest: Guest) -> None:
    guest.fails("class B:\n    def __repr__(self): 1/0\n\nB()", "ZeroDivisionError")


def test_sys_exit_is_an_error_with_advice(guest: Guest) -> None:
    guest.fails("import sys; sys.exit(3)", "SystemExit")
    assert "To exit" in guest.err


def test_exit_asks_the_front_end(guest: Guest) -> None:
    for code, keep in (("exit", False), ("quit()", False), ("exit(keep_kernel=True)", True)):
        reply = guest.ok(code)
        assert reply["exit"] is True and reply["keep"] is keep
        assert reply["payload"] == [{"source": "ask_exit", "keepkernel": keep}]
    assert "exit" not in guest.ok("1")


def test_question_marks_page(guest: Guest) -> None:
    (payload,) = guest.ok("len?")["payload"]
    assert payload["source"] == "page" and "number of items" in payload["data"]["text/plain"]
    guest.ok("def documented():\n    'a docstring'\n    return 1")
    (payload,) = guest.ok("documented??")["payload"]
    assert "return" in payload["data"]["text/plain"]


def test_set_next_input(guest: Guest) -> None:
    (payload,) = guest.ok("get_ipython().set_next_input('next')")["payload"]
    assert payload == {"source": "set_next_input", "text": "next", "replace": False}


def test_user_expressions(guest: Guest) -> None:
    reply = guest.ok("y = 6", user_expressions={"good": "y * 7", "bad": "1/0"})
    assert reply["user_expressions"]["good"]["data"]["text/plain"] == "42"
    assert reply["user_expressions"]["bad"]["status"] == "error"


def test_silent_cells_leave_no_trace(guest: Guest) -> None:
    guest.ok("'before'")
    guest.cell("1 + 1", silent=True, store_history=False)
    assert guest.events() == []
    assert guest.value("_") == "'before'"


def test_magics(guest: Guest) -> None:
    guest.ok("%timeit -n1 -r1 pass")
    assert "per loop" in guest.out
    guest.ok("%%time\nsum(range(3))")
    assert "Wall time" in guest.out
    guest.ok("%who")
    guest.ok("%cd .")
    guest.ok("%lsmagic")
    guest.ok("kept = 5\n%store kept\ndel kept\n%store -r kept\nassert kept == 5")
    guest.ok("%%writefile written.py\nprint('ran', __name__)")
    guest.ok("%run written.py")
    assert guest.out.endswith("ran __main__\n")
    (payload,) = guest.ok("%load written.py")["payload"]
    assert payload["source"] == "set_next_input" and payload["replace"] is True
    (payload,) = guest.ok("%less written.py")["payload"]
    assert payload["source"] == "page"
    guest.ok("%load_ext autoreload")


def test_capture_captures(guest: Guest) -> None:
    guest.ok("%%capture got\nprint('text'); display(1); 2")
    assert guest.out == "" and guest.events() == []
    assert guest.value("got.stdout, len(got.outputs)") == "('text\\n', 2)"


def test_user_classes_pickle(guest: Guest) -> None:
    guest.ok("import pickle\nclass P:\n    x = 1\n\nassert pickle.loads(pickle.dumps(P())).x == 1")
    assert guest.value("P.__module__, __name__") == "('__main__', '__main__')"


def test_nothing_in_the_namespace_reaches_the_next_turn(guest: Guest) -> None:
    guest.ok("__import__ = None\nserve_turn = None")
    assert guest.value("1") == "1"
    guest.ok("del __import__")


def test_a_deleted_builtin_comes_back(guest: Guest) -> None:
    guest.cell("import builtins; del builtins.len")
    assert guest.value("len('ab')") == "2"


def test_recursion_is_an_error(guest: Guest) -> None:
    guest.fails("def r(n): return r(n + 1)\n\nr(0)", "RecursionError")
    assert guest.value("1") == "1"


def test_the_debugger_asks_through_input(guest: Guest) -> None:
    guest.cell("def bug(here):\n    1/0\n\nbug(77)")
    guest.host.inputs = ["p here", "q"]
    guest.ok("%debug")
    assert "77" in guest.out


def test_event_callbacks_that_fail_do_not_lose_the_reply(guest: Guest) -> None:
    guest.ok(
        "def bad(*a): raise ValueError('callback')\nget_ipython().events.register('post_execute', bad)"
    )
    guest.cell("1")
    guest.ok("get_ipython().events.unregister('post_execute', bad)")


def test_tokens_completions_and_tooltips(guest: Guest) -> None:
    guest.ok("import textwrap; some_name = [1]")
    code = "é = 1; textwrap.ded"
    reply = guest.turn("complete", code=code, cursor_pos=len(code))
    assert reply["matches"] == ["dedent"] or "dedent" in reply["matches"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (len(code) - 3, len(code))
    kinds = {c["text"]: c["type"] for c in reply["metadata"]["_jupyter_types_experimental"]}
    assert "dedent" in kinds
    reply = guest.turn("complete", code="", cursor_pos=99)
    assert reply["status"] == "ok"
    reply = guest.turn("inspect", code="textwrap.dedent(", cursor_pos=15, detail_level=0)
    assert reply["found"] and "whitespace" in reply["data"]["text/plain"]
    reply = guest.turn("inspect", code="no_such_thing", cursor_pos=3, detail_level=1)
    assert reply == {"status": "ok", "found": False, "data": {}, "metadata": {}}
    assert guest.turn("inspect", code="", cursor_pos=0, detail_level=0)["found"] is False


def test_is_complete(guest: Guest) -> None:
    assert guest.turn("is_complete", code="1 + 1") == {"status": "complete"}
    assert guest.turn("is_complete", code="for i in x:") == {
        "status": "incomplete",
        "indent": "    ",
    }
    assert guest.turn("is_complete", code="x = = 1")["status"] == "invalid"


def test_hello(guest: Guest) -> None:
    reply = guest.turn("hello")
    assert reply["python"].startswith("3.") and "IPython" in reply["banner"]
    assert reply["implementation_version"]


def test_unknown_requests_are_answered(guest: Guest) -> None:
    assert guest.turn("dance")["ename"] == "UnknownRequest"


def test_a_traceback_shows_lines_with_their_comments(guest: Guest) -> None:
    guest.ok(
        "class Adder:\n    # above\n    def add(self, x):  # the head\n        return x + 1  # body"
    )
    text = _plain(guest.fails("Adder().add('')  # the call", "TypeError")["traceback"])
    assert "1 Adder().add('')  # the call" in text
    assert "def add(self, x):  # the head" in text
    assert "return x + 1  # body" in text


def test_a_deep_recursion_is_folded_and_rendered_once(guest: Guest) -> None:
    guest.ok("def down(n):\n    return down(n + 1)  # again")
    reply = guest.fails("down(0)", "RecursionError")
    text = _plain(reply["traceback"])
    assert re.search(r"skipping similar frames: down at line 2 \(\d{3,} times\)", text)
    assert len(text.splitlines()) < 40
    guest.ok("kept = get_ipython().history_manager.exceptions")
    assert guest.value("[e['ename'] for e in kept.values()][-1]") == "'RecursionError'"


def test_a_recursion_through_two_functions_is_folded(guest: Guest) -> None:
    guest.ok("def even(n):\n    return odd(n - 1)\ndef odd(n):\n    return even(n - 1)")
    text = _plain(guest.fails("even(0)", "RecursionError")["traceback"])
    assert re.search(r"(even|odd) at line \d \(\d+ times\), (even|odd) at line \d", text)


def test_frames_without_source_are_only_named(guest: Guest) -> None:
    guest.ok("exec(compile('def made():\\n    1/0', '/nowhere/made.py', 'exec'))")
    text = _plain(guest.fails("made()", "ZeroDivisionError")["traceback"])
    assert "File /nowhere/made.py:2, in made()" in text
    assert "Could not get source" not in text


@pytest.mark.parametrize(
    ("code", "match"),
    [
        ("import collecti", "collections"),
        ("import IPyth", "IPython"),
        ("from xml.etr", "xml.etree"),
        ("from collections import Ordered", "OrderedDict"),
    ],
)
def test_completing_imports(guest: Guest, code: str, match: str) -> None:
    reply = guest.turn("complete", code=code, cursor_pos=len(code))
    assert reply["matches"].count(match) == 1


def test_modules_of_the_workspace_are_completed_when_they_appear(guest: Guest) -> None:
    for exists in (True, False):
        guest.ok(
            "import os\nopen('workspace_module.py', 'w').close()"
            if exists
            else "os.remove('workspace_module.py')"
        )
        reply = guest.turn("complete", code="import workspace_m", cursor_pos=18)
        assert ("workspace_module" in reply["matches"]) is exists


def test_the_working_directory_is_normalised(guest: Guest) -> None:
    guest.ok("import os; os.makedirs('some/deep', exist_ok=True); start = os.getcwd()")
    guest.ok("%cd some/./deep")
    assert guest.value("os.path.relpath(os.getcwd(), start)") == "'some/deep'"
    guest.ok("%cd ../..")
    assert guest.value("os.getcwd() == start") == "True"
    guest.fails("os.chdir('no_such_directory/..')", "FileNotFoundError")
    guest.ok("os.rmdir('some/deep'); os.rmdir('some')")


def test_a_long_text_of_an_error_is_cut_before_it_is_copied(guest: Guest) -> None:
    reply = guest.fails("error = ValueError('x' * 9_000_000)\nraise error", "ValueError")
    traceback = _plain(reply["traceback"])
    assert "raise error" in traceback
    for text, shown in ((reply["evalue"], 4_000_000), (traceback, 2_000_000)):
        assert shown < len(text) < shown + 10_000
        assert f"the other {9_000_000 - shown:,} characters are left out" in text[-200:]
    noted = "error = ValueError('v')\nerror.add_note('n' * 9_000_000)\nraise error"
    reply = guest.fails(noted, "ValueError")
    assert sum(map(len, reply["traceback"])) < 4_100_000 and "left out" in reply["traceback"][-1]
