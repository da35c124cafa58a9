"""What this build of Python lacks, or does otherwise than on Linux, and what can be had within a sandbox.

Each module here supplies one thing, as the standard library has it, and does nothing where Python
has it itself. What cannot be had at all is the business of `restrictions`.
"""

from __future__ import annotations

from . import charts, decimals, empty_names, figures, hashing, locales, long_ranges, mapped_files, users


def install() -> None:
    """Put all of them in place."""
    charts.install()
    decimals.install()
    empty_names.install()
    figures.install()
    hashing.install()
    locales.install()
    long_ranges.install()
    mapped_files.install()
    users.install()
