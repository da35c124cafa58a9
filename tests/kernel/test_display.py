"""display_data, update_display_data, clear_output, payloads."""

from __future__ import annotations

from frontend import Frontend


def test_display_id_is_transient_and_updated(kernel: Frontend) -> None:
    cell = kernel.execute("handle = display('one', display_id='the-id')\nhandle.update('two')")
    cell.receive_busy()
    cell.receive_execute_input()
    first = cell.receive_display()
    assert first["transient"] == {"display_id": "the-id"}
    assert first["data"]["text/plain"] == "'one'"
    second = cell.receive("update_display_data")
    assert second["transient"] == {"display_id": "the-id"}
    assert second["data"]["text/plain"] == "'two'"
    cell.receive_idle()
    cell.receive_reply()


def test_update_from_a_later_cell(kernel: Frontend) -> None:
    kernel.run_ok("from IPython.display import display, update_display\nh = display('x', display_id=True)")
    outcome = kernel.run_ok("h.update({'text/plain': 'raw'}, raw=True)")
    assert outcome.of("update_display_data")[0]["data"] == {"text/plain": "raw"}


def test_clear_output_with_and_without_wait(kernel: Frontend) -> None:
    cell = kernel.execute(
        "from IPython.display import clear_output\nprint('a')\nclear_output()\nprint('b')\nclear_output(wait=True)\nprint('c')")
    cell.receive_busy()
    cell.receive_execute_input()
    cell.receive_stdout("a\n")
    assert cell.receive("clear_output") == {"wait": False}
    # IPython clears a terminal as well, with "\r", on either side of the message.
    rest = cell.finish()
    kinds = [m["msg_type"] for m in rest.messages]
    assert rest.of("clear_output") == [{"wait": True}]
    assert rest.stdout.replace("\x1b[2K\r", "").replace("\r", "") == "b\nc\n"
    assert kinds.index("clear_output") > kinds.index("stream")


def test_every_known_mime_type_passes(kernel: Frontend) -> None:
    bundle = {
        "text/plain": "p", "text/html": "<b>h</b>", "text/markdown": "**m**", "text/latex": "$x$",
        "image/svg+xml": "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>", "image/png": "iVBORw0KGgo=",
        "application/json": {"a": [1, None, "é"], "deep": {"list": [1.5, True]}},
    }
    outcome = kernel.run_ok(f"null, true = None, True\ndisplay({bundle!r}, raw=True, metadata={{'image/png': {{'width': 3}}}})")
    shown = outcome.of("display_data")[0]
    assert shown["data"] == bundle
    assert shown["metadata"] == {"image/png": {"width": 3}}


def test_repr_methods_are_used(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "class Rich:\n"
        "    def __repr__(self): return 'plain'\n"
        "    def _repr_html_(self): return '<i>html</i>'\n"
        "    def _repr_markdown_(self): return '*md*'\n"
        "    def _repr_latex_(self): return '$l$'\n"
        "    def _repr_json_(self): return {'j': 1}\n"
        "    def _repr_png_(self): return b'\\x89PNG\\r\\n\\x1a\\n'\n"
        "Rich()")
    assert outcome.result["text/plain"] == "plain"
    assert outcome.result["text/html"] == "<i>html</i>"
    assert outcome.result["text/markdown"] == "*md*"
    assert outcome.result["text/latex"] == "$l$"
    assert outcome.result["application/json"] == {"j": 1}
    assert outcome.result["image/png"].strip() == "iVBORw0KGgo="


def test_repr_mimebundle_with_metadata(kernel: Frontend) -> None:
    cell = kernel.run_ok(
        "class Bundle:\n"
        "    def _repr_mimebundle_(self, include=None, exclude=None):\n"
        "        return {'text/plain': 'b', 'application/vnd.dataresource+json': {'k': 2}}, {'application/vnd.dataresource+json': {'m': 3}}\n"
        "Bundle()")
    result = cell.of("execute_result")[0]
    assert result["data"]["application/vnd.dataresource+json"] == {"k": 2}
    assert result["metadata"]["application/vnd.dataresource+json"] == {"m": 3}


def test_a_repr_that_raises_is_shown_and_harms_nothing(kernel: Frontend) -> None:
    outcome = kernel.run("class Bad:\n    def __repr__(self): raise ValueError('in repr')\nBad()")
    assert "in repr" in outcome.everything
    assert kernel.value("1 + 1") == "2"


def test_display_objects(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "from IPython.display import HTML, JSON, Latex, Markdown, Math, SVG, display\n"
        "display(HTML('<p>x</p>'), Markdown('# t'), Latex('$a$'), Math('b'), JSON({'k': 1}),\n"
        "        SVG('<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\"></svg>'))")
    mimes = [set(d) - {"text/plain"} for d in outcome.displays]
    assert mimes == [{"text/html"}, {"text/markdown"}, {"text/latex"}, {"text/latex"}, {"application/json"}, {"image/svg+xml"}]


def test_the_pager_comes_as_a_payload(kernel: Frontend) -> None:
    payload = kernel.run_ok("print?").content["payload"]
    assert [p["source"] for p in payload] == ["page"]
    assert "text/plain" in payload[0]["data"] and payload[0]["start"] == 0


def test_set_next_input_comes_as_a_payload(kernel: Frontend) -> None:
    payload = kernel.run_ok("get_ipython().set_next_input('x = 1', replace=True)").content["payload"]
    assert payload == [{"source": "set_next_input", "text": "x = 1", "replace": True}]


def test_payloads_are_of_their_own_cell_only(kernel: Frontend) -> None:
    kernel.run_ok("print?")
    assert kernel.run_ok("1").content["payload"] == []
