"""Division by zero and the like warn as on Linux, and `np.errstate` rules it; casts to integers give what they give there."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox

EXPRESSIONS = [
    "np.array([1.0, 2]) / 0",
    "np.zeros(3) / 0",
    "np.log(0)",
    "np.log([0.0, -1])",
    "np.sqrt(-1)",
    "np.sqrt([-1.0, 4])",
    "np.exp(1000)",
    "np.exp([1.0, 1000])",
    "np.array([1e308]) * 10",
    "np.array([inf]) - inf",
    "np.array([nan, inf]) + 1",
    "np.power([0.0, 2], [-1, 5000])",
    "np.power(-1.0, 0.5)",
    "np.array([0.0]) ** -2, np.array([2.0]) ** 5000, np.array([-1.0]) ** 0.5",
    "np.arccos(2)",
    "np.arctanh([1.0, 2])",
    "np.sin([inf, 1])",
    "np.log1p([-1.0, -2]), np.log2(0), np.log10([0.0])",
    "np.cosh(1000), np.sinh([1000.0]), np.expm1(1000), np.exp2(5000), np.square([1e200])",
    "np.reciprocal([0.0])",
    "np.array([1.5]) // 0",
    "np.array([1.5]) % 0",
    "np.fmod([1.5], 0)",
    "np.float_power(0, -1)",
    "np.float64(1) / 0",
    "np.float64(0) / 0",
    "np.float64(1) // 0, np.float64(1) % 0",
    "np.float64(0) ** -1, np.float64(-1) ** 0.5",
    "np.float64(1e308) * 10, np.float64(1e308) + np.float64(1e308)",
    "np.int64(1) / 0, np.int64(1) // 0, 1 / np.float64(0)",
    "np.float64(inf) - inf, np.float64(nan) * 0",
    "np.float32(1) / 0, np.float32(1e38) * 10, 1.0 / np.float32(0)",
    "np.array([1e38], 'f4') * np.float32(10)",
    "np.array([1], 'f4') / np.array([0], 'f4'), np.log(np.array([0, 1], 'f4')), np.exp(np.array([100], 'f4'))",
    "np.add.reduce([1e308, 1e308]), np.add.reduce([inf, 1])",
    "np.add.reduce([inf, -inf])",
    "np.sum(np.full(5000, 1e308)), np.cumsum([1e308, 1e308]), np.prod([1e200] * 2)",
    "np.array([1, 2]) / 0, np.array([1, 2]) // 0",
    "np.divide([1.0, 2], [0, 1], where=[False, True], out=np.zeros(2))",
    "np.divide([1.0, 2], [0, 1], where=[True, False], out=np.zeros(2))",
    "np.array([1j]) / 0",
    "np.array([1 + 1j]) / np.array([0, 1j])",
    "np.array([1e308 + 1e308j]) * 10",
    "np.mean([]), np.nanmean([nan])",
    "np.var([]), np.std([1.0], ddof=1), np.median([])",
    "np.array([nan, 1.0]).__itruediv__(0), np.array([nan, nan]).__imul__(2)",
    "np.ones(3).__itruediv__(0), np.full(3, inf).__isub__(inf)",
    "(lambda x: 1 / x)(np.r_[np.ones(4999), 0])",
    "np.log(np.r_[0, np.ones(4999)][::-2]), np.log(np.ones((70, 70)).T - 1)",
    "np.maximum(nan, 1), np.less(nan, 1), np.sign(nan), np.floor(inf), np.isclose(inf, inf), np.clip([nan], 0, 1)",
    "np.ma.array([1.0, 2]) / 0, np.ma.log([0.0, 1])",
    "np.nan_to_num([nan, inf]), np.percentile([nan, 1], 50), np.where([True], 1.0, 1 / np.zeros(1))",
]
CASTS = [
    "np.array([nan, 1]).astype(int)",
    "np.array([inf, -inf, 1e20]).astype('i8')",
    "np.array([1e20, 5, -3e9]).astype('i4')",
    "np.float64(nan).astype(int)",
    "np.array([-1.0, 300, -300, 255.9]).astype('u1')",
    "np.array([-1.0, 300, 1e10, nan] * 20).astype('u1')",
    "np.array([-1.0, 70000, 1e10, -1e10]).astype('i2'), np.array([-1.0, 70000]).astype('u2'), np.array([-1.0, 200]).astype('i1')",
    "np.array([-1.0, 300, -300, 4e9]).astype('u4')",
    "np.array([-1.0, 1.8e19, 2e19, -1e19, nan]).astype('u8')",
    "np.array([-1.0, 70000], 'f4').astype('u2'), np.array([2.0**31, nan, -5.5], 'f4').astype('i4')",
    "np.array([-1.0, 1e19], 'f4').astype('u8'), np.array([nan, 7], 'f4').astype('i8')",
    "(np.arange(200.0).reshape(20, 10).T[::2] - 100).astype('u1').sum()",
    "np.array([-(2.0**63), 2.0**62]).astype('i8'), np.array([-2147483648.0, 2147483647]).astype('i4')",
    "np.array([1e300]).astype('f4'), np.float64(1e300).astype('f4'), np.array([1e300]).astype('f2')",
    "np.array([nan, -1, 300]).astype('f2').astype('u1'), np.array([inf, 2]).astype('f2').astype('i8')",
    "np.array([-1.0, 300, 7], 'f2').astype('u1'), np.array([5.5, -2], 'f2').astype(int)",
    "np.array([nan + 0j, 1 + 1j]).astype('i8'), np.array([-1 + 0j, 5]).astype('u1'), np.array([3 + 4j], 'c8').astype(int)",
    "np.array([1.5, -2.5, 0]).astype(int), np.array([True, False]).astype(float).astype(bool)",
    "(lambda a: (a.__setitem__(0, nan), a)[1])(np.zeros(2)).astype('i8')",
    "(np.array([250.0, 260]) + 1).astype(np.uint8), np.linspace(-2, 2, 5).astype(np.uint8)",
]
RAISED = [
    "np.array([1.0]) / 0",
    "np.log(0.0)",
    "np.float64(1) / 0",
    "np.sqrt(-1.0)",
    "np.exp(1e4)",
    "np.array([1e300]) * 1e10",
    "np.array([np.nan]).astype(int)",
    "np.float32(1) / 0",
    "np.zeros(2) / 0",
    "np.add.reduce([1e308, 1e308])",
]
NAMES = {"np": np, "inf": np.inf, "nan": np.nan}

HELPERS = """
import numpy as np, warnings
inf, nan = np.inf, np.nan
def shown(expression, names):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        found = eval(expression, names)
    return repr((found, [str(warning.message) for warning in seen]))
