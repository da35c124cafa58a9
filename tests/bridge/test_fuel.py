"""What the guest adds to the analysis of fuel: imports, hot lines and the magic."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from guests import ChildGuest, Guest


@pytest.fixture
def metered(guest: Guest) -> Iterator[Guest]:
    """A guest whose host's meter goes up by 100 whenever it is asked; modules to import."""
    meter = itertools.count(1000, 100)
    guest.host.answers["fuel"] = lambda _: {"fuel": next(meter)}
    yield guest
    guest.host.answers.clear()


def modules(guest: Guest, **sources: str) -> None:
    """Write modules into the workspace."""
    guest.host.answers.pop("fuel")
    guest.ok("import sys, importlib; sys.path[:] = ['', *[p for p in sys.path if p]]")
    for name, source in sources.items():
        guest.ok(f"open({name + '.py'!r}, 'w').write({source!r})\nimportlib.invalidate_caches()")
    meter = itertools.count(1000, 100)
    guest.host.answers["fuel"] = lambda _: {"fuel": next(meter)}


def test_an_import_is_reported_with_its_fuel(metered: Guest) -> None:
    modules(metered, plain_one="x = 1")
    reply = metered.ok("import plain_one")
    assert reply["imports"] == [{"name": "plain_one", "fuel": 100}]


def test_what_is_loaded_already_is_none_and_asks_nothing(metered: Guest) -> None:
    metered.ok("import json, json.decoder, importlib")
    reply = metered.ok(
        "import json.decoder\nfrom json import loads\nimportlib.import_module('json')\n"
        "def f():\n    import json\nf()"
    )
    assert "imports" not in reply and metered.events("fuel") == []


def test_imports_within_imports(metered: Guest) -> None:
    modules(
        metered,
        outer_two="import inner_two, inner_two2\nimport json.tool",
        inner_two="",
        inner_two2="",
    )
    assert metered.ok("import outer_two")["imports"][:3] == [
        {"name": "outer_two", "fuel": 500},
        {"name": "inner_two", "fuel": 100, "within": "outer_two"},
        {"name": "inner_two2", "fuel": 100, "within": "outer_two"},
    ]


def test_submodules_count_for_their_package(metered: Guest) -> None:
    modules(metered)
    metered.ok("import os; os.makedirs('pack_three/sub', exist_ok=True)")
    for name in ("__init__", "one", "two", "sub/__init__"):
        metered.ok(f"open('pack_three/{name}.py', 'w').close()")
    metered.ok("importlib.invalidate_caches()")
    reply = metered.ok("import pack_three.one\nimport pack_three.two")
    assert reply["imports"] == [{"name": "pack_three", "fuel": 200}]
    reply = metered.ok("from pack_three import sub")
    assert reply["imports"] == [{"name": "pack_three", "fuel": 100}]


def test_an_import_that_fails_is_none(metered: Guest) -> None:
    modules(metered, fails_four="import plain_four\n1/0", plain_four="")
    metered.fails("import no_such_module_four", "ModuleNotFoundError")
    assert "imports" not in metered.host.replies[0]
    reply = metered.fails("import fails_four", "ZeroDivisionError")
    assert "imports" not in reply


def test_the_import_that_took_all_the_fuel_is_named(metered: Guest) -> None:
    modules(metered, hungry="import signal\nsignal.raise_signal(signal.SIGINT)")
    metered.host.why = {"reason": "fuel", "message": "m", "key": "k", "limit": 1, "used": 2}
    try:
        reply = metered.fails("import hungry", "FuelExhausted")
    finally:
        metered.host.why = {"reason": "interrupt"}
    assert reply["imports"] == [{"name": "hungry", "fuel": 100, "unfinished": True}]


def test_a_host_without_a_meter_is_asked_once(metered: Guest) -> None:
    modules(metered, plain_six="", plain_seven="")
    metered.host.answers["fuel"] = {"error": "no such op"}
    reply = metered.ok("import plain_six, plain_seven")
    assert reply["imports"] == [
        {"name": "plain_six", "fuel": None},
        {"name": "plain_seven", "fuel": None},
    ]
    assert len(metered.events("fuel")) == 1


