"""Fresh randomness for a session that begins on an image many sessions begin on.

What draws from the host at each call (`os.urandom`, `secrets`, `uuid4`, a new numpy `Generator`)
needs nothing. What drew its seed while the image was made would give every kernel the same
numbers, and is seeded again here.
"""

from __future__ import annotations

import gc
import hashlib
import random
import sys
import tempfile
import uuid
from collections.abc import Iterator

# The generators that imported modules hold, found once while the image is made: looking through
# all objects at each start would cost more than the start.
_captured: list[random.Random] = []


def remember_captured() -> None:
    """Find the generators that exist now. Called when the image is about to be saved."""
    _captured[:] = [
        held
        for held in gc.get_objects()
        if isinstance(held, random.Random) and not isinstance(held, random.SystemRandom)
    ]


def reseed(entropy: bytes) -> None:
    """Seed everything that captured entropy from the host's."""
    seeds = _derived(entropy)
    random.seed(next(seeds))
    for held in _captured:
        held.seed(next(seeds))
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
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        words = [(seed >> shift) & 0xFFFF_FFFF for shift in range(0, 256, 32)]
        numpy_random.seed(words)
