"""Warm images: as fresh as a cold start, and different randomness in each session."""

from __future__ import annotations

import pytest
from guests import Guest


@pytest.mark.parametrize("profile", ["base", "science"])
def test_a_warmed_guest_looks_fresh(guest: Guest, profile: str) -> None:
    assert guest.turn("warm", profile=profile) == {}
    assert (guest.out, guest.err, guest.events()) == ("", "", [])
    guest.count = 0
    assert guest.value("In, Out, _, __, ___") == "(['', 'In, Out, _, __, ___'], {}, '', '', '')"
    names = guest.value("sorted(n for n in globals() if not n.startswith('_'))")
    assert names == "['In', 'Out', 'exit', 'get_ipython', 'open', 'quit']"
    guest.ok("import __main__; assert vars(__main__) is globals()")
    guest.ok("import sys; assert not hasattr(sys, 'last_exc')")
    guest.cell("%tb")
    assert "No traceback" in guest.err
    guest.ok("import os, gc; assert os.listdir('.') == [], os.listdir('.')")
    assert int(guest.value("gc.get_freeze_count()")) > 10_000
    guest.ok("%history")
    reply = guest.fails("1/0", "ZeroDivisionError")
    assert f"In[{guest.count}]" in "".join(reply["traceback"])


def test_an_unknown_profile_is_an_error(guest: Guest) -> None:
    assert guest.turn("warm", profile="nonsense")["ename"] == "ValueError"


_DRAW = (
    "import random, tempfile\n"
    "try:\n"
    "    import numpy\n"
    "    drawn = float(numpy.random.rand())\n"
    "except ImportError:\n"
    "    drawn = 0.0\n"
    "(random.random(), drawn)"
)


def test_sessions_differ_and_their_seed_decides(guest: Guest) -> None:
    draws, names = [], []
    for seed in ("00" * 32, "01" * 32, "00" * 32):
        assert guest.turn("start", seed=seed, reseed=True) == {}
        draws.append(guest.value(_DRAW))
        names.append(guest.value("next(tempfile._get_candidate_names())"))
    assert draws[0] == draws[2] != draws[1]
    assert len(set(names)) == 3


def test_without_reseed_nothing_changes(guest: Guest) -> None:
    guest.ok("import random; random.seed(1); state = random.getstate()")
    guest.turn("start", seed="ff" * 32, reseed=False)
    assert guest.value("random.getstate() == state") == "True"


def test_start_adds_to_the_environment(guest: Guest) -> None:
    before = guest.value("import os; sorted(os.environ)")
    guest.turn("start", seed="00" * 32, reseed=True, env={"ADDED": "by the policy"})
    assert guest.value("os.environ.pop('ADDED')") == "'by the policy'"
    assert guest.value("sorted(os.environ)") == before


def test_what_the_science_image_holds_is_immortal_and_what_comes_later_is_not(real: Guest) -> None:
    assert real.turn("warm", profile="science") == {}
    held = "get_ipython(), get_ipython().run_cell.__func__.__code__, sys.modules['pandas']"
    assert (
        real.value(f"import sys; [sys._is_immortal(o) for o in ({held})]") == "[True, True, True]"
    )
    real.ok("import weakref\nclass Later: pass\nlater = Later(); gone = weakref.ref(later)")
    assert real.value("[sys._is_immortal(o) for o in (Later, later, [], 'a' * 9)]") == str(
        [False] * 4
    )
    real.ok("del later")
    assert real.value("gone() is None") == "True"
    real.ok(
        "import gc, pandas as pd; gc.unfreeze(); gc.collect(); pd.DataFrame({'a': [1]}).describe()"
    )
