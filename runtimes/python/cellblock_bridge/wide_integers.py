"""numpy's default integer has 64 bits, as on every machine that notebooks come from.

numpy's own code is changed by the host (`docs/guest-patches.md`, Integers), which leaves what is
written in Python: the names of the types, the legacy random numbers, counts, and the few places of
other libraries that hand the default integer to code that was compiled for pointers' integers.
Positions (`np.intp`) stay what pointers are here, 32 bits. Does nothing where they have 64.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from .after_import import after_import


def install() -> None:
    """Change numpy as it is imported."""
    import sys

    if sys.maxsize > 2**32:
        return
    after_import("numpy._core._type_aliases", _rename_types)
    after_import("numpy.random.mtrand", _widen_random_numbers)
    after_import("numpy.random", _take_random_numbers)
    after_import("numpy.lib._histograms_impl", _widen_histogram)
    after_import("numpy._core.multiarray", _widen_bincount)
    after_import("pandas._libs.internals", _narrow_block_numbers)
    after_import("scipy.signal._peak_finding", _narrow_peaks)
    after_import("sklearn.utils._random", _narrow_samples)


def _rename_types(aliases: ModuleType) -> None:
    """`np.int_`, `np.uint`, "int", "uint" and so on: all of numpy takes them from these tables."""
    for table in (aliases.sctypeDict, aliases.allTypes):
        wide = {table["intp"]: aliases.sctypeDict["int64"], table["uintp"]: aliases.sctypeDict["uint64"]}
        for name in ("int", "int_", "uint"):
            found = table.get(name)
            if found in wide:
                table[name] = wide[found]


class _Numpy(ModuleType):
    """numpy, as the legacy generators see it: the type of `permutation(n)`, which they say is C `long`, is `int64`.

    Where they make an array that their C code fills with C longs, `np.long` is what it is.
    """

    def __init__(self, numpy: ModuleType) -> None:
        super().__init__("numpy")
        self._numpy = numpy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)

    def result_type(self, *kinds: Any) -> Any:
        numpy = self._numpy
        return numpy.result_type(*(numpy.int64 if kind is numpy.long else kind for kind in kinds))


# What gives C longs, of which the values fit.
_DRAWN = (
    "binomial",
    "geometric",
    "hypergeometric",
    "logseries",
    "multinomial",
    "negative_binomial",
    "poisson",
    "tomaxint",
    "zipf",
)


def _widen_random_numbers(mtrand: Any) -> None:
    mtrand.np = _Numpy(mtrand.np)
    for name in _DRAWN:
        if hasattr(mtrand, name):
            setattr(mtrand, name, _widened(getattr(mtrand, name)))


def _take_random_numbers(random: Any) -> None:
    """numpy.random has names of its own for the functions of mtrand."""
    for name in _DRAWN:
        if hasattr(random, name):
            setattr(random, name, getattr(random.mtrand, name))


def _widen_bincount(multiarray: Any) -> None:
    multiarray.bincount = _widened(multiarray.bincount)


def _widen_histogram(histograms: Any) -> None:
    inner = histograms.histogram

    @functools.wraps(inner)
    def histogram(*args: Any, **kwargs: Any) -> Any:
        counts, edges = inner(*args, **kwargs)
        return _wide(counts), edges

    histograms.histogram = histogram


def _widened(function: Any) -> Any:
    @functools.wraps(function)
    def widened(*args: Any, **kwargs: Any) -> Any:
        return _wide(function(*args, **kwargs))

    return widened


def _wide(found: Any) -> Any:
    """An array of positions or C longs as one of `int64`; anything else as it is."""
    kind = getattr(getattr(found, "dtype", None), "char", None)
    return found.astype("int64") if kind in ("l", "p", "n") and found.ndim else found


def _narrow_block_numbers(internals: Any) -> None:
    """pandas' own numbers of blocks, for code that takes lists of them, or writes to them."""
    concat, update = internals.get_concat_blkno_indexers, internals.update_blklocs_and_blknos

    @functools.wraps(concat)
    def get_concat_blkno_indexers(blknos_list: Any) -> Any:
        return concat([_narrow(numbers) for numbers in blknos_list])

    @functools.wraps(update)
    def update_blklocs_and_blknos(blklocs: Any, blknos: Any, *args: Any, **kwargs: Any) -> Any:
        return update(_narrow(blklocs), _narrow(blknos), *args, **kwargs)

    internals.get_concat_blkno_indexers = get_concat_blkno_indexers
    internals.update_blklocs_and_blknos = update_blklocs_and_blknos


def _narrow_peaks(finding: Any) -> None:
    """scipy casts the positions of peaks "safely", which `int64` to `intp` is not."""
    expected = finding._arg_peaks_as_expected

    @functools.wraps(expected)
    def arg_peaks_as_expected(value: Any) -> Any:
        import numpy

        return expected(_narrow(numpy.asarray(value)))

    finding._arg_peaks_as_expected = arg_peaks_as_expected


def _narrow_samples(random: Any) -> None:
    """scikit-learn makes arrays of `dtype=int` that its compiled code fills with C longs."""
    random.np = _NarrowNumpy(random.np)


class _NarrowNumpy(ModuleType):
    """numpy, with pointers' integers for `int`."""

    def __init__(self, numpy: Any) -> None:
        super().__init__("numpy")
        self._numpy = numpy
        self.int_ = numpy.intp

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._numpy, name)
        if name not in ("arange", "array", "asarray", "empty", "full", "ones", "zeros"):
            return found

        @functools.wraps(found)
        def made(*args: Any, **kwargs: Any) -> Any:
            if kwargs.get("dtype") is int:
                kwargs["dtype"] = self.int_
            return found(*args, **kwargs)

        return made


def _narrow(found: Any) -> Any:
    """An array of `int64` as one of `np.intp`; anything else as it is."""
    import numpy

    return found.astype(numpy.intp) if isinstance(found, numpy.ndarray) and found.dtype == numpy.int64 else found
