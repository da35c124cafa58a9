"""What a cell sends besides displays is held to the limits of displays: errors, replies and all their parts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frontend import Frontend, Outcome
from policies import mentions_number, write_policy

pytestmark = pytest.mark.sandbox

LIMIT = 1_000_000
# Of a few notes and the keys of a message.
SLACK = 20_000


@pytest.fixture(scope="module", params=["display_max_bytes", "output.max_display_bytes"])
def bounded(request, tmp_path_factory) -> Any:
    directory = tmp_path_factory.mktemp("bounded")
    policy = write_policy(directory / "policy.toml", {request.param: LIMIT})
    kernel = Frontend(arguments=("--policy", str(policy)), stderr_path=directory / "stderr")
    kernel.key = request.param
    yield kernel
    kernel.close()


def size(content: dict[str, Any]) -> int:
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def assert_bounded(kernel: Frontend, outcome: Outcome) -> None:
    assert size(outcome.content) <= LIMIT + SLACK
    for message in outcome.messages:
        if message["msg_type"] != "execute_input":
            assert size(message["content"]) <= LIMIT + SLACK, message["msg_type"]
    assert kernel.key in outcome.everything and mentions_number(outcome.everything, LIMIT)
    assert kernel.value("1 + 1") == "2"


ERRORS = {
    "a message": "raise Exception('x' * 5_000_000)",
    "a name": "raise type('E' * 5_000_000, (Exception,), {})('v')",
    "notes": "error = Exception('v')\nerror.add_note('n' * 5_000_000)\nraise error",
    "a group": "raise ExceptionGroup('g' * 5_000_000, [ValueError(i) for i in range(10)])",
    "a text that is no syntax": "exec('x = (' + 'y' * 5_000_000)",
    "beyond what goes through the door": "raise Exception('x' * 90_000_000)",
}


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_are_cut(bounded: Frontend, kind: str) -> None:
    outcome = bounded.run(ERRORS[kind])
    assert outcome.status == "error" and outcome.error
    assert_bounded(bounded, outcome)


def test_an_error_that_only_the_reply_says_is_cut_too(bounded: Frontend) -> None:
    """A cell may put a bridge of its own in place of ours."""
    outcome = bounded.run(
        "import cellblock_bridge.turn as turn\nfrom cellblock_bridge.door import door\n"
        "ours = turn._reply\n"
        "def reply(content, buffers):\n"
        "    turn._reply = ours\n"
        "    door.tell('reply', content={'status': 'error', 'ename': 'E', 'evalue': 'x' * 5_000_000, 'traceback': []})\n"
        "turn._reply = reply"
    )
    assert outcome.status == "error" and outcome.error["ename"] == "E"
    assert_bounded(bounded, outcome)


def test_an_error_still_says_where(bounded: Frontend) -> None:
    outcome = bounded.run("def deep():\n    raise Exception('x' * 5_000_000)  # this very line\ndeep()")
    assert "this very line" in outcome.traceback and outcome.error["evalue"].startswith("xxx")
    assert outcome.error["ename"] == outcome.content["ename"] == "Exception"


REPLIES = {
    "a page": "get_ipython()._page('x' * 5_000_000)",
    "the next cell": "get_ipython().set_next_input('x' * 5_000_000)",
    "many payloads": "for i in range(5_000): get_ipython().payload_manager.write_payload({'source': 'page', 'data': {'text/plain': 'x' * 1_000}, 'start': 0}, single=False)",
}


@pytest.mark.parametrize("kind", REPLIES)
def test_payloads_are_cut(bounded: Frontend, kind: str) -> None:
    assert_bounded(bounded, bounded.run_ok(REPLIES[kind]))


def test_values_of_expressions_are_cut_and_small_ones_stay(bounded: Frontend) -> None:
    outcome = bounded.run_ok("1", user_expressions={"small": "2", "large": "'x' * 5_000_000", "error": "[][('x' * 5_000_000)]", "last": "3"})
    answers = outcome.content["user_expressions"]
    assert answers["small"]["data"]["text/plain"] == "2" and answers["last"]["data"]["text/plain"] == "3"
    assert answers["large"]["status"] == "error" and bounded.key in answers["large"]["evalue"]
    assert_bounded(bounded, outcome)


def test_descriptions_and_completions_are_cut(bounded: Frontend) -> None:
    bounded.run_ok("class Long:\n    __doc__ = 'x' * 5_000_000\n    def __dir__(self): return ['x' * 1_000 + str(i) for i in range(5_000)]\nlong = Long()")
    described = bounded.ask("inspect_request", {"code": "long", "cursor_pos": 4, "detail_level": 0})
    assert size(described) <= LIMIT + SLACK and described["found"] and bounded.key in str(described)
    completed = bounded.ask("complete_request", {"code": "long.", "cursor_pos": 5})
    assert size(completed) <= LIMIT + SLACK and 100 < len(completed["matches"]) < 2_000


def test_comms_are_cut(bounded: Frontend) -> None:
    opened = "from comm import create_comm\ncomms = [create_comm(target_name='jupyter.widget', comm_id='x' * 200 + str(i)) for i in range(10)]"
    bounded.run(opened)
    bounded.run_ok("import comm\nfor i in range(20_000): comm.get_comm_manager().comms['x' * 200 + str(i)] = comms[0]")
    assert size(bounded.ask("comm_info_request", {})) <= LIMIT + SLACK
    bounded.run_ok("comm.get_comm_manager().comms.clear()")


def test_prompts_are_refused(bounded: Frontend) -> None:
    outcome = bounded.run("input('x' * 5_000_000)", allow_stdin=True)
    assert outcome.status == "error"
    assert_bounded(bounded, outcome)


def test_comm_messages_count_as_displays(bounded: Frontend) -> None:
    outcome = bounded.run("from comm import create_comm\ncomm = create_comm(target_name='jupyter.widget')\n"
                          "comm.send({'method': 'custom'}, buffers=[b'x' * 5_000_000])")
    assert outcome.error["ename"] == "DoorRefused"
    assert_bounded(bounded, outcome)


def test_errors_are_shown_whatever_the_displays_took(start) -> None:
    kernel = start(policy={"display_max_bytes": 100_000})
    outcome = kernel.run("from IPython.display import display\ndisplay({'text/plain': 'x' * 99_000}, raw=True)\n1 / 0")
    assert outcome.error["ename"] == "ZeroDivisionError" and "1 / 0" in outcome.traceback
    shown = "for i in range(300):\n    try: raise Exception('x' * 50_000)\n    except Exception: get_ipython().showtraceback()"
    outcome = kernel.run(shown)
    assert sum(size(error) for error in outcome.of("error")) < 300_000
    assert kernel.value("1 + 1") == "2"


def test_names_of_changed_files_are_bounded_in_bytes(start) -> None:
    kernel = start()
    outcome = kernel.run_ok("import os\nfor d in range(10):\n    os.makedirs('/'.join(['d' * 200] * 4) + str(d))\n"
                            "    for i in range(100): open('/'.join(['d' * 200] * 4) + f'{d}/{i}', 'w').close()")
    named = outcome.usage["files_created"]
    assert 100 < len(named) < 200 and sum(map(len, named)) <= 128 << 10
    assert outcome.usage["files_unnamed"] == 1000 - len(named)
