"""The portable part of a session: what can be saved goes on elsewhere, and the rest is listed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from guests import ChildGuest, Guest, kinds

_ROOM = 1 << 24


class Saved:
    def __init__(self, guest: Guest, max_bytes: int = _ROOM) -> None:
        self.content = guest.turn("portable", max_bytes=max_bytes)
        self.buffers = list(guest.host.reply_buffers)
        self.names = {entry["name"]: entry for entry in self.content["names"]}
        self.lost = {entry["name"]: entry for entry in self.content["lost"]}

    def load(self, guest: Guest, **changed: Any) -> tuple[set[str], dict[str, str]]:
        fields = {"names": self.content["names"], "python": self.content["python"]} | changed
        reply = guest.turn("load_portable", self.buffers, **fields)
        return set(reply["loaded"]), {entry["name"]: entry["why"] for entry in reply["lost"]}


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Guest, Guest]]:
    """The guest that saves and the one that loads."""
    kind = request.param
    guests = (kind(), kind())
    yield guests
    for guest in guests:
        guest.close()


both = pytest.mark.parametrize("pair", kinds(), indirect=True, ids=lambda kind: kind.kind)


@both
def test_what_pickles_goes_on_in_another_guest(pair: tuple[Guest, Guest]) -> None:
    first, second = pair
    first.ok(
        "import math, collections.abc as abc\n"
        "import numpy as np, pandas as pd\n"
        "shared = [1, 2]\n"
        "holder = {'shared': shared}\n"
        "factor = 10\n"
        "def scale(x): return helper(x) * factor\n"
        "def helper(x): return x + 1\n"
        "def counter():\n"
        "    n = 0\n"
        "    def step():\n"
        "        nonlocal n\n"
        "        n += 1\n"
        "        return n\n"
        "    return step\n"
        "step = counter(); step()\n"
        "class Base:\n"
        "    made = []\n"
        "    def __init__(self): Base.made.append(self)\n"
        "class Sub(Base):\n"
        "    def name(self): return (type(self).__name__, factor, math.floor(2.5))\n"
        "    def who(self): return super().__repr__()[:1]\n"
        "thing = Sub()\n"
        "big = np.arange(100_000.0)\n"
        "view = big\n"
        "table = pd.DataFrame({'a': [1, 2], 'b': ['x', None]})\n"
        "_private = 'mine'\n"
        "ip = get_ipython()"
    )
    first.ok("'a result'")
    saved = Saved(first)
    assert saved.lost == {}
    assert saved.names["np"] == {"name": "np", "module": "numpy"}
    assert saved.names["abc"]["module"] == "collections.abc"
    assert not {"In", "Out", "_", "_1", "_i", "_i1", "exit", "get_ipython"} & saved.names.keys()
    assert saved.names["table"]["type"] == "pandas.DataFrame" or "pandas" in saved.names["table"]["type"]
    assert saved.names["big"]["bytes"] > 800_000 > saved.names["view"]["bytes"]
    assert (saved.names["scale"]["code"], saved.names["big"]["code"]) == (True, False)

    loaded, lost = saved.load(second)
    assert lost == {} and loaded == saved.names.keys()
    assert second.value("scale(1)") == "20"
    second.ok("factor = 100")
    assert second.value("scale(1), thing.name()") == "(200, ('Sub', 100, 2))"
    assert second.value("step()") == "2"
    assert second.value("holder['shared'] is shared, view is big") == "(True, True)"
    assert second.value("type(thing) is Sub, Base.made[0] is thing, thing.who()") == (
        "(True, True, '<')"
    )
    second.ok("big[0] = 5; assert big.sum() == 5 + sum(range(100_000))")
    assert second.value("table.shape, _private, ip is get_ipython()") == (
        "((2, 2), 'mine', True)"
    )
    second.ok("import builtins; assert __builtins__ is builtins")


@both
def test_what_does_not_pickle_is_listed_and_nothing_else_is_lost(pair: tuple[Guest, Guest]) -> None:
    first, second = pair
    first.ok(
        "import sqlite3\n"
        "open('some.txt', 'w').write('text')\n"
        "generator = (i for i in range(3))\n"
        "reading = open('some.txt'); writing = open('other.txt', 'wb')\n"
        "connection = sqlite3.connect(':memory:')\n"
        "inside = {'deep': [generator]}\n"
        "class Bad:\n"
        "    def __reduce__(self): raise SystemExit('no')\n"
        "class Worse:\n"
        "    def __reduce__(self): return 5\n"
        "class Loud:\n"
        "    def __reduce__(self): raise ZeroDivisionError\n"
        "bad, worse, loud = Bad(), Worse(), Loud()\n"
        "deep = []\n"
        "for _ in range(20_000): deep = [deep]\n"
        "def uses(): return next(generator)\n"
        "good = 'good'"
    )
    saved = Saved(first)
    assert saved.lost.keys() == {
        "generator", "reading", "writing", "connection", "inside", "bad", "worse", "loud", "deep",
    }
    assert "generator" in saved.lost["generator"]["why"]
    assert saved.lost["reading"]["why"] == "cannot pickle an open file"
    assert saved.lost["connection"]["type"] == "sqlite3.Connection"
    assert all(0 < len(entry["why"]) <= 200 for entry in saved.lost.values())
    loaded, lost = saved.load(second)
    assert lost == {} and {"good", "uses", "Bad", "sqlite3"} <= loaded
    second.ok("generator = iter('x')")
    assert second.value("uses(), good") == "('x', 'good')"
    assert first.value("next(generator), reading.read(), connection.total_changes") == (
        "(0, 'text', 0)"
    ), "and the session that was saved is as it was"
    first.ok("del deep, inside; reading.close(); writing.close()")


def test_its_size_is_bounded(guest: Guest) -> None:
    guest.ok("%reset -f")
    guest.ok("small, large = 'small', bytes(300_000)\nmiddle = bytes(90_000); both = [large, middle]")
    for room, kept in (
        (1_000_000, {"small", "large", "middle", "both"}),
        (350_000, {"small", "middle"}),
        (50_000, {"small"}),
        (3, set()),
        (-1, set()),
    ):
        saved = Saved(guest, room)
        assert saved.names.keys() >= kept, room
        assert saved.names.keys() | saved.lost.keys() == {"small", "large", "middle", "both"}
        assert sum(map(len, saved.buffers)) <= max(room, 0)
        for entry in saved.lost.values():
            assert "no room" in entry["why"]


def test_an_interrupt_ends_it_with_what_was_done(child: ChildGuest) -> None:
    child.ok(
        "import signal\n"
        "class Stops:\n"
        "    def __reduce__(self): signal.raise_signal(signal.SIGINT)\n"
        "class Endless:\n"
        "    def __reduce__(self):\n"
        "        while True: pass\n"
        "before = 1\nstops = Stops()\nafter = 2"
    )
    child.host.why = {"reason": "fuel", "message": "enough", "key": "k", "limit": 1, "used": 2}
    saved = Saved(child)
    assert saved.names.keys() >= {"before", "signal"}
    assert saved.lost.keys() >= {"stops", "after"} and "enough" in saved.lost["stops"]["why"]
    child.ok("del stops; endless = Endless()")
    child.interrupt_after(0.5)
    assert "endless" in Saved(child).lost
    assert child.value("before") == "1"


@both
def test_a_module_that_is_gone_takes_only_what_needs_it(pair: tuple[Guest, Guest]) -> None:
    first, second = pair
    first.ok(
        "import sys; sys.path.insert(0, '')\n"
        "open('a_helper.py', 'w').write('class Kept: pass')\n"
        "import a_helper\n"
        "alone = ['alone']\n"
        "lost = [['inside'], a_helper.Kept()]\n"
        "after = ['after']\n"
        "also = [after, alone]\n"
        "needs = [lost]\n"
        "more = [lost[0]]"
    )
    saved = Saved(first)
    assert saved.lost == {}
    loaded, lost = saved.load(second)
    assert loaded == {"sys", "alone", "after", "also"}
    assert lost.keys() == {"a_helper", "lost", "needs", "more"}
    assert "a_helper" in lost["lost"] and "shares objects" in lost["needs"]
    assert second.value("also == [['after'], ['alone']], also[0] is after") == "(True, True)"
    second.fails("needs", "NameError")


def test_bytecode_of_another_python_is_not_run(guest: Guest) -> None:
    guest.ok("%reset -f")
    guest.ok("data = [1]\ndef function(): return 1\ntable = [function, data]\nother = [data]")
    saved = Saved(guest)
    guest.ok("%reset -f")
    loaded, lost = saved.load(guest, python="00000000")
    assert loaded == {"data", "other"} and lost.keys() == {"function", "table"}
    assert "another version" in lost["function"]
    assert guest.value("other[0] is data") == "True"


def test_damaged_pickles_are_listed(guest: Guest) -> None:
    guest.ok("%reset -f")
    guest.ok("one, two, three = ['one'], ['two'], ['three']\nfour = [three]")
    saved = Saved(guest)
    guest.ok("%reset -f")
    number = saved.names["two"]["buffer"]
    saved.buffers[number] = saved.buffers[number][:-3]
    loaded, lost = saved.load(guest)
    assert loaded == {"one"} and lost.keys() == {"two", "three", "four"}


@pytest.mark.parametrize(
    "names",
    [
        None,
        5,
        [None, 5, {}, {"name": 5}],
        [{"name": "x", "buffer": 99}],
        [{"name": "x", "buffer": -1}],
        [{"name": "x", "buffer": 0, "apart": -1}],
        [{"name": "x", "buffer": 0, "apart": 1 << 40}],
        [{"name": "x", "buffer": "0"}],
        [{"name": "x", "module": "no.such.module"}],
        [{"name": "x", "module": ""}],
    ],
)
def test_nonsense_is_refused(guest: Guest, names: Any) -> None:
    reply = guest.turn("load_portable", [b"junk"], names=names, python="")
    assert reply["loaded"] == []
    assert [entry["name"] for entry in reply["lost"]] in ([], ["x"])


def test_loading_that_never_ends_is_interrupted(child: ChildGuest) -> None:
    child.ok(
        "class Endless:\n"
        "    def __init__(self, n=0):\n"
        "        while n: pass\n"
        "    def __reduce__(self): return (Endless, (1,))\n"
        "before, endless, after = 1, Endless(), 2"
    )
    saved = Saved(child)
    child.interrupt_after(0.5)
    loaded, lost = saved.load(child)
    assert {"before", "Endless"} <= loaded and lost.keys() == {"endless", "after"}
    assert child.value("1") == "1"


def test_large_data_travel_beside_the_pickle(guest: Guest) -> None:
    guest.ok("%reset -f")
    guest.ok("import numpy as np\nfixed = np.arange(50_000.); fixed.flags.writeable = False\n"
             "strided = np.arange(100_000.)[::2]; frame = np.asfortranarray(np.ones((300, 300)))")
    saved = Saved(guest)
    assert saved.names["fixed"]["apart"] == 1
    buffer = saved.buffers[saved.names["fixed"]["buffer"] + 1]
    assert struct.unpack_from("<d", buffer, 8 * 7)[0] == 7.0
    guest.ok("%reset -f")
    assert saved.load(guest)[1] == {}
    assert guest.value("fixed.flags.writeable, fixed[7], strided[7], frame.flags.f_contiguous") == (
        "(False, np.float64(7.0), np.float64(14.0), True)"
    )