def test_tracebacks_do_not_show_that_imports_are_watched(metered: Guest) -> None:
    modules(metered, broken="def f():\n    1/0\nf()")
    reply = metered.fails("import broken", "ZeroDivisionError")
    text = "".join(reply["traceback"])
    assert "importlib" not in text and "_find_and_load" not in text
    modules(metered, broken_too="def f():\n    1/0\nf()")
    metered.ok(
        "import traceback\n"
        "try: import broken_too\n"
        "except ZeroDivisionError as e: frames = traceback.extract_tb(e.__traceback__)\n"
        "try: import not_there_at_all\n"
        "except ImportError as e: missing = traceback.extract_tb(e.__traceback__)"
    )
    assert metered.value("[f.name for f in frames], len(missing)") == (
        "(['<module>', '<module>', 'f'], 1)"
    )


_BUSY = """import signal
def inner():
    signal.raise_signal(signal.SIGINT)  # the hot one
for _ in range(3):
    inner()
signal.raise_signal(signal.SIGINT)
done = True
"""


def test_samples_name_the_hot_lines_and_stop_nothing(guest: Guest) -> None:
    guest.host.why = {"reason": "sample"}
    try:
        reply = guest.ok(_BUSY)
        again = guest.ok("inner()")
    finally:
        guest.host.why = {"reason": "interrupt"}
    number = guest.count - 1
    assert reply["samples"] == 4
    assert reply["hot_lines"] == [
        {
            "line": 3,
            "cell": number,
            "source": "signal.raise_signal(signal.SIGINT)  # the hot one",
            "samples": 3,
        },
        {"line": 6, "cell": number, "source": "signal.raise_signal(signal.SIGINT)", "samples": 1},
    ]
    assert (again["samples"], again["hot_lines"][0]["cell"]) == (1, number)
    assert not {"samples", "hot_lines"} & guest.ok("1").keys()


def test_a_sample_may_be_followed_by_a_limit(guest: Guest) -> None:
    reasons = iter(["sample", "sample", "fuel"])
    guest.host.why = lambda: {"reason": next(reasons), "message": "enough"}
    try:
        reply = guest.fails(
            "import signal\nwhile True:\n    signal.raise_signal(2)", "FuelExhausted"
        )
    finally:
        guest.host.why = {"reason": "interrupt"}
    assert [line["samples"] for line in reply["hot_lines"]] == [2]
    assert reply["facts"]["line"] == 3


def test_a_sample_that_finds_no_cell_is_only_counted(child: ChildGuest) -> None:
    child.ok(
        "import signal\n"
        "class Callback:\n"
        "    def __call__(self): pass\n"
        "get_ipython().events.register('post_execute', __import__('functools')"
        ".partial(signal.raise_signal, signal.SIGINT))"
    )
    child.host.why = {"reason": "sample"}
    reply = child.ok("1")
    assert (reply["samples"], reply["hot_lines"]) == (1, [])


@pytest.mark.parametrize(
    ("line", "command"), [("", "show"), ("show", "show"), ("on", "on"), ("off", "off")]
)
def test_the_fuel_magic(guest: Guest, line: str, command: str) -> None:
    guest.host.answers["fuel_display"] = {"text": "2 of 100"}
    guest.ok(f"%fuel {line}")
    assert [event["command"] for event in guest.events("fuel_display")] == [command]
    assert guest.out == "2 of 100\n"
    guest.host.answers["fuel_display"] = {"bundle": {"text/plain": "t", "text/html": "<b>t</b>"}}
    guest.ok(f"%fuel {line}")
    (shown,) = guest.events("display")
    assert shown["data"] == {"text/plain": "t", "text/html": "<b>t</b>"}
    guest.host.answers["fuel_display"] = {"error": "not metered"}
    guest.fails(f"%fuel {line}", "UsageError")
    assert guest.err == "UsageError: not metered\n"
    guest.host.answers.clear()
    guest.fails("%fuel more", "UsageError")
    assert "%fuel on" in guest.err and guest.events("fuel_display") == []
