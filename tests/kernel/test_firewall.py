"""The output firewall at the kernel's edge: everything that leaves passes it, what was removed is said once, the policy opens it.

What the firewall makes of each hostile output is tested in Rust (`src/firewall`) and in a real browser (`tests/browser`); here it is
about each way out.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox

CORPUS = Path(__file__).parents[1] / "firewall"
HOSTILE = [json.loads(path.read_text()) for path in sorted((CORPUS / "hostile").glob("*.json"))]
BENIGN = [json.loads(path.read_text()) for path in sorted((CORPUS / "benign").glob("*.json"))]
ACTING = [item for item in HOSTILE if item["fires"] or item["click"]]

SCRIPT = "<script>alert(1)</script>shown"
TITLE = "\\x1b]0;title\\x07"
CLIPBOARD = "\\x1b]52;c;eA==\\x07"
OPEN = {"output": {"active_content": True, "remote_resources": True, "terminal": True}}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory):
    """A kernel that lets everything through."""
    from policies import write_policy

    directory = tmp_path_factory.mktemp("opened")
    kernel = Frontend(arguments=("--policy", str(write_policy(directory / "policy.toml", OPEN))), stderr_path=directory / "stderr")
    yield kernel
    kernel.close()


def sending(item: dict[str, Any]) -> str:
    """A cell that sends exactly what an item of the corpus has, by the bridge's own door."""
    return textwrap.dedent(f"""
        import json, struct, sys, _host
        item = json.loads({json.dumps(item)!r})
        def send(**frame):
            text = json.dumps(frame).encode()
            _host.call(struct.pack('<I', len(text)) + text + struct.pack('<I', 0))
        for message in item.get('comm', []):
            content = {{key: message[key] for key in ('comm_id', 'target_name', 'data') if key in message}}
            send(op='comm', msg_type='comm_open' if message['kind'] == 'open' else 'comm_msg', content=content, metadata={{}})
        if 'bundle' in item:
            send(op='display', transient={{}}, update=False, **item['bundle'])
        if 'stream' in item:
            sys.stdout.write(item['stream'])
        """)


def said(kernel_outcome) -> list[str]:
    return [line for line in kernel_outcome.stderr.splitlines() if line.startswith("[cellblock] Removed")]


@pytest.mark.parametrize("item", ACTING, ids=lambda item: item["name"])
def test_what_acts_does_not_leave_the_kernel_and_that_is_said_once(kernel: Frontend, item: dict[str, Any]) -> None:
    outcome = kernel.run_ok(sending(item))
    removed = outcome.usage["outputs_removed"]
    sent = outcome.displays[0] if outcome.displays else None
    # A column that gets another name, a sign that gets a space, a text that is written anew such that all read it alike: nothing is taken away.
    rewritten = "tooltip" in item["name"] or item["name"] == "plotly-text-pieces" or item["family"] == "markdown" and sent != item["bundle"]["data"]
    if removed or not rewritten:
        assert removed
        notices = said(outcome)
        # Of what is not what it says to be, nothing can be allowed.
        assert len(notices) == 1 and ("`output." in notices[0] or set(removed) <= {"malformed", "too_large"})
    if "bundle" in item and "comm" not in item and not item["bundle"].get("metadata"):
        assert sent != item["bundle"]["data"]


def test_the_same_leaves_the_kernel_where_the_policy_allows_it(opened: Frontend) -> None:
    for item in ACTING:
        outcome = opened.run_ok(sending(item))
        assert outcome.usage["outputs_removed"] == {} and not said(outcome), item["name"]
        if "bundle" in item:
            assert outcome.displays == [item["bundle"]["data"]], item["name"]
        sent = len(outcome.of("comm_open")) + len(outcome.of("comm_msg"))
        assert sent == len(item.get("comm", [])), item["name"]
        assert outcome.stdout == item.get("stream", ""), item["name"]