"""
exec(HELPERS)


@pytest.fixture(scope="module")
def loaded(kernel: Frontend) -> Frontend:
    kernel.run_ok(HELPERS)
    return kernel


def same_as_on_linux(loaded: Frontend, expression: str) -> None:
    expression = f"({expression})"
    native = shown(expression, dict(NAMES))  # type: ignore[name-defined]  # noqa: F821
    assert loaded.value(f"shown({expression!r}, globals())") == repr(native)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_floats_warn_as_on_linux(loaded: Frontend, expression: str) -> None:
    same_as_on_linux(loaded, expression)


@pytest.mark.parametrize("expression", CASTS)
def test_casts_are_those_of_64_bit_linux(loaded: Frontend, expression: str) -> None:
    same_as_on_linux(loaded, expression)


@pytest.mark.parametrize("expression", RAISED)
def test_errstate_raises_and_silences(loaded: Frontend, expression: str) -> None:
    with pytest.raises(FloatingPointError) as native, np.errstate(all="raise"):
        eval(expression, dict(NAMES))
    error = loaded.run(f"with np.errstate(all='raise'):\n    {expression}").error
    assert error and (error["ename"], error["evalue"]) == ("FloatingPointError", str(native.value)), error
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = repr(eval(expression, dict(NAMES)))
    quiet = f"with np.errstate(all='ignore'), warnings.catch_warnings():\n    warnings.simplefilter('error')\n    found = repr({expression})\nfound"
    outcome = loaded.run_ok(quiet)
    assert outcome.result and outcome.result["text/plain"] == repr(expected)


@pytest.mark.parametrize("value", ["nan", "inf", "300.0", "-1.0", "1.5"])
def test_a_cast_to_the_same_value_is_refused_where_there_is_none(loaded: Frontend, value: str) -> None:
    error = loaded.run(f"np.array([{value}]).astype('u1', casting='same_value')").error
    assert error and error["ename"] == "ValueError", error


def test_errstate_calls_and_seterr_lasts(loaded: Frontend) -> None:
    outcome = loaded.run_ok(
        "got = []\nwith np.errstate(all='call', call=lambda *about: got.append(about)):\n    np.array([1.0]) / 0; np.log(-1.0); np.exp(1e4)\ngot"
    )
    assert outcome.result and outcome.result["text/plain"] == "[('divide by zero', 1), ('invalid value', 8), ('overflow', 2)]"
    loaded.run_ok("before = np.seterr(divide='raise')")
    error = loaded.run("np.ones(2) / 0").error
    assert error and error["ename"] == "FloatingPointError"
    loaded.run_ok("np.seterr(**before)\nassert np.geterr() == {'divide': 'warn', 'over': 'warn', 'under': 'ignore', 'invalid': 'warn'}")


def test_a_warning_names_the_cell_and_its_line(loaded: Frontend) -> None:
    outcome = loaded.run_ok("x = np.zeros(2)\ny = 1 / x")
    assert "RuntimeWarning: divide by zero encountered in divide\n  y = 1 / x" in outcome.stderr, outcome.stderr


def test_libraries_that_silence_warnings_stay_silent(loaded: Frontend) -> None:
    code = """
import pandas as pd
frame = pd.DataFrame({'a': [1.0, 0, nan, 5], 'b': [0.0, 0, 1, nan], 'k': [1, 1, 2, 2]})
(frame.a / frame.b, frame.a - frame.b, frame.a // frame.b, frame.a % frame.b, frame.describe(), frame.corr(), frame.mean(), frame.std(),
 frame.groupby('k').agg(['mean', 'std', 'sum', 'max']), frame.a.pct_change(), frame.a.rolling(2).mean(), frame.a.rank(), frame.a.fillna(0),
 frame.replace(inf, nan).interpolate(), frame.a.value_counts(), frame.sort_values('a'), frame.pivot_table(index='k', values='a'), str(frame))
import matplotlib.pyplot as plt
figure, axes = plt.subplots(); axes.plot([1, nan, 3]); axes.set_yscale('log'); axes.hist([1, 2, 2]); figure.canvas.draw(); plt.close(figure)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler
X, y = np.arange(20.0).reshape(10, 2), np.arange(10) > 4
StandardScaler().fit_transform(X); LinearRegression().fit(X, y).score(X, y); LogisticRegression().fit(X, y).predict_proba(X)
import scipy.stats, scipy.optimize
scipy.stats.norm.logpdf([0.0, 50, 1e5]); scipy.stats.ttest_ind([1.0, 2, 3], [2.0, 3, 5]); scipy.optimize.minimize(lambda x: (x**2).sum(), [1.0, 2])
"""
    outcome = loaded.run_ok(code + "None")
    assert "RuntimeWarning" not in outcome.stderr, outcome.stderr
