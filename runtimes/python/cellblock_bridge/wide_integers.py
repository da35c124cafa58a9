"""numpy's default integer has 64 bits, as on every machine that notebooks come from.

numpy's own code is changed by the host (`docs/guest-patches.md`, Integers), which leaves what is
written in Python: the names of the types, counts and positions that are made there, and the few
places of other libraries that hand the default integer to code that was compiled for pointers'
integers, or cast positions to those before they check them. `np.intp` stays what pointers are here,
32 bits. Does nothing where they have 64.
"""

from __future__ import annotations

import functools
import math
from types import ModuleType
from typing import Any

from .after_import import after_import


def install() -> None:
    """Change numpy as it is imported."""
    import sys

    if sys.maxsize > 2**32:
        return
    after_import("numpy._core._type_aliases", _rename_types)
    after_import("numpy._core.multiarray", _check_positions)
    after_import("numpy._core.numeric", _widen_counts)
    after_import("numpy.random.mtrand", _widen_permutations)
    after_import("numpy.lib._arraysetops_impl", _widen_positions)
    after_import("numpy.lib._histograms_impl", _widen_positions)
    after_import("numpy.ma.core", _widen_masked_counts)
    for module in ("generic", "indexers.utils", "indexes.datetimelike", "indexes.range"):
        after_import(f"pandas.core.{module}", _narrow_conversions)
    for name in sys.builtin_module_names:
        if name.startswith(_COMPILED):
            after_import(name, _narrow_numpy)
    after_import("pandas._libs.algos", _narrow_positions)
    after_import("pandas._libs.internals", _narrow_block_numbers)
    after_import("pandas.core.series", _widen_series)
    after_import("pandas", _widen_numbering)
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


# Packages whose compiled modules take what numpy gives for positions into buffers of pointers' integers, to write to.
_COMPILED = ("pandas.", "scipy.", "sklearn.", "statsmodels.")
# What gives positions.
_POSITIONS = (
    "argmax",
    "argmin",
    "argpartition",
    "argsort",
    "argwhere",
    "digitize",
    "flatnonzero",
    "lexsort",
    "nonzero",
    "searchsorted",
)


def _narrow_numpy(compiled: Any) -> None:
    compiled.np = _narrow_view(compiled.np)


@functools.cache
def _narrow_view(numpy: Any) -> _Changed:
    """The one numpy that all of them see, with all its names, as compiled code looks them up again and again."""
    changed = {name: _narrowed(getattr(numpy, name)) for name in _POSITIONS}
    changed["where"] = _narrowed_tuple(numpy.where, 0)
    changed["unique"] = _narrowed_tuple(numpy.unique, 1)
    return _Changed(numpy, **vars(numpy) | changed)