def test_honest_outputs_pass_and_nothing_is_said(kernel: Frontend) -> None:
    assert len(BENIGN) >= 30
    for item in BENIGN:
        outcome = kernel.run_ok(sending(item))
        assert outcome.usage["outputs_removed"] == {} and outcome.stderr == "", item["name"]
        if "bundle" in item:
            assert set(outcome.displays[0]) == set(item["bundle"]["data"]), item["name"]
        assert outcome.stdout == item.get("stream", "")


def test_text_on_both_streams_keeps_colours_and_loses_commands(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        f"import sys\nprint('\\x1b[31mred\\x1b[0m {TITLE}a')\nprint('{CLIPBOARD}b\\x9b2Jc', file=sys.stderr)\nprint('split\\x1b]0;', end='', flush=True)\n"
        "display('between')\nprint('title\\x07 end')")
    assert outcome.stdout == "\x1b[31mred\x1b[0m a\nsplit end\n"
    assert outcome.stderr.splitlines()[0] == "bc"
    assert said(outcome) == ["[cellblock] Removed 4 terminal control sequences from this cell's outputs (`output.terminal = true` in the policy would allow it)."]


def test_a_new_cell_begins_with_plain_text(kernel: Frontend) -> None:
    kernel.run_ok("print('\\x1b]0;never ended', end='')")
    assert kernel.run_ok("print('seen')").stdout == "seen\n"


def test_errors_their_tracebacks_and_the_reply(kernel: Frontend) -> None:
    outcome = kernel.run(f"type('E{TITLE}', (Exception,), {{}})  # as a name\nclass Loud(Exception): pass\nLoud.__name__ = 'Lo{TITLE}ud'\nraise Loud('a{CLIPBOARD}b')")
    for content in (outcome.error, outcome.content):
        text = json.dumps(content)
        assert "\\u001b]" not in text and "\\u0007" not in text
        assert content["ename"] == "Loud" and content["evalue"] == "ab"
    assert outcome.usage["outputs_removed"]["terminal"] >= 4 and len(said(outcome)) == 1


def test_results_updates_and_output_widgets(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        f"from IPython.display import HTML, display\nhandle = display(HTML('<b>1</b>'), display_id='x')\nhandle.update(HTML({SCRIPT!r}))\nHTML({SCRIPT!r})")
    assert outcome.of("update_display_data")[0]["data"]["text/html"] == "shown"
    assert outcome.of("update_display_data")[0]["transient"] == {"display_id": "x"}
    assert outcome.result["text/html"] == "shown"
    assert outcome.usage["outputs_removed"] == {"script": 2}
    captured = kernel.run_ok(
        "import ipywidgets\nout = ipywidgets.Output()\n"
        f"out.outputs = ({{'output_type': 'display_data', 'data': {{'text/html': {SCRIPT!r}}}, 'metadata': {{}}}},)")
    texts = json.dumps([c["data"] for c in captured.of("comm_open") + captured.of("comm_msg")])
    assert "shown" in texts and "<script" not in texts


def test_payloads_of_the_reply(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        f"shell = get_ipython()\nshell.payload_manager.write_payload({{'source': 'page', 'data': {{'text/plain': 'a{TITLE}b', 'text/html': {SCRIPT!r}}}, 'start': 0}})\n"
        "shell.payload_manager.write_payload({'source': 'edit', 'filename': '/etc/passwd', 'line_number': 1})\n"
        "shell.set_next_input('x = \"\\u202e1\"\\x1b[2J')")
    by_source = {payload["source"]: payload for payload in outcome.content["payload"]}
    assert by_source["page"]["data"] == {"text/plain": "ab", "text/html": "shown"}
    assert by_source["set_next_input"]["text"] == 'x = "1"[2J'
    assert set(by_source) == {"page", "set_next_input"}
    assert set(outcome.usage["outputs_removed"]) == {"script", "terminal", "unknown_type"}


def test_user_expressions(kernel: Frontend) -> None:
    kernel.run_ok(f"from IPython.display import HTML\nmark = HTML({SCRIPT!r})")
    outcome = kernel.run_ok("0", user_expressions={"mark": "mark"})
    assert outcome.content["user_expressions"]["mark"]["data"]["text/html"] == "shown"


