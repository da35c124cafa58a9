"""A stored session in a fresh process: settings, timers, and randomness at a fork."""

from __future__ import annotations

from guests import Guest


def test_resume_sets_what_a_session_is_told(guest: Guest) -> None:
    guest.ok("import sys; before = sys.getrecursionlimit()")
    assert guest.turn("resume", env={"TOLD": "again"}, recursion_limit=777, reseed=False) == {}
    assert guest.value("import os; os.environ.pop('TOLD'), sys.getrecursionlimit()") == (
        "('again', 777)"
    )
    guest.ok("sys.setrecursionlimit(before)")


_MAKE = (
    "import random\n"
    "own = random.Random(7)\n"
    "class Loaded(random.Random):\n"
    "    def seed(self, *a): raise ValueError('not again')\n"
    "    def __init__(self): self.gauss_next = None\n"
    "loaded = Loaded()"
)


def test_resume_keeps_randomness_as_it_was(guest: Guest) -> None:
    guest.ok(_MAKE + "\nkept = [g.getstate() for g in (random, own, loaded)]")
    guest.turn("resume", env={}, reseed=False, seed="01" * 32)
    assert guest.value("kept == [g.getstate() for g in (random, own, loaded)]") == "True"


def _draws_in_forks(guest: Guest, make: str, draw: str) -> list[str]:
    """What forks of one and the same state draw; the first is told not to reseed."""
    drawn = []
    for number, reseed in enumerate([False, True, True]):
        guest.ok(make)
        assert guest.turn("resume", env={}, reseed=reseed, seed=f"0{number}" * 32) == {}
        drawn.append(guest.value(draw))
    return drawn


def test_a_fork_reseeds_every_generator(guest: Guest) -> None:
    make = _MAKE + "\nrandom.seed(1); random.gauss(0, 1); own.gauss(0, 1); loaded.setstate(own.getstate())"
    for name in ("random", "own", "loaded"):
        for draw in (f"{name}.random()", f"{name}.gauss(0, 1)"):
            assert len(set(_draws_in_forks(guest, make, draw))) == 3, draw


_MAKE_NUMPY = """import numpy as np
made = {'g': np.random.default_rng(1), 'sfc': np.random.Generator(np.random.SFC64(1)),
        'mt': np.random.Generator(np.random.MT19937(1)),
        'philox': np.random.Generator(np.random.Philox(1)),
        'legacy': np.random.RandomState(1), 'global': np.random}
np.random.seed(1)
made['legacy'].normal(), np.random.normal();  # so that a second one is in store
"""


def test_a_fork_reseeds_numpy_s_generators(guest: Guest) -> None:
    for draw in [
        *(f"made[{name!r}].normal()" for name in ("g", "sfc", "mt", "philox", "legacy", "global")),
        "made['g'].integers(100, size=9, dtype='u4').tolist()",
        "made['g'].spawn(1)[0].integers(1 << 60)",
        "made['legacy'].random_sample()",
        "made['global'].rand(3).tolist()",
    ]:
        assert len(set(_draws_in_forks(guest, _MAKE_NUMPY, draw))) == 3, draw


def test_a_fork_reseeds_numpy_s_global_generator_when_it_was_exchanged(guest: Guest) -> None:
    guest.ok("import numpy as np\nusual = np.random.get_bit_generator()")
    make = "np.random.set_bit_generator(np.random.PCG64(3)); np.random.seed(1); np.random.normal();"
    assert len(set(_draws_in_forks(guest, make, "np.random.normal()"))) == 3
    guest.ok("np.random.set_bit_generator(usual)")


def test_a_notebook_s_strange_objects_do_not_stop_a_fork(guest: Guest) -> None:
    guest.ok(
        "import numpy as np, random\n"
        "class Liar:\n"
        "    @property\n"
        "    def __class__(self): raise RuntimeError('asked')\n"
        "class Bits(np.random.PCG64):\n"
        "    def __init__(self): super().__init__(5)\n"
        "liar, bits = Liar(), Bits()"
    )
    assert guest.turn("resume", env={}, reseed=True, seed="0c" * 32) == {}


def test_timers_that_were_due_meanwhile_fire_with_the_next_cell(guest: Guest) -> None:
    guest.ok(
        "import asyncio, time\n"
        "loop = asyncio.get_event_loop()\n"
        "async def later():\n"
        "    await asyncio.sleep(3600)\n"
        "    print('slept')\n"
        "task = asyncio.create_task(later())"
    )
    # An hour passes while the session is away.
    guest.ok("loop.time = lambda: time.monotonic() + 3601")
    guest.turn("resume", env={}, reseed=False)
    assert guest.out == "", "not in a turn of which nobody sees the output"
    guest.ok("pass")
    guest.ok("pass")
    assert guest.value("task.done()") == "True"
    guest.ok("del loop.time")
