"""What an error's facts say, from which the host classifies it without reading its text."""

from __future__ import annotations

from typing import Any

import pytest
from guests import Guest


def facts(guest: Guest, code: str) -> dict[str, Any]:
    reply = guest.cell(code)
    assert reply["status"] == "error", reply
    return reply["facts"]


@pytest.mark.parametrize(
    ("code", "line", "source"),
    [
        ("x = 1\n1/0", 2, "1/0"),
        ("def f():\n    return {}['a']\n\nf()", 2, "return {}['a']"),
        ("import json\njson.loads('{')", 2, "json.loads('{')"),
        ("x = 1\ny = = 2", 2, "y = = 2"),
        ("import asyncio\nasync def f():\n    1/0\nawait f()", 3, "1/0"),
    ],
)
def test_the_line_of_the_cell(guest: Guest, code: str, line: int, source: str) -> None:
    found = facts(guest, code)
    assert (found["line"], found["cell"], found["source"]) == (line, guest.count, source)


def test_the_line_may_be_in_an_earlier_cell(guest: Guest) -> None:
    guest.ok("x = 1\n\ndef of_before(): 1/0")
    found = facts(guest, "of_before()")
    assert (found["line"], found["cell"]) == (3, guest.count - 1)


def test_files(guest: Guest) -> None:
    found = facts(guest, "import os; here = os.getcwd(); open('missing/file.csv')")
    assert found["filename"] == "missing/file.csv" and found["errno_name"] == "ENOENT"
    assert guest.value("os.path.join(here, 'missing/file.csv')") == repr(found["path"])
    assert facts(guest, "open(b'missing')")["filename"] == "missing"
    assert facts(guest, "import pathlib; pathlib.Path('nowhere').stat()")["filename"] == "nowhere"
    found = facts(guest, "os.read(77, 1)")
    assert found["errno_name"] == "EBADF" and "filename" not in found
    found = facts(guest, "import errno; raise OSError(errno.ENOSPC, 'full', '/app/x')")
    assert (found["errno_name"], found["path"]) == ("ENOSPC", "/app/x")


def test_names(guest: Guest) -> None:
    guest.ok("customers = 1; _hidden = 2")
    found = facts(guest, "custmers")
    assert found["name"] == "custmers" and found["similar"] == ["customers"]
    assert facts(guest, "def f():\n    threshold = 1\n    return treshold\nf()")["similar"] == [
        "threshold"
    ]
    assert facts(guest, "pritn(1)")["similar"][0] == "print"
    assert facts(guest, "qqqqqqqqq")["similar"] == []
    assert facts(guest, "(5).bit_lenght()")["owner"] == "int"


def test_modules(guest: Guest) -> None:
    found = facts(guest, "import jsn")
    assert (found["name"], found["module"]) == ("jsn", "jsn") and "json" in found["similar"]
    found = facts(guest, "import json.nope")
    assert found["module"] == "json.nope"
    found = facts(
        guest,
        "try:\n    import not_here\nexcept ImportError as e:\n    raise ImportError('optional') from e",
    )
    assert found["module"] == "not_here" and "name" not in found


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import urllib.request as r; r.urlopen('http://a.b')", "network"),
        (
            "import socket\ntry: socket.socket()\n"
            "except OSError as e: raise RuntimeError('no download') from e",
            "network",
        ),
        (
            "import socket\ntry: socket.socket()\n"
            "except OSError: raise RuntimeError('no download')",
            "network",
        ),
        (
            "import socket\n"
            "def a():\n"
            "    try: socket.socket()\n"
            "    except OSError: raise KeyError('one')\n"
            "def b():\n"
            "    try: a()\n"
            "    except KeyError: raise ValueError('two')\n"
            "b()",
            "network",
        ),
        (
            "import asyncio, socket\n"
            "async def f(): socket.socket()\n"
            "async with asyncio.TaskGroup() as g: g.create_task(f())",
            "network",
        ),
        ("try: socket.socket()\nexcept OSError: 1/0", None),
        ("try: socket.socket()\nexcept OSError: int('x')", None),
        ("try: socket.socket()\nexcept OSError: raise ValueError('mine') from None", None),
        ("def plain(): raise ValueError('mine')\nplain()", None),
    ],
)
def test_reasons_behind_an_error(guest: Guest, code: str, reason: str | None) -> None:
    if reason is None:
        guest.ok("import socket")
    assert facts(guest, code).get("reason") == reason


def test_what_led_to_an_error_lends_it_its_facts(guest: Guest) -> None:
    found = facts(
        guest,
        "import socket\ntry: socket.socket()\nexcept OSError as e: raise RuntimeError from e",
    )
    assert found["types"][0] == "builtins.RuntimeError" and found["errno_name"] == "ENETUNREACH"


def test_input_that_nobody_can_answer(guest: Guest) -> None:
    reply = guest.cell("input()", allow_stdin=False)
    assert reply["ename"] == "StdinNotImplementedError" and reply["facts"]["reason"] == "stdin"


def test_memory(guest: Guest) -> None:
    size = "1 << 25, 1 << 20" if guest.kind == "cpython" else "(1 << 31) - 64,"
    found = facts(
        guest, f"import numpy as np; [np.empty(({size}), 'u1') for _ in range(4)]"
    )
    assert "builtins.MemoryError" in found["types"] and found["wanted"] > 1 << 30


def test_facts_are_bounded_and_survive_what_cells_do(guest: Guest) -> None:
    found = facts(guest, "raise NameError('n', name='x' * 100_000)")
    assert len(found["name"]) == 1000
    found = facts(
        guest,
        "class Odd(OSError):\n"
        "    @property\n"
        "    def filename(self): raise RuntimeError\n"
        "    errno = [1]\n"
        "raise Odd",
    )
    assert "errno" not in found and "filename" not in found
    found = facts(
        guest,
        "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nraise a",
    )
    assert found["types"][0] == "builtins.ValueError"


def test_a_library_that_tried_modules_and_kept_the_errors_to_itself(guest: Guest) -> None:
    code = (
        "def engine():\n"
        "    for name in ('torch', 'surely_not_there'):\n"
        "        try: __import__(name)\n"
        "        except ImportError: pass\n"
        "    raise ImportError('no engine')\n"
        "engine()"
    )
    found = facts(guest, code)
    assert found["tried"] == ["torch", "surely_not_there"] and "module" not in found
    assert found["reason"] == "native"
    assert "tried" not in facts(guest, "raise ImportError('mine')")


def test_pandas_says_which_optional_modules_are_missing(real: Guest) -> None:
    found = facts(real, "import pandas as pd; pd.DataFrame({'a': [1]}).to_parquet('x.parquet')")
    assert found["tried"][:1] == ["pyarrow"] and found["reason"] == "native"
