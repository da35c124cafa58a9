"""`os.chdir`, whose path WASI's C library keeps as it was given: `/app/sub/..` stays that."""

from __future__ import annotations

import functools
import os
import sys
from typing import Any


def install() -> None:
    """Have `os.getcwd` answer without `.` and `..`, as it does everywhere else."""
    if sys.platform == "wasi":
        os.chdir = _normalising(os.chdir)


def _normalising(chdir: Any) -> Any:
    @functools.wraps(chdir)
    def chdir_and_normalise(path: Any) -> None:
        chdir(path)
        here = os.getcwd()
        plain = os.path.normpath(here)  # there are no symbolic links that it could get wrong
        if plain != here:
            chdir(plain)

    return chdir_and_normalise
