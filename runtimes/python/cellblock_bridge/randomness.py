"""Fresh randomness for a session that begins on an image, or forks from another session.

What draws from the host at each call (`os.urandom`, `secrets`, `uuid4`, a new numpy `Generator`)
needs nothing. What drew its seed before would give every kernel, or both sides of a fork, the same
numbers, and is seeded again here.

At a fork that is every generator that there is, those that the cells made included, and also those
that a cell seeded itself: nothing tells a chosen seed from a drawn one, and two forks that draw the
same numbers are worse than one that does not repeat. A cell that wants to repeat seeds again. Only
`numpy.random.SeedSequence` objects that are no generator's own stay as they are: they cannot be
changed.
"""

from __future__ import annotations

import gc
import hashlib
import random
import sys
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any

# The generators that imported modules hold, found once while the image is made: looking through
# all objects at each start would cost more than the start.
_captured: list[Any] = []


def remember_captured() -> None:
    """Find the generators that exist now. Called when the image is about to be saved.

    Those of an image that this one continues are known already, and no longer listed.
    """
    known = {id(held) for held in _captured}
    _captured.extend(held for held in _generators() if id(held) not in known)


def reseed(entropy: bytes) -> None:
    """Seed everything that the image captured entropy for, from the host's."""
    seeds = _derived(entropy)
    _reseed_globals(seeds)
    for held in _captured:
        _reseed_one(held, next(seeds))


def reseed_everything(entropy: bytes) -> None:
    """As `reseed`, and every generator that was made since: for a fork.

    The collector does not list what it was told to leave alone (the image, see `warm`), so this
    looks at what the session made only.
    """
    seeds = _derived(entropy)
    _reseed_globals(seeds)
    for held in [*_captured, *_generators()]:
        _reseed_one(held, next(seeds))


def _reseed_globals(seeds: Iterator[int]) -> None:
    random.seed(next(seeds))
    _reseed_numpy(next(seeds))
    tempfile._name_sequence = None  # type: ignore[attr-defined]
    uuid._node = None  # type: ignore[attr-defined]
    uuid._last_timestamp = None  # type: ignore[attr-defined]


def _derived(entropy: bytes) -> Iterator[int]:
    """Any number of independent seeds from one."""
    number = 0
    while True:
        digest = hashlib.sha256(entropy + number.to_bytes(8, "little")).digest()
        yield int.from_bytes(digest, "little")
        number += 1


def _reseed_numpy(seed: int) -> None:
    """Numpy's global legacy generator, which scikit-learn and scipy use too, if it is loaded."""
    numpy_random: Any = sys.modules.get("numpy.random")
    if numpy_random is None:
        return
    state, bits = _numpy_globals()
    if type(bits).__name__ == "MT19937":
        numpy_random.seed([(seed >> shift) & 0xFFFF_FFFF for shift in range(0, 256, 32)])
    else:  # a notebook gave it another bit generator than its own
        _reseed_one(state, seed)
        _reseed_one(bits, seed)


# Where the kinds below are told by their types alone: `isinstance` would ask `__class__` of
# everything that there is, and a notebook may have put anything there.


def _generators() -> list[Any]:
    kinds = (random.Random, *_numpy_kinds())
    done = [random._inst, *_numpy_globals()]  # type: ignore[attr-defined]  # by `_reseed_globals`
    return [
        held
        for held in gc.get_objects()
        if issubclass(type(held), kinds)
        and not issubclass(type(held), random.SystemRandom)
        and not any(held is one for one in done)
    ]


def _numpy_kinds() -> tuple[type, ...]:
    """What holds state: a numpy `Generator` has none of its own, but that of its bit generator."""
    numpy_random: Any = sys.modules.get("numpy.random")
    if numpy_random is None:
        return ()
    return (numpy_random.BitGenerator, numpy_random.RandomState)


def _numpy_globals() -> tuple[Any, ...]:
    mtrand: Any = sys.modules.get("numpy.random.mtrand")
    state = getattr(mtrand, "_rand", None)
    return (state, getattr(state, "_bit_generator", None))


def _reseed_one(held: Any, seed: int) -> None:
    if issubclass(type(held), random.Random):
        random.Random.seed(held, seed)
    elif not type(held).__module__.startswith("numpy.random"):
        return  # a bit generator of the notebook's own making: its state is its own affair
    elif hasattr(held, "seed_seq"):
        fresh = type(held)(seed)
        held.__setstate__((fresh.state, fresh.seed_seq))  # with what `spawn` goes on from
    else:
        state = held.get_state(legacy=False)  # a RandomState keeps every second normal number
        held.set_state(state | {"has_gauss": 0, "gauss": 0.0})
