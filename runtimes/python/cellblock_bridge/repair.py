"""What to do when IPython itself fails to run cells: take out what a notebook put into it.

A notebook may replace methods of the shell, functions of the libraries that it is made of, its hooks
and its transformers, and is left alone with that as long as cells run. When one could not be run, or
not be ended, because of such a thing, the parts are put back as they were when the image was made.
"""

from __future__ import annotations

import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from . import builtin_names

# What IPython runs cells and shows errors with.
_MODULES = (
    "ast",
    "asyncio.events",
    "asyncio.tasks",
    "codeop",
    "contextlib",
    "dis",
    "functools",
    "inspect",
    "io",
    "json",
    "json.decoder",
    "json.encoder",
    "linecache",
    "logging",
    "re",
    "stack_data.core",
    "textwrap",
    "threading",
    "token",
    "tokenize",
    "traceback",
    "types",
    "typing",
    "warnings",
)
_ROOTS = ("IPython", "traitlets", "pygments", "executing", "stack_data", "comm")
_FUNCTIONS = (FunctionType, BuiltinFunctionType, type, property, classmethod, staticmethod)
_HOOKS = ("input_transformers_post", "ast_transformers")


class Repair:
    """The code that IPython consists of, as it was when the image was made."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._attributes = frozenset(vars(shell))
        self._code: list[tuple[str, ModuleType | type, dict[str, Any]]] = []
        self._manager: Any = None
        self._events: Any = None
        self._methods: list[tuple[type, frozenset[str]]] = []
        self._transforms: dict[str, list[Any]] = {}
        self._callbacks: dict[str, list[Any]] = {}
        self.remember()

    def remember(self) -> None:
        """Take the code that is loaded now for IPython's own."""
        shell = self._shell
        self._code = []
        for name, module in list(sys.modules.items()):
            root = name.partition(".")[0]
            if not isinstance(module, ModuleType) or not (root in _ROOTS or name in _MODULES):
                continue
            self._keep(module)
            for found in list(vars(module).values()):
                if isinstance(found, type) and found.__module__ == name and found.__flags__ & _MUTABLE:
                    self._keep(found)
        for kind in type(shell).__mro__[:-1]:
            if kind.__module__.partition(".")[0] not in _ROOTS and kind.__flags__ & _MUTABLE:
                self._keep(kind)
        self._methods = [(kind, frozenset(vars(kind))) for kind in type(shell).__mro__[:-1]]
        manager = self._manager = shell.input_transformer_manager
        self._events = shell.events
        self._transforms = {
            name: list(getattr(manager, name))
            for name in ("cleanup_transforms", "line_transforms", "token_transformers")
        }
        self._callbacks = {name: list(found) for name, found in shell.events.callbacks.items()}

    def take_out(self) -> list[str]:
        """Put everything back; the names of what was something else."""
        shell = self._shell
        taken = [f"builtins.{name}" for name in builtin_names.forget()]
        for owner, place, code in self._code:
            now = vars(place)
            for name, value in code.items():
                found = now.get(name, _MISSING)
                if found is _MISSING or (found is not value and isinstance(value, _FUNCTIONS)):
                    put = type.__setattr__ if isinstance(place, type) else ModuleType.__setattr__
                    put(place, name, value)
                    taken.append(f"{owner}.{name}")
        taken.extend(self._take_out_shadows())
        for name in vars(shell).keys() - self._attributes:
            if callable(getattr(type(shell), name, None)):
                del vars(shell)[name]
                taken.append(f"get_ipython().{name}")
        for name in _HOOKS:
            if getattr(shell, name):
                setattr(shell, name, [])
                taken.append(f"get_ipython().{name}")
        for name, transforms in self._transforms.items():
            if getattr(self._manager, name, None) != transforms:
                setattr(self._manager, name, list(transforms))
                taken.append(f"get_ipython().input_transformer_manager.{name}")
        for name, callbacks in self._callbacks.items():
            found = self._events.callbacks.get(name)
            if found is None or any(callback not in callbacks for callback in found):
                self._events.callbacks[name] = list(callbacks)
                taken.append(f"get_ipython().events: {name}")
        shell.custom_exceptions, shell.CustomTB = (), None
        return taken

    def _take_out_shadows(self) -> list[str]:
        """Take out methods that were added to a class of the shell before those of its bases."""
        taken, kinds = [], type(self._shell).__mro__
        for at, (kind, names) in enumerate(self._methods):
            for name in vars(kind).keys() - names:
                if any(name in vars(base) for base in kinds[at + 1 :]):
                    type.__delattr__(kind, name)
                    taken.append(f"{kind.__name__}.{name}")
        return taken

    def _keep(self, place: ModuleType | type) -> None:
        # Of a class its methods; of a module also what they look up, in case that it is gone.
        code = {
            name: value
            for name, value in vars(place).items()
            if isinstance(value, _FUNCTIONS) or not isinstance(place, type)
        }
        if code:
            self._code.append((place.__name__, place, code))


_MISSING = object()
# Py_TPFLAGS_HEAPTYPE: of a class that was made in Python.
_MUTABLE = 1 << 9
