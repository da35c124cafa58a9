"""Text and rich output of Python code and its libraries."""

from __future__ import annotations

import base64

import pytest

from frontend import SANDBOXED, Frontend


def test_print_without_newline_arrives_at_once(kernel: Frontend) -> None:
    cell = kernel.execute("print('working', end='', flush=True)\nline = input()\nprint(' done')", allow_stdin=True)
    assert cell.wait_for_stdout("working") == "working"
    kernel.receive_input_request()
    kernel.answer("")
    assert cell.finish().stdout == " done\n"


def test_a_progress_bar_is_live(kernel: Frontend) -> None:
    cell = kernel.execute("for i in range(3):\n    print(f'\\r{i}', end='', flush=True)\n    input()", allow_stdin=True)
    for i in range(3):
        assert cell.wait_for_stdout(f"\r{i}") == f"\r{i}"
        kernel.receive_input_request()
        kernel.answer("")
    assert cell.finish().stdout == ""


def test_output_is_live_without_flush(kernel: Frontend) -> None:
    cell = kernel.execute("import time\nprint('first')\ntime.sleep(2)\nprint('second')")
    assert cell.wait_for_stdout("first") == "first\n"
    assert cell.finish().stdout == "second\n"


def test_stdout_write_is_captured(kernel: Frontend) -> None:
    assert kernel.run_ok("import sys\nsys.stdout.write('a')\nsys.stderr.write('b');").stdout == "a"