def test_tooltips_and_completions(kernel: Frontend) -> None:
    kernel.run_ok(f"def documented(): pass\ndocumented.__doc__ = 'a{TITLE}b'\nns = {{'k\\x1b]0;t\\x07ey': 1}}")
    request = kernel.request("inspect_request", {"code": "documented", "cursor_pos": 10, "detail_level": 0})
    text = json.dumps(request.reply()["content"])
    assert "ab" in text and "\\u001b]" not in text and "\\u0007" not in text
    request = kernel.request("complete_request", {"code": "ns['", "cursor_pos": 4})
    text = json.dumps(request.reply()["content"])
    assert "\\u001b" not in text and "\\u0007" not in text


def test_a_question_to_the_user(kernel: Frontend) -> None:
    cell = kernel.execute(f"input('name{TITLE}? ')", allow_stdin=True)
    assert kernel.receive_input_request()["prompt"] == "name? "
    kernel.answer("x")
    cell.finish()


def test_comms_lead_to_widgets_alone_unless_the_policy_names_a_target(kernel: Frontend, start) -> None:
    code = "import comm\none = comm.create_comm(target_name='my-extension', data={'a': 1}, target_module='http://evil.invalid/x.js')\none.send({'b': 2})"
    outcome = kernel.run_ok(code)
    assert not outcome.of("comm_open") and outcome.usage["outputs_removed"] == {"comm": 1}
    assert "output.comm_targets" in said(outcome)[0]
    outcome = start(policy={"output": {"comm_targets": ["my-extension"]}}).run_ok(code)
    (opening,) = outcome.of("comm_open")
    assert set(opening) == {"comm_id", "target_name", "data"} and outcome.of("comm_msg")[0]["data"] == {"b": 2}


def test_what_a_page_asks_for_when_it_is_loaded_again(kernel: Frontend) -> None:
    """ipywidgets answers with the states of all widgets, those that were refused among them."""
    kernel.run_ok(
        "import ipywidgets\nfrom traitlets import Unicode\nfine = ipywidgets.HTML('<b>x</b>')\n"
        "class Evil(ipywidgets.DOMWidget):\n"
        "    _model_name = Unicode('AnyModel').tag(sync=True); _model_module = Unicode('anywidget').tag(sync=True)\n"
        "    _esm = Unicode('export default {}').tag(sync=True)\nevil = Evil()\nfine.value = '<b onclick=\"x\">x</b>'")
    opening = kernel.request("comm_open", {"comm_id": "control", "target_name": "jupyter.widget.control", "data": {}}, metadata={"version": "1.0.0"})
    opening.receive_busy()
    opening.receive_idle()
    asking = kernel.request("comm_msg", {"comm_id": "control", "data": {"method": "request_states"}})
    asking.receive_busy()
    answer = asking.next_message()
    states = answer["content"]["data"]["states"]
    names = [state["model_name"] for state in states.values()]
    assert "HTMLModel" in names and "AnyModel" not in names
    assert "onclick" not in json.dumps(states) and "export default" not in json.dumps(states)


def test_the_policy_opens_one_door_at_a_time(start) -> None:
    cell = f"print('a{TITLE}b')\nfrom IPython.display import HTML, display\ndisplay(HTML('<img src=\"https://x.invalid/a.png\">' + {SCRIPT!r}))"
    remote = start(policy={"output": {"remote_resources": True}}).run_ok(cell)
    assert set(remote.usage["outputs_removed"]) == {"terminal", "script"} and "x.invalid" in remote.displays[0]["text/html"]
    terminal = start(policy={"output": {"terminal": True}}).run_ok(cell)
    assert set(terminal.usage["outputs_removed"]) == {"remote", "script"} and terminal.stdout == "a\x1b]0;title\x07b\n"


