"""Positions and counts: what does not fit a pointer of the sandbox is told as 64-bit Linux tells it, and what numpy gives is `int64`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox

# Evaluated with `a = np.arange(3)` and `big = np.array([2**32])`: modulo 2^32 that is the first position.
TOO_LARGE = [
    "a[big]",
    "a[2**32]",
    "a[np.int64(-2**32)]",
    "a[[0, 2**32]]",
    "a[[0, -2**32]]",
    "a[big.reshape(1, 1)]",
    "a[np.array([2**32, 2**32 + 1])[::-1]]",
    "a[big.astype('u8')]",
    "a[big.astype('>i8')]",
    "np.eye(3)[1, big]",
    "np.eye(3)[:, big]",
    "np.eye(3)[..., None, big]",
    "np.eye(3)[0, 2**32]",
    "a.copy().__setitem__(big, 1)",
    "a.copy().__setitem__(2**32, 1)",
    "a.flat[big]",
    "a.flat[[2**32]]",
    "a.flat[2**32]",
    "np.take(a, big)",
    "np.take(a, 2**32)",
    "np.take([[1, 2], [3, 4]], [[2**32 + 1]], axis=-1)",
    "np.take(np.eye(3), big)",
    "np.put(a.copy(), big, 1)",
    "np.put(a.copy(), [-2**32], 1)",
    "np.choose(big, [[1], [2]])",
    "np.repeat([1, 2], np.array([-2**32, 1]))",
    "np.delete([1, 2, 3], big)",
    "np.insert([1, 2, 3], big, 0)",
    "np.take_along_axis(a, big, 0)",
    "np.put_along_axis(a.copy(), big, 1, 0)",
    "np.bincount(-big)",
    "np.add.at(np.zeros(3), big, 1)",
    "np.ravel_multi_index((big, np.array([0])), (3, 3))",
    "np.unravel_index(big, (3, 3))",
    "np.unravel_index(2**32, (3, 3))",
    "pd.Series([1, 2, 3]).iloc[big]",
    "pd.Series([1, 2, 3]).iloc[2**32]",
    "pd.Series([1, 2, 3]).take(big)",
    "pd.DataFrame({'a': [1, 2, 3]}).take(big)",
    "pd.DataFrame({'a': [1, 2, 3]}).iloc[[2**32]]",
    "pd.Index([1, 2, 3])[big]",
    "pd.Categorical.from_codes(big, ['a'])",
]
# The message has the nearest position that fits, or no number.
TOO_LARGE_ROUGHLY = [
    "np.repeat([1, 2], np.array([2**32, 1]))",
    "np.repeat([1, 2, 3], np.array([2**31 - 1, 2**31 - 1, 3]) * 2**9)",
    "np.bincount(big)",
    "np.add.reduceat(np.arange(8), np.array([0, 2**32]))",
    "np.partition(np.array([3, 1, 2]), np.array([2**32 + 1]))",
    "pd.Index([1, 2, 3]).take(big)",
    "pd.api.extensions.take(np.array([1, 2, 3]), big)",
]
MODES = [
    "a.take(big, mode='wrap'), a.take(big + 1, mode='wrap'), a.take(-big, mode='wrap'), a.take(2**32 + 1, mode='wrap')",
    "a.take(big, mode='clip'), a.take([-2**32], mode='clip')",
    "[(b.put(big + 1, 5, mode=mode), b)[1] for mode in ('wrap', 'clip') for b in [np.arange(3)]]",
    "np.choose(big + 1, [[1], [2]], mode='wrap'), np.choose(big, [[1], [2]], mode='clip'), np.choose(np.array(2**32 + 1), [1, 2, 3], mode='wrap')",
    "np.ravel_multi_index((big + 1, np.array([0])), (3, 3), mode=('wrap', 'raise')), np.ravel_multi_index((big, np.array([1])), (3, 3), mode='clip')",
    "a[np.array([2**64 - 1], 'u8')], a[np.array([-1, 2, 0])], a[np.array([[0, 2], [1, 1]]).T], a[np.array([], int)]",
]
GIVEN = [
    "np.argsort(a) * 10**6, np.argsort(a) * 10**10, np.nonzero(a)[0] ** 40, np.argmax(a) * 10**10, a.argmin() - 10**10",
    "np.argsort(a).dtype == np.int64, type(np.argmax(a)), type(a.argmin()), type(np.searchsorted(a, 1))",
    "np.argmin(np.eye(3), axis=0).dtype, np.argmax(np.eye(3), axis=1, keepdims=True).dtype, np.argmax(np.eye(3), axis=0, out=np.zeros(3, np.intp)).tolist()",
    "np.searchsorted(a, [1, 2]), np.digitize([1, 2], [0, 1]), np.lexsort((a, -a)), np.argpartition(a, 1).dtype",
    "np.where(a), np.argwhere(a), np.flatnonzero(a), np.where(a > 1, np.int32(1), np.int32(2)), np.eye(2).nonzero()",
    "np.unique(a, return_index=True, return_inverse=True, return_counts=True), np.unique_all(a), np.unique_inverse(a)",
    "np.unravel_index([1, 2], (3, 3)), np.unravel_index(5, (3, 3)), np.ravel_multi_index(([1], [2]), (3, 3)), np.ravel_multi_index((1, 2), (3, 3))",
    "np.count_nonzero(np.eye(3), axis=0), np.count_nonzero(a), np.bincount([1, 1]), np.histogram([1, 2])[0], np.ix_([True, False])[0]",
    "np.mask_indices(2, np.triu)[0].dtype, np.intersect1d([1, 2], [2, 3], return_indices=True), np.nanargmax([1.0, 2]), type(np.nanargmax([1.0, 2]))",
    "np.ma.array([3, 1]).argsort().dtype, np.ma.argmax([1, 2]), np.ma.array([1, 0]).nonzero()[0].dtype, np.ma.array([[1, 2]], mask=[[0, 1]]).count(axis=0)",
    "pd.factorize(np.array(['a', 'b']))[0], pd.Series(['a', 'b']).factorize()[0], pd.Series([2, 1]).argsort(), pd.Series([2, 1]).argmax()",
    "pd.DataFrame({'a': np.argsort(a)}).dtypes['a'], pd.Series(np.nonzero(a)[0]).dtype, pd.Series([1, 2]).searchsorted(1), pd.Index([2, 1]).argsort()",
    "pd.cut([1, 2], 2, labels=False), pd.qcut([1, 2], 2, labels=False), pd.cut(pd.Series([1, 2]), 2).cat.codes.dtype, pd.cut([1, 2], 2, retbins=True, labels=False)[0]",
    "[getattr(np.random.RandomState(0), name)(*with_, size=2).dtype for name, with_ in draws]",
    "[getattr(np.random, name)(*with_, size=2).dtype for name, with_ in draws], np.random.default_rng(0).poisson(3, 2).dtype",
    "type(np.random.RandomState(0).poisson(3)), np.random.RandomState(0).multinomial(3, [0.5, 0.5]).dtype, np.random.RandomState(0).poisson(3, 4)",
]
NAMES = {
    "a": np.arange(3),
    "big": np.array([2**32]),
    "draws": [
        ("poisson", (3,)), ("binomial", (3, 0.5)), ("geometric", (0.5,)), ("zipf", (2,)), ("logseries", (0.5,)), ("hypergeometric", (3, 3, 3)),
        ("negative_binomial", (3, 0.5)),
    ],
}


@pytest.fixture(scope="module")
def loaded(kernel: Frontend) -> Frontend:
    draws = repr(NAMES["draws"])
    kernel.run_ok(f"import numpy as np, pandas as pd, warnings\nwarnings.simplefilter('ignore')\na, big, draws = np.arange(3), np.array([2**32]), {draws}")
    return kernel


def on_linux(expression: str) -> str:
    return repr(eval(expression, {"np": np, "pd": pd, **NAMES}))


def raised(expression: str) -> Exception:
    with pytest.raises(Exception) as native:
        eval(expression, {"np": np, "pd": pd, **NAMES})
    return native.value


@pytest.mark.parametrize("expression", TOO_LARGE)
def test_a_position_that_is_too_large_is_told(loaded: Frontend, expression: str) -> None:
    native, error = raised(expression), loaded.run(expression).error
    assert error and (error["ename"], error["evalue"]) == (type(native).__name__, str(native)), error


@pytest.mark.parametrize("expression", TOO_LARGE_ROUGHLY)
def test_a_position_that_is_too_large_is_an_error_of_the_same_kind(loaded: Frontend, expression: str) -> None:
    native, error = raised(expression), loaded.run(expression).error
    # What Linux has no memory for may be more than an array can have at all.
    same = (type(native).__name__, "MemoryError" if isinstance(native, ValueError) else "")
    assert error and error["ename"] in same, error


@pytest.mark.parametrize("expression", MODES)
def test_modes_take_positions_of_any_size(loaded: Frontend, expression: str) -> None:
    assert loaded.value(f"repr(({expression}))") == repr(on_linux(f"({expression})"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", GIVEN)
def test_positions_are_of_the_default_integer(loaded: Frontend, expression: str) -> None:
    assert loaded.value(f"repr(({expression}))") == repr(on_linux(f"({expression})"))


def test_an_array_for_positions_stays_the_one_that_was_given(loaded: Frontend) -> None:
    code = "out = np.zeros(3, np.intp)\nfound = np.argmax(np.eye(3), axis=0, out=out)\nfound is out, out.tolist()"
    outcome = loaded.run_ok(code)
    assert outcome.result and outcome.result["text/plain"] == "(True, [0, 1, 2])"


def test_what_is_made_of_positions_is_of_their_class(loaded: Frontend) -> None:
    loaded.run_ok("class Own(np.ndarray): pass\nown = np.array([0, 1]).view(Own)")
    kinds = "[type(found).__name__ for found in (own.choose([[1, 2], [3, 4]]), own.argsort(), own.repeat(own), a.take(own), own.take([1]), a[own])]"
    native = {"np": np, "a": np.arange(3)}
    exec("class Own(np.ndarray): pass\nown = np.array([0, 1]).view(Own)", native)
    assert loaded.value(kinds) == repr(eval(kinds, native))


def test_compiled_code_gets_positions_as_it_was_compiled(loaded: Frontend) -> None:
    code = (
        "import scipy.sparse as sp, scipy.sparse.csgraph as graph, scipy.signal, scipy.stats\n"
        "(graph.reverse_cuthill_mckee(sp.csr_matrix(np.eye(3))).tolist(), scipy.signal.find_peaks([0, 1, 0, 2, 0, 3, 0], distance=3)[0].tolist(),\n"
        " round(float(scipy.stats.weightedtau([1, 2, 3, 4], [1, 3, 2, 4]).statistic), 4))"
    )
    outcome = loaded.run_ok(code)
    assert outcome.result and outcome.result["text/plain"] == "([2, 1, 0], [1, 5], 0.7333)", outcome.describe()


@pytest.mark.parametrize("code", ["a.flat[i] = 7", "a.flat[i]", "a[i]", "a[i] = 7", "a[i, ...]", "np.take(a, i)", "np.put(a, i, 1)", "np.add.at(a, i, 1)"])
def test_positions_that_are_refused_are_let_go_once(kernel: Frontend, code: str) -> None:
    kernel.run_ok("import numpy as np, sys\ni = np.array([2**32 + 1]); a = np.arange(8); held = [i] * 2000\nbefore = sys.getrefcount(i)")
    kernel.run_ok(f"for _ in range(1000):\n    try:\n        {code}\n    except IndexError:\n        pass\n    else:\n        raise AssertionError\nimport gc; gc.collect()")
    assert kernel.value("sys.getrefcount(i) - before") == "0"