@pytest.mark.sandbox  # ipykernel takes what goes to a descriptor through a pipe and a thread of its own
def test_os_write_is_captured_in_order(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import os, sys\nsys.stdout.write('a')\nsys.stdout.flush()\nos.write(1, b'b')\nprint('c');")
    assert outcome.stdout == "abc\n"
    assert kernel.run_ok("os.write(2, b'to stderr');").stderr == "to stderr"


@pytest.mark.sandbox
def test_bytes_that_are_no_utf8_are_shown_somehow(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import os\nos.write(1, b'ok \\xff\\xfe end\\n');")
    assert outcome.stdout.startswith("ok ") and outcome.stdout.endswith(" end\n")


@pytest.mark.sandbox
def test_a_character_split_over_two_writes_is_joined(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import os\nraw = 'é🎉'.encode()\nfor byte in raw: os.write(1, bytes([byte]))")
    assert outcome.stdout == "é🎉"


def test_warnings_go_to_stderr(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import warnings\nwarnings.warn('take care')")
    assert "UserWarning: take care" in outcome.stderr and outcome.stdout == ""


def test_logging_goes_to_stderr(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import logging\nlogging.getLogger('mine').warning('logged %d', 5)")
    assert "logged 5" in outcome.stderr and outcome.stdout == ""


def test_text_keeps_its_order_with_displays(kernel: Frontend) -> None:
    cell = kernel.execute("print('1')\ndisplay(2)\nprint('3')\ndisplay(4)\n5")
    cell.receive_busy()
    cell.receive_execute_input()
    cell.receive_stdout("1\n")
    cell.receive_display()
    cell.receive_stdout("3\n")
    cell.receive_display()
    cell.receive_result("5")
    cell.receive_idle()
    cell.receive_reply()


@pytest.mark.sandbox  # ipykernel gathers each of the two streams by itself
def test_stdout_and_stderr_keep_their_order(kernel: Frontend) -> None:
    cell = kernel.execute("import sys\nprint('1')\nprint('2', file=sys.stderr)\nprint('3')")
    cell.receive_busy()
    cell.receive_execute_input()
    cell.receive_stdout("1\n")
    cell.receive_stderr("2\n")
    cell.receive_stdout("3\n")
    cell.receive_idle()
    cell.receive_reply()


def test_redirect_stdout_works(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as text:\n    print('inside')\ntext.getvalue()")
    assert outcome.stdout == "" and outcome.result == {"text/plain": "'inside\\n'"}


# --- libraries -----------------------------------------------------------------------------------

FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.title('t')"


def test_a_figure_is_shown_inline_as_png(kernel: Frontend) -> None:
    outcome = kernel.run_ok(f"%matplotlib inline\n{FIGURE}\nplt.show()")
    image = base64.b64decode(outcome.displays[0]["image/png"])
    assert image.startswith(b"\x89PNG\r\n\x1a\n") and len(image) > 2000


def test_an_open_figure_is_shown_at_the_end_of_the_cell(kernel: Frontend) -> None:
    outcome = kernel.run_ok(f"%matplotlib inline\n{FIGURE};")
    assert [set(d) >= {"image/png", "text/plain"} for d in outcome.displays] == [True]
    assert kernel.run_ok("1").displays == []


def test_a_figure_without_the_magic_is_inline_too(start) -> None:
    assert "image/png" in start().run_ok(f"{FIGURE}\nplt.show()").displays[0]


def test_a_figure_as_svg(kernel: Frontend) -> None:
    outcome = kernel.run_ok(f"%config InlineBackend.figure_formats = ['svg']\n%matplotlib inline\n{FIGURE}\nplt.show()")
    assert "<svg" in outcome.displays[0]["image/svg+xml"]
    kernel.run_ok("%config InlineBackend.figure_formats = ['png']")


def test_a_figure_object_is_a_result(kernel: Frontend) -> None:
    outcome = kernel.run_ok("%matplotlib inline\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nplt.close(fig)\nfig")
    assert outcome.result["image/png"] and outcome.result["text/plain"].startswith("<Figure size")


def test_a_dataframe_is_html_and_text(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})")
    assert "<table" in outcome.result["text/html"] and "dataframe" in outcome.result["text/html"]
    assert outcome.result["text/plain"] == "   a  b\n0  1  x\n1  2  y"


def test_numpy_and_pandas_compute(kernel: Frontend) -> None:
    assert kernel.value("(lambda np: float(np.linalg.det(np.array([[1., 2.], [3., 5.]])).round(6)))(__import__('numpy'))") == "-1.0"
    outcome = kernel.run_ok("import pandas as pd, numpy as np\nframe = pd.DataFrame({'k': list('aabb'), 'v': np.arange(4)})\n"
                            "frame.groupby('k').v.sum().to_dict()")
    assert outcome.result == {"text/plain": "{'a': 1, 'b': 5}"}


def test_csv_round_trip_in_the_working_directory(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import pandas as pd, os\npd.DataFrame({'n': [1, 2, 3]}).to_csv('t.csv', index=False)\n"
                            "total = int(pd.read_csv('t.csv').n.sum())\nos.remove('t.csv')\ntotal")
    assert outcome.result == {"text/plain": "6"}


def test_sympy_is_latex(kernel: Frontend) -> None:
    if SANDBOXED and kernel.value("__import__('importlib.util').util.find_spec('sympy') is None") == "True":
        pytest.skip("sympy is not among the guest's packages")
    outcome = kernel.run_ok("import sympy\nsympy.init_printing(use_latex='mathjax')\nx = sympy.Symbol('x')\nsympy.Integral(x**2, x)")
    assert "\\int" in outcome.result["text/latex"]


def test_a_widget_is_created_and_updated(kernel: Frontend) -> None:
    if SANDBOXED and kernel.value("__import__('importlib.util').util.find_spec('ipywidgets') is None") == "True":
        pytest.skip("ipywidgets is not among the guest's packages")
    outcome = kernel.run_ok("import ipywidgets as widgets\nslider = widgets.IntSlider(value=3, max=10)\nslider")
    opened = [m["content"] for m in outcome.messages if m["msg_type"] == "comm_open"]
    assert {c["target_name"] for c in opened} == {"jupyter.widget"}
    model = next(c for c in opened if c["data"]["state"].get("_model_name") == "IntSliderModel")
    view = outcome.result["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == model["comm_id"]

    moved = kernel.request("comm_msg", {"comm_id": model["comm_id"], "data": {"method": "update", "state": {"value": 8}, "buffer_paths": []}})
    while moved.next_message()["content"].get("execution_state") != "idle":
        pass
    assert kernel.value("slider.value") == "8"

    told = kernel.run_ok("slider.value = 5").of("comm_msg")
    assert any(c["data"]["method"] == "update" and c["data"]["state"].get("value") == 5 for c in told)


def test_widget_callbacks_print_where_they_were_called(kernel: Frontend) -> None:
    if SANDBOXED and kernel.value("__import__('importlib.util').util.find_spec('ipywidgets') is None") == "True":
        pytest.skip("ipywidgets is not among the guest's packages")
    kernel.run_ok("import ipywidgets as widgets\nbutton = widgets.Button()\nbutton.on_click(lambda b: print('clicked'))")
    comm_id = kernel.value("button.comm.comm_id").strip("'")
    click = kernel.request("comm_msg", {"comm_id": comm_id, "data": {"method": "custom", "content": {"event": "click"}}})
    click.receive_busy()
    click.receive_stdout("clicked\n")
    click.receive_idle()


def test_tqdm_writes_its_bar(kernel: Frontend) -> None:
    if kernel.value("__import__('importlib.util').util.find_spec('tqdm') is None") == "True":
        pytest.skip("tqdm is not installed in this kernel")
    assert "100%" in kernel.run_ok("from tqdm import tqdm\nfor _ in tqdm(range(10)): pass").stderr


# --- state ---------------------------------------------------------------------------------------


def test_everything_lives_from_cell_to_cell(kernel: Frontend) -> None:
    kernel.run_ok("import itertools\ncounter = itertools.count()\nnext(counter)\n"
                  "def gen():\n    for i in range(5):\n        yield i\nopen_generator = gen()\nnext(open_generator)\n"
                  "class Kept:\n    pass\nkept = Kept()\nkept.self = kept\nclosure = (lambda n: lambda: n)(7)")
    assert kernel.value("next(counter), next(open_generator), kept.self is kept, closure(), type(kept) is Kept") == "(1, 1, True, 7, True)"


def test_files_live_from_cell_to_cell(kernel: Frontend) -> None:
    kernel.run_ok("import os\nhandle = open('open_file.txt', 'w+')\nhandle.write('one\\n')\nhandle.flush()")
    kernel.run_ok("handle.write('two\\n')\nhandle.seek(0)")
    assert kernel.value("handle.read()") == "'one\\ntwo\\n'"
    kernel.run_ok("handle.close(); os.remove('open_file.txt')")


def test_the_library_zoo_imports(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "import json, re, sqlite3, zlib, hashlib, decimal, fractions, datetime, collections, dataclasses, typing, csv\n"
        "db = sqlite3.connect(':memory:')\n"
        "db.execute('create table t (a)')\ndb.execute('insert into t values (3)')\n"
        "db.execute('select a from t').fetchone(), hashlib.sha256(b'').hexdigest()[:8], zlib.decompress(zlib.compress(b'z'))")
    assert outcome.result == {"text/plain": "((3,), 'e3b0c442', b'z')"}