def test_guidance_passes_as_it_is(kernel: Frontend) -> None:
    outcome = kernel.run("import torch")
    (shown,) = outcome.displays
    assert "<details" in shown["text/html"] and "<summary" in shown["text/html"] and "var(--jp-" in shown["text/html"]
    assert "application/vnd.cellblock.advice+json" in shown and outcome.usage["outputs_removed"] == {}


def test_a_silent_cell_is_checked_too(kernel: Frontend) -> None:
    outcome = kernel.execute(f"print('a{TITLE}b')", silent=True, store_history=False).finish()
    assert outcome.stdout == "ab\n" and not said(outcome)


def test_an_interrupt_does_not_wait_for_a_large_display_to_be_checked(start) -> None:
    """What was interrupted is not shown, and everything else is as it was."""
    # Of this the test is not: how soon a guest on a busy machine comes to look.
    kernel = start(policy={"interrupt_grace_seconds": 60.0})
    # Made before, so that nothing but the check takes its time.
    kernel.run_ok(textwrap.dedent("""
        import json, struct, _host
        kept, figure = [1, 2, 3], '<i class=a>x</i>' * 1_000_000
        text = json.dumps({'op': 'display', 'data': {'text/html': figure}, 'metadata': {}, 'transient': {}, 'update': False}).encode()
        frame = struct.pack('<I', len(text)) + text + struct.pack('<I', 0)"""))
    cell = kernel.execute("print('go', flush=True)\n_host.call(frame)\nended = True")
    cell.wait_for_stdout("go")
    kernel.interrupt()
    outcome = cell.finish()
    assert outcome.status == "error" and outcome.content["ename"] == "KeyboardInterrupt", outcome.describe()[:2000]
    assert not [shown for shown in outcome.displays if "</i><i" in str(shown)] and outcome.usage["state"] == "kept"
    assert kernel.value("kept, len(figure), 'ended' in globals()") == "([1, 2, 3], 16000000, False)"
    # The next display waits for its turn, and comes.
    shown = kernel.run_ok("from IPython.display import display\ndisplay({'text/html': '<b>y</b>' * 20_000}, raw=True)").displays
    assert "<b>y</b>" in str(shown)


def test_the_time_limit_holds_while_large_displays_are_checked(start) -> None:
    kernel = start(policy={"timeout_seconds": 2, "interrupt_grace_seconds": 60.0, "fuel_budget": 10**13, "display_max_bytes": 10**9})
    kernel.run_ok(textwrap.dedent("""
        import struct, _host
        kept = [1, 2, 3]
        text = b'{"op":"display","data":{"text/html":"' + b'<i class=a>x</i>' * 1_000_000 + b'"},"metadata":{},"transient":{},"update":false}'
        frame = struct.pack('<I', len(text)) + text + struct.pack('<I', 0)"""))
    outcome = kernel.run("begun = done = 0\nwhile True:\n    begun += 1\n    _host.call(frame)\n    done += 1")
    assert outcome.usage["trap_reason"] == "timeout" and "timeout_seconds" in outcome.error["evalue"], outcome.describe()[:2000]
    # It came while the host had the last of them, and that one is not shown.
    assert kernel.value("begun - done, kept") == "(1, [1, 2, 3])" and outcome.usage["state"] == "kept"
    assert len([shown for shown in outcome.displays if "</i><i" in str(shown)]) <= int(kernel.value("done"))


def test_checking_is_charged_to_the_cell_and_bounded(kernel: Frontend) -> None:
    show = "from IPython.display import display\ntext = '<p>' + 'x' * 990 + '</p>'\nfor _ in range({}): display({{'text/html': text * {}}}, raw=True)"
    cheap, dear = (kernel.run_ok(show.format(1, size)).usage["fuel_consumed"] for size in (1, 5_000))
    assert dear - cheap > 1_000_000_000
    outcome = kernel.run_ok(show.format(3, 30_000))
    # Larger than any HTML may be; the third is not even looked at.
    notes = [display["text/plain"] for display in outcome.displays]
    assert [("too long" in note) for note in notes] == [False, False, True], notes
    assert outcome.usage["outputs_removed"] == {"too_large": 3} and "too large or too deep" in outcome.stderr
