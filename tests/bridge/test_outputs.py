"""Streams and displays."""

from __future__ import annotations

from guests import Guest


def test_text_goes_to_both_streams(guest: Guest) -> None:
    guest.ok("import sys, os\nprint('out'); print('err', file=sys.stderr)\nsys.stdout.write('w')")
    assert (guest.out, guest.err) == ("out\nw", "err\n")
    guest.ok("os.write(1, b'raw');")
    assert guest.out == "raw"


def test_streams_are_what_programs_expect(guest: Guest) -> None:
    assert guest.value("sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.errors") == (
        "(False, 'utf-8', 'backslashreplace')"
    )
    guest.ok("print('é\\ud800')")
    assert guest.out == "é\\ud800\n"
    guest.ok("sys.stdout.close(); print('still')")
    assert guest.out == "still\n"
    guest.ok("sys.stdout.buffer.write(b'bytes'); sys.stdout.flush()")
    assert guest.out == "bytes"


def test_half_lines_are_out_when_the_cell_ends(guest: Guest) -> None:
    guest.ok("print('half', end='')")
    assert guest.out == "half"


def test_warnings_and_logging_go_to_stderr(guest: Guest) -> None:
    guest.ok("import warnings, logging\nwarnings.warn('careful'); logging.warning('logged')")
    assert "UserWarning: careful" in guest.err and "logged" in guest.err
    assert guest.out == ""


def test_much_text_arrives_whole(guest: Guest) -> None:
    guest.ok("for i in range(20_000): print(i)")
    assert guest.out == "".join(f"{i}\n" for i in range(20_000))


def test_display_with_every_mime_type_and_updates(guest: Guest) -> None:
    guest.ok(
        "h = display({'text/plain': 'p', 'x/y': {'z': 1}, 'image/png': b'\\x89PNG'}, raw=True,\n"
        "            metadata={'x/y': {'m': 1}}, display_id='one')\n"
        "h.update('new')"
    )
    first, second = guest.events("display")
    assert first["data"] == {"text/plain": "p", "x/y": {"z": 1}, "image/png": "iVBORw=="}
    assert first["metadata"] == {"x/y": {"m": 1}}
    assert first["transient"] == {"display_id": "one"} and first["update"] is False
    assert second["update"] is True and second["transient"] == {"display_id": "one"}


def test_representations(guest: Guest) -> None:
    guest.ok(
        "class R:\n"
        "    def __repr__(self): return 'plain'\n"
        "    def _repr_html_(self): return '<b>html</b>'\n"
        "    def _repr_latex_(self): return '$x$'\n\n"
        "R()"
    )
    (result,) = guest.events("result")
    assert result["data"] == {
        "text/plain": "plain",
        "text/html": "<b>html</b>",
        "text/latex": "$x$",
    }
    guest.ok(
        "class M:\n"
        "    def _repr_mimebundle_(self, include=None, exclude=None):\n"
        "        return {'a/b': [1, float('nan')]}, {'a/b': {'k': 'v'}}\n\n"
        "M()"
    )
    (result,) = guest.events("result")
    assert result["data"]["a/b"] == [1, "nan"] and result["metadata"] == {"a/b": {"k": "v"}}


def test_clear_output(guest: Guest) -> None:
    guest.ok("from IPython.display import clear_output; clear_output(wait=True)")
    assert [event["wait"] for event in guest.events("clear_output")] == [True]


def test_what_the_host_refuses_is_an_error_in_the_cell(guest: Guest) -> None:
    guest.host.refuse = "display"
    try:
        reply = guest.cell("display(1)")
    finally:
        guest.host.refuse = None
    assert reply["ename"] == "DoorRefused" and "refused" in reply["evalue"]


def test_what_json_cannot_carry_is_an_error_in_the_cell(guest: Guest) -> None:
    reply = guest.cell("display({'text/plain': object()}, raw=True)")
    assert reply["ename"] == "TypeError"


def test_display_hooks(guest: Guest) -> None:
    guest.ok(
        "def swallow(message): seen.append(message['content']['data'])\n"
        "seen = []\npub = get_ipython().display_pub\n"
        "pub.register_hook(swallow)\ndisplay(1)\npub.unregister_hook(swallow)\ndisplay(2)"
    )
    assert [event["data"] for event in guest.events("display")] == [{"text/plain": "2"}]
    assert guest.value("seen") == "[{'text/plain': '1'}]"


def test_figures_are_inline_without_a_magic(real: Guest) -> None:
    real.ok("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('after')")
    (figure,) = real.events("display")
    assert figure["data"]["image/png"].startswith("iVBORw0KG")
    real.ok("%config InlineBackend.figure_formats = ['svg']\nplt.plot([1, 2]); plt.show()")
    (figure,) = real.events("display")
    assert "<svg" in figure["data"]["image/svg+xml"]
    real.ok("%config InlineBackend.figure_formats = ['retina']\nplt.plot([1, 2]); plt.show()")
    (figure,) = real.events("display")
    assert figure["metadata"]["image/png"]["width"] > 0
    real.cell("%matplotlib widget")
    assert "stay inline" in real.err


def test_tables_and_formulas(real: Guest) -> None:
    real.ok("import pandas as pd; pd.DataFrame({'a': [1]})")
    (result,) = real.events("result")
    assert "<table" in result["data"]["text/html"]
    real.ok("import sympy; sympy.init_printing(); sympy.sqrt(sympy.Symbol('x'))")
    (result,) = real.events("result")
    assert "sqrt" in result["data"]["text/latex"]
