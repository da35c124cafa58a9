"""Warming up an image: do once, before it is saved, what every session would otherwise do again.

Runs only while an image is made. The door is muted and standard output goes nowhere; what the
exercises leave in the user's namespace, the history and the caches is cleaned away, so a session
on the image cannot be told from a fresh one except by its speed.
"""

from __future__ import annotations

import builtins
import gc
import importlib
import io
import linecache
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import execution, randomness
from .completeness import is_complete
from .completion import complete
from .door import door
from .immortality import immortalise
from .inspection import inspect
from .plugging import plug_holes
from .restrictions import native
from .session import Session

# What first cells import, besides what the exercises below pull in.
_BASE_MODULES = [
    "base64",
    "bisect",
    "collections.abc",
    "concurrent.futures",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "glob",
    "gzip",
    "hashlib",
    "heapq",
    "html",
    "io",
    "itertools",
    "json",
    "logging",
    "math",
    "operator",
    "os",
    "pathlib",
    "pdb",
    "pickle",
    "pprint",
    "random",
    "re",
    "secrets",
    "shutil",
    "signal",
    "sqlite3",
    "statistics",
    "string",
    "struct",
    "subprocess",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "timeit",
    "traceback",
    "typing",
    "unicodedata",
    "urllib.parse",
    "urllib.request",
    "uuid",
    "warnings",
    "weakref",
    "xml.etree.ElementTree",
    "zipfile",
    "zoneinfo",
    "cloudpickle",
    "tqdm",
    "tqdm.auto",
    "yaml",
]

_SCIENCE_MODULES = [
    "numpy",
    "numpy.random",
    "numpy.linalg",
    "numpy.fft",
    "pandas",
    "matplotlib",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_svg",
    "matplotlib_inline.backend_inline",
    "PIL.Image",
    "PIL.PngImagePlugin",
    "ipywidgets",
    "IPython.display",
    "openpyxl",
    "pandas.io.formats.style",
]

_BASE_CELLS = (
    "1 + 1",
    "print('hello'); x = [1, 2, 3]; x",
    "import sys\nprint('warning', file=sys.stderr)",
    "def f(n):\n    return 1 / n\n\nf(0)",
    "this is not python",
    "    indented = 1",
    "import no_such_module_at_all",
    "raise ValueError('warm')",
    "try:\n    {}['a']\nexcept KeyError as e:\n    raise RuntimeError('chained') from e",
    "import asyncio\nawait asyncio.gather(asyncio.sleep(0), asyncio.sleep(0.001))",
    "%time sum(range(10))",
    "%timeit -n1 -r1 pass",
    "%%time\nsum(range(10))",
    "%%capture out\nprint('captured')",
    "%who",
    "%pwd",
    "%lsmagic",
    "len?",
    "import textwrap\ntextwrap.dedent??",
    "from IPython.display import HTML, Image, Markdown, clear_output, display\n"
    "h = display(HTML('<b>a</b>'), display_id=True); h.update(Markdown('*b*')); clear_output()",
    "class Shown:\n    def _repr_html_(self): return '<i>shown</i>'\n    def __repr__(self): return 'r'\n\n"
    "Shown()",
    "{'key': list(range(50)), 'other': {1, 2, 3}, 'text': 'word ' * 40}",
    "import warnings\nwarnings.warn('warm')",
    "import logging\nlogging.getLogger('warm').warning('warm')",
    "for _ in range(3):\n    print(_, end='\\r', flush=True)",
)

_SCIENCE_CELLS = (
    "import numpy as np, pandas as pd, matplotlib.pyplot as plt",
    "np.random.default_rng(0).normal(size=(20, 3)).mean(axis=0)",
    "np.linalg.inv(np.eye(3) * 2) @ np.arange(9.0).reshape(3, 3)",
    "np.sort(np.random.rand(100)).std()",
    "df = pd.DataFrame({'a': [1, 2, 3], 'b': list('xyz'), 'c': [0.5, None, 2.0],\n"
    "                   'd': pd.date_range('2024-01-01', periods=3)})\ndf",
    "df.describe()",
    "df.groupby('b').agg({'a': 'sum', 'c': 'mean'})",
    "df.merge(df, on='b').sort_values('a_x').to_csv(index=False)",
    "import io\npd.read_csv(io.StringIO('p,q\\n1,2\\n3,4')).pivot_table(index='p', values='q')",
    "df.a.plot()",
    "fig, ax = plt.subplots(); ax.plot([1, 2, 3], [1, 4, 9], label='line'); ax.bar([1, 2], [3, 4])\n"
    "ax.scatter([1, 2], [2, 1]); ax.set_title('Title $x^2$'); ax.set_xlabel('x'); ax.legend()\n"
    "ax.grid(True); ax.text(1, 1, 'text')",
    "fig, axes = plt.subplots(1, 2, figsize=(6, 3)); axes[0].hist(np.random.rand(50))\n"
    "im = axes[1].imshow(np.random.rand(4, 4)); fig.colorbar(im); fig.tight_layout(); plt.show()",
    "days = pd.Series(range(9), pd.date_range('2024-01-01', periods=9))\n"
    "days.plot(); days.rolling(3, center=True).mean().plot(); plt.figure(); plt.bar(days.index, days)",
    "%config InlineBackend.figure_formats = ['svg']\nplt.plot([1]); plt.show()\n"
    "%config InlineBackend.figure_formats = ['png']",
    "df[['a', 'c']].style.background_gradient().format(precision=1)",
    "from PIL import Image as PILImage\nPILImage.new('RGB', (4, 4))",
    "df.nope",
    "import ipywidgets as widgets\nwidgets.IntSlider(value=3)",
)

