"""Recursion in C code: as deep as in a notebook on Linux, and where it is too deep an exception that costs nothing."""

from __future__ import annotations

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox

DEEP = 1_000_000

NESTED = (
    "import sys\nsys.setrecursionlimit(10**9)\n"
    "def nest(n, make=lambda inner: [inner]):\n"
    "    made = make(None)\n"
    "    for _ in range(n): made = make(made)\n"
    "    return made\n"
)

# What a million levels (`DEEP`) are too many for.
TOO_DEEP = {
    "json.dumps": "import json\njson.dumps(nest(DEEP))",
    "json.loads": "import json\njson.loads('[' * DEEP + ']' * DEEP)",
    "json.loads of objects": "import json\njson.loads('{\"a\":' * DEEP + '1' + '}' * DEEP)",
    "repr of lists": "repr(nest(DEEP))",
    "repr of dicts": "repr(nest(DEEP, lambda inner: {1: inner}))",
    "repr of tuples": "repr(nest(DEEP, lambda inner: (inner,)))",
    "str of exceptions": "str(nest(DEEP, lambda inner: ValueError(inner)))",
    "comparison of lists": "nest(DEEP) == nest(DEEP)",
    "comparison of tuples": "nest(DEEP, lambda inner: (inner,)) == nest(DEEP, lambda inner: (inner,))",
    "pickle.dumps": "import pickle\npickle.dumps(nest(DEEP))",
    "lru_cache": "import functools\n@functools.lru_cache(None)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nf(DEEP)",
    "sorted with key": "def f(n): return sorted([1], key=lambda _: f(n - 1) or 0)[0] if n else 0\nf(DEEP)",
    "map": "def f(n): return list(map(f, [n - 1])) if n else n\nf(DEEP)",
    "functools.partial": "import functools\ndef f(n): return functools.partial(f, n - 1)() if n else 0\nf(DEEP)",
    "functools.reduce": "import functools\ndef f(n): return functools.reduce(lambda a, _: f(n - 1), [0, 1]) if n else 0\nf(DEEP)",
    "__repr__": "class C:\n    n = DEEP\n    def __repr__(self):\n        C.n -= 1\n        return f'{self!r}' if C.n else ''\nrepr(C())",
    "__getattr__": "class C:\n    def __getattr__(self, name): return getattr(self, name + '_')\nC().a",
    "__lt__": "class C:\n    def __lt__(self, other): return sorted([C(), C()]) is None\nsorted([C(), C()])",
    "__hash__": "class C:\n    def __hash__(self): return hash(C())\nhash(C())",
    "str.format": "class C:\n    def __format__(self, spec): return '{}'.format(self)\nformat(C())",
    "eval of brackets": "eval('(' * DEEP + ')' * DEEP)",
    "a sum of many terms": "eval('+'.join(['1'] * DEEP))",
    "unary minus": "eval('-' * DEEP + '1')",
    "ast.literal_eval": "import ast\nast.literal_eval('[' * DEEP + ']' * DEEP)",
    "isinstance": "isinstance(1, nest(3 * DEEP, lambda inner: (inner or str,)))",
    "issubclass": "issubclass(int, nest(3 * DEEP, lambda inner: (inner or str,)))",
    "hash of tuples": "hash(nest(3 * DEEP, lambda inner: (inner,)))",
    "hash of generic types": "hash(nest(DEEP, lambda inner: list[inner or int]))",
    "hash of slices": "hash(nest(3 * DEEP, lambda inner: slice(inner)))",
    "a key of nested tuples": "{nest(3 * DEEP, lambda inner: (inner,)): 1}",
    "exception groups": "try: raise nest(300_000, lambda inner: ExceptionGroup('', [inner or ValueError()]))\nexcept* ValueError: 1 / 0",
}
# What the parser says instead: the same in CPython on Linux.
PARSER = {"eval of brackets", "ast.literal_eval", "unary minus", "a sum of many terms"}

# What works in a notebook on Linux.
DEEP_ENOUGH = {
    "a sum of 300 terms": ("eval('+'.join(['1'] * 300))", "300"),
    "a sum of 3,000 terms": ("eval('+'.join(['1'] * 3000))", "3000"),
    "a chain of 300 elif": (
        "source = 'if q == 0: r = 0\\n' + ''.join(f'elif q == {i}: r = {i}\\n' for i in range(1, 300))\n"
        "q = 250\nexec(source)\nr",
        "250",
    ),
    "200 or in df.query": (
        "import pandas as pd\nlen(pd.DataFrame({'a': range(500)}).query(' or '.join(f'a == {i}' for i in range(200))))",
        "200",
    ),
    "sympify of 300 terms": (
        "import sympy\nlen(sympy.sympify(' + '.join(f'x{i}' for i in range(300))).args)",
        "300",
    ),
    "json, 10,000 deep": ("import json\nlen(json.dumps(nest(10_000)))", "20006"),
}


@pytest.mark.parametrize("what", TOO_DEEP)
def test_what_is_too_deep_ends_in_an_exception(kernel: Frontend, what: str) -> None:
    kernel.run_ok(NESTED + "kept = 'alive'")
    outcome = kernel.run(TOO_DEEP[what].replace("DEEP", str(DEEP)))
    assert outcome.status == "error", outcome.describe()
    expected = {"RecursionError"} | ({"MemoryError", "SyntaxError"} if what in PARSER else set())
    assert outcome.error["ename"] in expected, outcome.describe()
    assert outcome.usage["state"] == "kept"
    assert kernel.value("kept") == "'alive'"


@pytest.mark.parametrize("what", DEEP_ENOUGH)
def test_what_works_on_linux_works(kernel: Frontend, what: str) -> None:
    kernel.run_ok(NESTED)
    code, expected = DEEP_ENOUGH[what]
    outcome = kernel.run_ok(code)
    assert outcome.result is not None and outcome.result["text/plain"] == expected, outcome.describe()


@pytest.mark.parametrize("depth", [300, 2_000])
def test_a_cached_function_may_recurse(kernel: Frontend, depth: int) -> None:
    kernel.run_ok(
        "import functools, sys\nsys.setrecursionlimit(20_000)\n"
        "@functools.lru_cache(None)\ndef down(n): return 0 if n == 0 else 1 + down(n - 1)"
    )
    assert kernel.value(f"down({depth})") == str(depth)


@pytest.mark.parametrize(
    "make",
    [
        "lambda inner: [inner]",
        "lambda inner: (inner,)",
        "lambda inner: {1: inner}",
        "lambda inner: iter([inner])",
        "lambda inner: Holder(inner)",
        "lambda inner: functools.partial(print, inner)",
        "lambda inner: (lambda: inner)",
    ],
)
def test_what_is_nested_deep_is_deleted(kernel: Frontend, make: str) -> None:
    kernel.run_ok(NESTED + "import functools, gc\nclass Holder:\n    def __init__(self, held): self.held = held\nkept = 1")
    outcome = kernel.run_ok(f"made = nest({DEEP}, {make})\ndel made\ngc.collect()\nkept")
    assert outcome.result is not None and outcome.result["text/plain"] == "1", outcome.describe()


def test_the_advice_names_the_stack_of_c_and_not_the_limit_of_python(kernel: Frontend) -> None:
    outcome = kernel.run("import sys\nsys.setrecursionlimit(10**9)\nnested = []\nfor _ in range(10**6): nested = [nested]\nrepr(nested)")
    assert "4 MiB" in outcome.everything and "recursion_limit" not in outcome.everything, outcome.describe()
