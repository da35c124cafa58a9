"""inspect, complete, is_complete."""

from __future__ import annotations

import pytest

from frontend import SANDBOXED, Frontend, plain


def test_inspect_finds_and_describes(kernel: Frontend) -> None:
    kernel.run_ok("def documented(x):\n    'Adds nothing.'\n    secret_marker = x\n    return secret_marker")
    brief = kernel.ask("inspect_request", {"code": "documented", "cursor_pos": 10, "detail_level": 0})
    assert brief["status"] == "ok" and brief["found"] is True
    text = plain(brief["data"]["text/plain"])
    assert "Adds nothing." in text and "documented(x)" in text
    assert "secret_marker" not in text


def test_inspect_detail_level_one_shows_the_source(kernel: Frontend) -> None:
    kernel.run_ok("def sourced(x):\n    secret_marker = x\n    return secret_marker")
    full = kernel.ask("inspect_request", {"code": "sourced", "cursor_pos": 7, "detail_level": 1})
    assert "secret_marker = x" in plain(full["data"]["text/plain"])


def test_inspect_of_nothing_is_answered(kernel: Frontend) -> None:
    reply = kernel.ask("inspect_request", {"code": "no_such_name", "cursor_pos": 5, "detail_level": 0})
    assert reply["status"] == "ok" and reply["found"] is False and reply["data"] == {}


def test_inspect_counts_in_code_points(kernel: Frontend) -> None:
    kernel.run_ok("def after_emoji():\n    'Found me.'")
    code = "'🎉🎉'; after_emoji"
    reply = kernel.ask("inspect_request", {"code": code, "cursor_pos": len(code), "detail_level": 0})
    assert "Found me." in plain(reply["data"]["text/plain"])


def test_complete_gives_matches_and_the_range_to_replace(kernel: Frontend) -> None:
    kernel.run_ok("completable_name = 1")
    reply = kernel.ask("complete_request", {"code": "x = completable_n", "cursor_pos": 17})
    assert reply["status"] == "ok"
    assert "completable_name" in reply["matches"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (4, 17)


def test_complete_has_types(kernel: Frontend) -> None:
    reply = kernel.ask("complete_request", {"code": "zi", "cursor_pos": 2})
    types = reply["metadata"]["_jupyter_types_experimental"]
    by_text = {t["text"]: t for t in types}
    assert by_text["zip"]["type"] == "class"
    assert {"start", "end", "text", "type"} <= set(by_text["zip"])


def test_complete_knows_attributes_of_live_objects(kernel: Frontend) -> None:
    kernel.run_ok("class Live:\n    pass\nlive = Live()\nlive.made_at_run_time = 1")
    reply = kernel.ask("complete_request", {"code": "live.made", "cursor_pos": 9})
    assert any("made_at_run_time" in match for match in reply["matches"])


def test_complete_counts_in_code_points(kernel: Frontend) -> None:
    code = "'🎉é🎉'; zi"
    reply = kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})
    assert "zip" in reply["matches"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (len(code) - 2, len(code))


def test_complete_knows_magics(kernel: Frontend) -> None:
    reply = kernel.ask("complete_request", {"code": "%timei", "cursor_pos": 6})
    assert "%timeit" in reply["matches"]


def test_complete_knows_modules(kernel: Frontend) -> None:
    reply = kernel.ask("complete_request", {"code": "import collecti", "cursor_pos": 15})
    assert "collections" in reply["matches"]


@pytest.mark.parametrize("cursor_pos", [-1, -10**9, 5, 1000, 2**31, 2**53])
@pytest.mark.parametrize("msg_type", ["complete_request", "inspect_request"])
def test_an_out_of_range_cursor_is_answered(kernel: Frontend, msg_type: str, cursor_pos: int) -> None:
    if msg_type == "complete_request" and not SANDBOXED:
        pytest.skip("ipykernel never answers such a complete_request")
    reply = kernel.ask(msg_type, {"code": "pri", "cursor_pos": cursor_pos, "detail_level": 0})
    assert reply["status"] in ("ok", "error")
    assert kernel.value("1 + 1") == "2"


@pytest.mark.parametrize("code, status, indent", [
    ("1 + 1", "complete", None),
    ("for x in y:", "incomplete", "    "),
    ("def f():\n    if x:", "incomplete", "        "),
    ("print('''hello", "incomplete", ""),
    ("import = 7q", "invalid", None),
    ("%%time\nfor x in range(3):\n    pass\n", "incomplete", None),
    ("", "complete", None),
])
def test_is_complete(kernel: Frontend, code: str, status: str, indent: str | None) -> None:
    reply = kernel.ask("is_complete_request", {"code": code})
    assert reply["status"] == status
    if indent is not None:
        assert reply["indent"] == indent


def test_introspection_leaves_no_trace(kernel: Frontend) -> None:
    before = kernel.run_ok("sorted(globals())[:3]").content["execution_count"]
    kernel.ask("complete_request", {"code": "print(", "cursor_pos": 6})
    kernel.ask("inspect_request", {"code": "print", "cursor_pos": 5, "detail_level": 1})
    kernel.ask("is_complete_request", {"code": "leak = 1"})
    assert kernel.value("'leak' in globals()") == "False"
    assert kernel.run_ok("0").content["execution_count"] == before + 1
