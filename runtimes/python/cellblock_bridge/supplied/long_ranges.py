"""`random.sample`, `choice` and `choices` of ranges that are longer than a length can be here.

A length has 31 bits where pointers have 32. Ranges compute with integers of any size, and so does
`random`: only `len`, of which it asks the length, cannot say it.
"""

from __future__ import annotations

import random
import sys
from typing import Any

_len = len


def _length(sized: Any) -> int:
    try:
        return _len(sized)
    except OverflowError:
        if type(sized) is not range:
            raise
        longer: range = sized
        step = longer.step
        return (longer.stop - longer.start + step - (1 if step > 0 else -1)) // step


def install() -> None:
    """Have `random` measure for itself where lengths are short."""
    if sys.maxsize < 2**32:
        random.len = _length  # type: ignore[attr-defined]
