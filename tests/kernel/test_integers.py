"""Integers of numpy and pandas are those of 64-bit Linux: each expression is evaluated there, by the tests' own numpy, and in the sandbox."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox

EXPRESSIONS = [
    "np.arange(1, 100001).sum()",
    "(np.arange(100000) ** 2).max()",
    "np.power(10, 10)",
    "np.left_shift(1, 40)",
    "np.square(100000), np.abs(-5).dtype, np.negative(5).dtype",
    "pd.Series([3e9, 1.0]).astype(int).tolist()",
    "np.dtype(int), np.dtype('int'), np.dtype('uint'), np.dtype(np.int_), np.dtype(np.uint)",
    "np.int_ is np.int64, np.uint is np.uint64, np.dtype(int) is np.dtype('i8'), np.issubdtype(int, np.int64)",
    "np.array([1, 2, 3]).dtype, np.array([2**31]).dtype, np.array([2**63]).dtype, np.array([2**70]).dtype",
    "np.array([1, 2, 3])",
    "np.array([True, False]).sum().dtype, np.array([1], 'i1').sum().dtype, np.array([1], 'i2').prod().dtype, np.array([1], 'i4').cumsum().dtype",
    "np.array([1], 'u1').sum().dtype, np.array([1], 'u2').cumprod().dtype, np.array([1], 'u4').cumsum().dtype, np.array([1], 'u8').sum().dtype",
    "np.array([2**31 - 1] * 4, 'i4').sum(), np.array([2**32 - 1] * 4, 'u4').sum()",
    "np.zeros(3, int).dtype, np.ones(2, dtype=int).dtype, np.full(3, 7).dtype, np.eye(2, dtype=int).trace().dtype, np.empty(1, 'int').dtype",
    "np.arange(5).dtype, np.arange(5, dtype=int).dtype, np.linspace(0, 10, 3, dtype=int).dtype, np.arange(3.0).dtype, np.arange(2**31, 2**31 + 2)",
    "(np.array([True]) + 1).dtype, (np.array([1], 'i1') + 1).dtype, (np.array([1], 'u4') + 1).dtype, (np.array([1.0], 'f4') + 1).dtype",
    "np.cumsum([2**31 - 1, 1]), np.prod([100000, 100000]), np.dot([100000], [100000]), np.vdot([100000], [100000]), np.inner([100000], [100000])",
    "np.outer([100000], [100000]), np.einsum('i,i', [100000], [100000]), np.array([100000]) @ np.array([100000])",
    "np.cross([100000, 1, 1], [100000, 100000, 1]), np.kron([100000], [100000]), np.convolve([100000], [100000])",
    "np.sum([100000] * 100000), sum(np.array([2**30] * 4)), np.mean([2**31 - 1] * 4)",
    "np.add(1, 2).dtype, np.add(True, 2).dtype, np.maximum(1, 2).dtype, np.floor_divide(7, 2).dtype, (np.int64(1) * 5).dtype",
    "np.array(['1', '3000000000']).astype(int), np.array([3e9]).astype(int), np.fromstring('1 3000000000', sep=' ', dtype=int)",
    "np.loadtxt(['1 3000000000'], dtype=int), np.genfromtxt(['1 3000000000'], dtype=None)",
    "np.iinfo(int).max, np.iinfo(np.int_).bits, np.iinfo(np.uint).max",
    "np.result_type(int, 'i4'), np.result_type(3, 'i2'), np.result_type(bool, int), np.result_type(True, 3), np.promote_types('i4', int), np.can_cast(int, 'i4')",
    "np.bitwise_or(1, 2**33), np.invert(5), (1 << np.arange(40)).max(), np.arange(40)[-1] << 30",
    "np.left_shift(1, np.array([0, 1, 63, 64, 2**32, 2**32 + 1, -1])), np.array([5, -5])[:, None] >> np.array([0, 1, 63, 64, 2**32, 2**32 + 1, -1])",
    "np.right_shift(np.uint64(2**63), np.array([0, 63, 64, 2**32], 'u8')), np.left_shift(np.array([1], 'i4'), np.array([31, 32, -1], 'i4'))",
    "np.int64(1) << np.int64(2**32), np.int64(-1) >> np.int64(2**32), np.uint64(1) << np.uint64(2**40)",
    "np.random.RandomState(1).geometric(1e-12, 3), np.random.RandomState(1).geometric(0.4, 5)",
    "np.random.RandomState(1).zipf(1.05, 20), np.random.RandomState(1).negative_binomial(1e9, .1, 3)",
    "np.indices((2, 2)).dtype, np.tri(3, dtype=int).dtype, np.mgrid[0:3].dtype, np.ogrid[0:3].dtype, np.r_[0:3].dtype",
    "np.vectorize(lambda x: x * 10**9)(np.arange(5)), np.apply_along_axis(sum, 0, np.arange(4)), np.frompyfunc(lambda x: x, 1, 1)(np.arange(2))",
    "np.array([[1, 2], [3, 4]]).sum(axis=0).dtype, np.array([1, 2, 3]).itemsize, np.stack([[1], [2]]).dtype, np.concatenate([[1], [2]]).dtype",
    "np.bincount([1, 2, 2]) * 10**9, np.histogram([1, 2, 3, 4], bins=2)[0] * 10**10",
    "np.array(5).item(), np.int64(2**40), np.uint64(2**40), int(np.array(2**40)), np.array([2**40]).tolist()",
    "np.where([True], 2**40, 1), np.clip([2**40], 0, 2**41), np.select([[True]], [[2**40]]), np.interp([1], [0, 2], [0, 2**41])",
    "np.unique([2**40, 1]), np.sort([2**40, 1]), np.diff([1, 2**40]), np.gcd(2**40, 2**35), np.lcm(2**20, 3**15)",
    "np.array([1, 2]).view('i4').shape, np.arange(3).tobytes().hex(), np.array([1, 2]).nbytes",
    "np.polyfit([0, 1, 2], [0, 1, 2], 1).round(6).dtype, np.round(5).dtype, np.trace(np.arange(4).reshape(2, 2)).dtype",
    "np.timedelta64(5) * 3, np.datetime64('2020-01-01') + np.arange(2), np.arange('2020-01', '2020-03', dtype='M8[M]')",
    "np.random.RandomState(0).randint(0, 10**10), np.random.RandomState(0).randint(0, 10, 3).dtype, np.random.RandomState(5).randint(10, size=4)",
    "np.random.RandomState(0).choice(5, 3).dtype, np.random.RandomState(0).permutation(4).dtype, np.random.default_rng(0).integers(0, 10, 3).dtype",
    "np.random.seed(1), np.random.randint(0, 10**10, 2), np.random.poisson(3, 3).dtype, np.random.binomial(10, 0.5, 3).dtype, np.random.geometric(0.5, 2).dtype",
    "pd.Series([1, 2]).sum(), pd.Series([True] * 3).sum(), pd.Series(range(100000)).pow(2).sum(), pd.Series(np.arange(3)).dtype, pd.DataFrame({'a': np.arange(3)}).dtypes['a']",
    "pd.Series([1, 2]).map(lambda x: x * 10**10).tolist(), pd.Series([1.0, 2]).astype('int').dtype, pd.Series(['3000000000']).astype(int).tolist()",
    "pd.DataFrame({'k': ['a', 'b', 'a'], 'v': [2**31 - 1] * 3}).groupby('k').v.sum().to_dict(), pd.Series([1, 2, 2]).value_counts().dtype",
    "pd.Series([2**31 - 1, 1]).cumsum().tolist(), pd.DataFrame({'a': [10**6] * 3}).prod().tolist(), pd.Series([10**10]).mod(7).tolist()",
]

# Positions of the default type where numpy's C code wants pointers' integers.
POSITIONS = [
    "np.repeat([1, 2], np.array([1, 2]))",
    "np.repeat([1, 2], np.array([1, 2], 'i8'))",
    "np.take([1, 2, 3], np.array([1, 2]))",
    "(lambda a: (np.put(a, np.array([1, 2]), 9), a)[1])(np.zeros(4))",
    "np.choose(np.array([0, 1]), [[1, 2], [3, 4]])",
    "np.add.reduceat(np.arange(8), np.array([0, 4]))",
    "np.bincount(np.arange(5)), np.bincount(np.array([1, 2, 2], 'i8'))",
    "np.arange(9)[np.array([1, 2])], np.arange(9)[[1, 2]], np.arange(9)[np.int64(3)], list(range(5))[np.int64(2)]",
    "np.delete([1, 2, 3], np.array([1])), np.insert([1, 2, 3], np.array([1]), 5), np.split(np.arange(6), np.array([2, 4]))",
    "np.unravel_index(np.array([5, 6]), (3, 4))[0].tolist(), np.ravel_multi_index((np.array([1]), np.array([2])), (3, 4)).tolist()",
    "np.zeros(np.array([2, 3])).shape, np.reshape(np.arange(6), np.array([2, 3])).shape, np.tile([1], np.array([3]))",
    "np.roll(np.arange(5), np.int64(2)), np.pad([1], np.array([1, 2])), np.take_along_axis(np.array([3, 1]), np.array([1, 0]), 0)",
    "np.partition(np.array([3, 1, 2]), np.array([1]))[1], np.percentile(np.arange(5), np.array([50])), np.add.at(np.zeros(3), np.array([0]), 1)",
]
# What is no position on Linux is none here.
NO_POSITIONS = [
    "np.repeat([1, 2], np.array([1.5, 2]))",
    "np.take([1, 2, 3], np.array([0.5]))",
    "np.bincount(np.array([0.5]))",
    "np.arange(3)[1.0]",
]

COMPILED = {
    "pandas take and reindex": (
        "frame = pd.DataFrame({'k': list('abcab'), 'v': np.arange(5)})\n"
        "(frame.take(np.arange(2)).v.tolist(), frame.iloc[np.array([4, 0])].v.tolist(), frame.reindex(np.arange(7)).v.sum())",
        "([0, 1], [4, 0], np.float64(10.0))",
    ),
    "pandas groups and joins": (
        "left, right = pd.DataFrame({'a': np.arange(5)}), pd.DataFrame({'a': np.arange(3, 8)})\n"
        "(len(pd.merge(left, right, on='a', how='outer')), pd.crosstab(np.arange(4) % 2, np.arange(4) % 2).values.tolist(),\n"
        " pd.concat([left, right], axis=1).shape, pd.Series(np.arange(6)).groupby(np.arange(6) % 3).sum().tolist())",
        "(8, [[2, 0], [0, 2]], (5, 2), [3, 5, 7])",
    ),
    "pandas categories and sparse": (
        "(pd.Categorical.from_codes(np.arange(2), ['a', 'b']).tolist(), pd.arrays.SparseArray(np.arange(5)).sp_index.npoints,\n"
        " pd.cut(np.arange(4), 2, labels=False).tolist(), pd.IntervalIndex.from_breaks(np.arange(4)).get_indexer([0.5, 2.5]).tolist())",
        "(['a', 'b'], 4, [0, 0, 1, 1], [0, 2])",
    ),
    "scipy.sparse": (
        "import scipy.sparse as sp\nimport scipy.sparse.csgraph as graph\n"
        "m = sp.csr_matrix((np.arange(1, 4), (np.arange(3), np.arange(3))))\n"
        "((m @ m).toarray().diagonal().tolist(), m[np.array([0, 2])].sum(), graph.connected_components(m)[0],\n"
        " graph.shortest_path(sp.csr_matrix([[0, 1], [1, 0]])).tolist(), sp.coo_matrix(m).tocsc().indptr.tolist())",
        "([1, 4, 9], np.int64(4), 3, [[0.0, 1.0], [1.0, 0.0]], [0, 1, 2, 3])",
    ),
    "scipy.signal, ndimage, spatial": (
        "import scipy.ndimage, scipy.signal, scipy.spatial, scipy.cluster.hierarchy as h, scipy.interpolate\n"
        "(scipy.signal.find_peaks([0, 1, 0, 2, 0])[0].tolist(), scipy.signal.peak_prominences([0, 1, 0, 2, 0], np.array([1, 3]))[0].tolist(),\n"
        " scipy.ndimage.sum(np.arange(4), np.array([0, 1, 1, 2]), np.array([1, 2])).tolist(), scipy.ndimage.label([[1, 0, 1]])[1],\n"
        " scipy.spatial.KDTree(np.arange(6).reshape(3, 2)).query([0, 1])[1].item(), len(scipy.spatial.Delaunay([[0, 0], [1, 0], [0, 1]]).simplices),\n"
        " h.fcluster(h.linkage(np.array([[0], [1], [10], [11]])), 2, 'maxclust').max().item(), float(scipy.interpolate.interp1d(np.arange(3), np.arange(3))(1.5)))",
        "([1, 3], [1.0, 2.0], [3.0, 3.0], 2, 0, 1, 2, 1.5)",
    ),
    "scikit-learn": (
        "from sklearn.cluster import DBSCAN, KMeans\nfrom sklearn.ensemble import RandomForestClassifier\n"
        "from sklearn.model_selection import ShuffleSplit\nfrom sklearn.neighbors import KNeighborsClassifier\n"
        "from sklearn.tree import DecisionTreeClassifier\nfrom sklearn.svm import SVC\nfrom sklearn.utils.random import sample_without_replacement\n"
        "X, y = np.arange(40).reshape(20, 2), np.arange(20) // 10\n"
        "kinds = (DecisionTreeClassifier(), RandomForestClassifier(5, random_state=0), KNeighborsClassifier(3), SVC())\n"
        "([float(kind.fit(X, y).score(X, y)) for kind in kinds], len(set(KMeans(2, n_init=1, random_state=0).fit_predict(X))),\n"
        " int(DBSCAN(eps=10).fit_predict(X).max()), len(sample_without_replacement(10, 3, random_state=0)),\n"
        " len(next(ShuffleSplit(1, random_state=0).split(X))[0]))",
        "([1.0, 1.0, 1.0, 1.0], 2, 0, 3, 18)",
    ),
}


@pytest.fixture(scope="module")
def loaded(kernel: Frontend) -> Frontend:
    kernel.run_ok("import numpy as np, pandas as pd, warnings\nwarnings.simplefilter('ignore')")
    return kernel


def on_linux(expression: str) -> str:
    assert np.dtype(int).itemsize == 8, "the tests compare with a machine of 64 bits"
    return repr(eval(expression, {"np": np, "pd": pd}))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_integers_are_those_of_64_bit_linux(loaded: Frontend, expression: str) -> None:
    assert loaded.value(f"repr(({expression}))") == repr(on_linux(f"({expression})"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", POSITIONS)
def test_positions_may_be_integers_of_64_bits(loaded: Frontend, expression: str) -> None:
    assert loaded.value(f"repr(({expression}))") == repr(on_linux(f"({expression})"))


@pytest.mark.parametrize("expression", NO_POSITIONS)
def test_what_is_no_position_is_refused(loaded: Frontend, expression: str) -> None:
    with pytest.raises((TypeError, IndexError)) as native:
        eval(expression, {"np": np})
    outcome = loaded.run(expression)
    assert outcome.error and outcome.error["ename"] == native.type.__name__, outcome.describe()


@pytest.mark.parametrize("what", COMPILED)
def test_compiled_code_takes_default_integers_as_positions(loaded: Frontend, what: str) -> None:
    code, expected = COMPILED[what]
    outcome = loaded.run_ok(code)
    assert outcome.result and " ".join(outcome.result["text/plain"].split()) == expected, outcome.describe()