def _narrowed(function: Any) -> Any:
    @functools.wraps(function)
    def narrowed(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return tuple(map(_narrow, found)) if isinstance(found, tuple) else _narrow(found)

    return narrowed


def _narrowed_tuple(function: Any, kept: int) -> Any:
    """Of a function that gives positions if it gives several arrays, after those that are kept."""

    @functools.wraps(function)
    def narrowed(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return (*found[:kept], *map(_narrow, found[kept:])) if isinstance(found, tuple) else found

    return narrowed


def _widen_permutations(mtrand: Any) -> None:
    mtrand.np = _Numpy(mtrand.np)


class _Changed(ModuleType):
    """numpy, with other things in the places of some: for a module that asks this one for them."""

    def __init__(self, numpy: Any, **changed: Any) -> None:
        super().__init__("numpy")
        self._numpy = numpy
        vars(self).update(changed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)


def _widen_positions(module: Any) -> None:
    """Arrays that the module's own Python fills with positions or counts: of `unique`, of `histogram`."""
    module.np = _Changed(module.np, intp=module.np.int64)


def _widen_counts(numeric: Any) -> None:
    numeric.count_nonzero = _widened(numeric.count_nonzero)


def _widen_masked_counts(core: Any) -> None:
    core.MaskedArray.count = _widened(core.MaskedArray.count)


def _widen_series(series: Any) -> None:
    kind = series.Series
    kind.argsort = _widened(kind.argsort)
    kind.factorize = _widened_first(kind.factorize)


def _widen_numbering(pandas: Any) -> None:
    """What numbers values; pandas itself uses others than these names."""
    for name in ("factorize", "cut", "qcut"):
        setattr(pandas, name, _widened_first(getattr(pandas, name)))


def _widened(function: Any) -> Any:
    @functools.wraps(function)
    def widened(*args: Any, **kwargs: Any) -> Any:
        return _wide(function(*args, **kwargs))

    return widened


def _widened_first(function: Any) -> Any:
    """Of a function that gives positions, or those and something else."""

    @functools.wraps(function)
    def widened(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return (_wide(found[0]), *found[1:]) if isinstance(found, tuple) else _wide(found)

    return widened


def _wide(found: Any) -> Any:
    """An array, series or number of positions as one of `int64`; anything else as it is."""
    kind = getattr(getattr(found, "dtype", None), "char", None)
    return found.astype("int64") if kind in ("l", "p", "n") else found


_LEAST, _MOST = -(2**31), 2**31 - 1


def _is_outside(found: Any) -> bool:
    """Whether an array has an integer that is none of a pointer's."""
    return found.dtype.char in "qQ" and bool(((found < _LEAST) | (found > _MOST)).any())


def _check_positions(multiarray: Any) -> None:
    """What takes positions by numpy's iterators, which cast them as they go."""
    bincount, ravel, unravel = multiarray.bincount, multiarray.ravel_multi_index, multiarray.unravel_index

    @functools.wraps(bincount)
    def counted(*args: Any, **kwargs: Any) -> Any:
        numbers = multiarray.asarray(args[0]) if args else None
        if numbers is not None and numbers.size and _is_outside(numbers):
            if numbers.min() < 0:
                raise ValueError("'list' argument must have no negative elements")
            raise MemoryError(f"Unable to allocate an array with shape ({numbers.max() + 1},) and data type int64")
        return _wide(bincount(*args, **kwargs))

    @functools.wraps(ravel)
    def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
        found = [multiarray.asarray(positions) for positions in multi_index]
        if any(_is_outside(positions) for positions in found):
            lengths = dims if isinstance(dims, (tuple, list)) else (dims,)
            modes = mode if isinstance(mode, tuple) else (mode,) * len(found)
            multi_index = tuple(map(_brought_inside, found, lengths, modes))
        return ravel(multi_index, dims, mode, order)

    @functools.wraps(unravel)
    def unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
        found = multiarray.asarray(indices)
        if _is_outside(found):
            size = math.prod(shape if isinstance(shape, (tuple, list)) else (shape,))
            first = next(position for position in found.flat if not _LEAST <= position <= _MOST)
            raise ValueError(f"index {first} is out of bounds for array with size {size}")
        return unravel(indices, shape, order)

    multiarray.bincount = counted
    multiarray.ravel_multi_index = ravel_multi_index
    multiarray.unravel_index = unravel_index


def _brought_inside(positions: Any, length: int, mode: str) -> Any:
    if not _is_outside(positions):
        return positions
    if mode == "wrap":
        return positions % length
    if mode == "clip":
        return positions.clip(0, length - 1)
    raise ValueError("invalid entry in coordinates array")


def _narrow_positions(algos: Any) -> None:
    """pandas casts positions before it checks whether they are inside: what does not fit has to stay outside."""
    inner = algos.ensure_platform_int

    @functools.wraps(inner)
    def ensure_platform_int(arr: Any) -> Any:
        narrow = inner(arr)
        return narrow if narrow is arr else _checked(arr, narrow)

    algos.ensure_platform_int = ensure_platform_int


def _narrow_conversions(module: Any) -> None:
    """The same where it writes `np.asarray(positions, dtype=np.intp)`."""
    numpy = module.np

    @functools.wraps(numpy.asarray)
    def asarray(found: Any, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs.get("dtype") is not numpy.intp or len(kwargs) != 1:
            return numpy.asarray(found, *args, **kwargs)
        # What is empty has no type of its own, and what is no array of integers is cast as ever.
        found = numpy.asarray(found) if isinstance(found, (list, tuple)) and found else found
        return _checked(found, numpy.asarray(found, **kwargs))

    module.np = _Changed(numpy, asarray=asarray)


def _checked(found: Any, narrow: Any) -> Any:
    """Positions that were cast to `np.intp`, with those that do not fit made the nearest that do."""
    if getattr(getattr(found, "dtype", None), "char", None) not in ("q", "Q") or not (narrow != found).any():
        return narrow
    return found.clip(_LEAST, _MOST).astype(narrow.dtype)


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