_COMPLETIONS = ("import o", "import os; os.pa", "x = [1]; x.app", "pri", "%ti", "open('/")
_INSPECTIONS = ("print", "str.join", "len(")


def warm(session: Session, profile: str) -> None:
    """Exercise the session as `base` or `science` says, then make it fresh again."""
    if profile not in ("base", "science"):
        raise ValueError(f"no such warm-up profile: {profile!r}")
    environment = _Environment(session)
    with door.muted(), _quiet(), warnings.catch_warnings():
        _import(session, _BASE_MODULES)
        _run(session, _BASE_CELLS)
        _ask(session)
        if profile == "science":
            _import(session, _SCIENCE_MODULES)
            _run(session, _SCIENCE_CELLS)
            for code in ("import pandas as pd; pd.Data", "import numpy as np; np.ar"):
                complete(session.shell, code, len(code))
        environment.restore()
    native.hide_stand_in()
    randomness.remember_captured()
    session.remember()
    _settle()


def _settle() -> None:
    """Collect what the exercises left, and take the rest out of the collector's sight.

    A collection writes to the header of every object that it looks at. Without the freeze each
    full one would dirty most of the image's pages in every session that begins on it.
    """
    gc.unfreeze()  # what an image that this one continues has frozen
    gc.collect()
    immortalise()
    plug_holes()
    gc.freeze()


def _import(session: Session, names: list[str]) -> None:
    # As in a cell: pandas asks `get_ipython`, which is there only then, whether this is a terminal.
    with session.shell.builtin_trap:
        for name in names:
            try:
                importlib.import_module(name)
            except ImportError:  # not in every Python that the tests run on
                continue


def _run(session: Session, cells: tuple[str, ...]) -> None:
    for number, code in enumerate(cells, 1):
        execution.execute(session, {"code": code, "execution_count": number})


def _ask(session: Session) -> None:
    for code in _COMPLETIONS:
        complete(session.shell, code, len(code))
    for name in _INSPECTIONS:
        for detail in (0, 1):
            inspect(session.shell, name, len(name), detail)
    for code in ("for i in range(3):", "1 + 1", "x = ("):
        is_complete(session.shell, code)


@contextmanager
def _quiet() -> Iterator[None]:
    """Send what the exercises print nowhere."""
    stdout, stderr = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr


class _Environment:
    """What a session starts with, remembered before the exercises and put back after them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._builtins = dict(vars(builtins))
        self._lines = set(linecache.cache)

    def restore(self) -> None:
        self._close_figures()
        self._close_widgets()
        self._restore_builtins()  # before the next: a builtin `_` would keep the user's out
        self._forget_user()
        self._forget_lines()

    def _restore_builtins(self) -> None:
        names = vars(builtins)
        for name in names.keys() - self._builtins.keys():
            del names[name]
        names.update(self._builtins)

    def _close_figures(self) -> None:
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            pyplot.close("all")
            # IPython's note that something was drawn, which the first `%run` would draw again.
            if hasattr(pyplot.draw_if_interactive, "called"):
                pyplot.draw_if_interactive.called = False

    def _close_widgets(self) -> None:
        widgets: Any = sys.modules.get("ipywidgets")
        if widgets is not None:
            widgets.Widget.close_all()

    def _forget_user(self) -> None:
        shell = self._session.shell
        shell.reset(new_session=False)
        shell.displayhook.flush()  # puts `_`, `__` and `___` back, which `reset` drops
        history = shell.history_manager
        history.input_hist_parsed[:] = [""]
        history.input_hist_raw[:] = [""]
        history.output_hist_reprs.clear()
        history.outputs.clear()
        history.exceptions.clear()
        history._i = history._ii = history._iii = history._i00 = ""
        for name in [
            name for name in shell.user_ns if name.startswith("_i") and name[2:].isdigit()
        ]:
            del shell.user_ns[name]
        shell.execution_count = 1
        shell.last_error = shell.shown_error = None
        shell.last_execution_result = None
        shell.last_execution_succeeded = True
        shell.displayhook.exec_result = None
        shell.payload_manager.clear_payload()
        shell.compile._filename_map.clear()
        for name in ("last_type", "last_value", "last_traceback", "last_exc"):
            if hasattr(sys, name):
                delattr(sys, name)
        for holder in (shell.InteractiveTB, shell.SyntaxTB):
            for name in ("etype", "value", "evalue", "tb"):
                if getattr(holder, name, None) is not None:
                    setattr(holder, name, None)

    def _forget_lines(self) -> None:
        for name in set(linecache.cache) - self._lines:
            if name.startswith("<ipython-input-"):
                del linecache.cache[name]
