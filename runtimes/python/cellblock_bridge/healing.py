"""What a notebook may have broken around the bridge, looked at and put back as each turn begins.

Only what is cheap to see and never meant: an emptied `sys.modules`, a stream that is none, an import
system with nothing in it, parts of the shell that are gone. What a notebook puts in place of
something, and works, stays. Where this is not enough the host goes back to an earlier state, which
it can without asking the guest.
"""

from __future__ import annotations

import builtins
import os
import sys
from types import ModuleType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from . import streams
from .entry import Entry
from .interrupts import LEAST_DEPTH, gate
from .loop import CellRunner

# Not to be without: where one of them is missing, somebody emptied the table.
_ESSENTIAL = (
    "sys",
    "builtins",
    "_host",
    "io",
    "os",
    "re",
    "json",
    "signal",
    "asyncio",
    "linecache",
    "traceback",
    "importlib",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "traitlets",
    "traitlets.traitlets",
    "IPython",
    "IPython.core",
    "IPython.core.interactiveshell",
    "IPython.core.displayhook",
    "IPython.core.completer",
    "IPython.core.magic",
)
_BRIDGE = __name__.partition(".")[0]

# The shell's parts that it cannot do without; one that a library puts in place of another stays.
_PARTS = (
    "display_formatter",
    "displayhook",
    "display_pub",
    "display_trap",
    "builtin_trap",
    "events",
    "history_manager",
    "input_transformer_manager",
    "compile",
    "payload_manager",
    "magics_manager",
    "prefilter_manager",
    "inspector",
    "InteractiveTB",
    "SyntaxTB",
    "Completer",
    "user_module",
)
_LISTS = ("ast_transformers", "input_transformers_post")

_modules: dict[str, Any] = sys.modules
_chdir, _stat, _environ = os.chdir, os.stat, os.environ


class Healer:
    """Knows how things were when the image was made, and puts back what is broken."""

    def __init__(self, shell: InteractiveShell, runner: CellRunner) -> None:
        self._shell, self._runner = shell, runner
        self._parts = {name: getattr(shell, name, None) for name in _PARTS}
        self._attributes = frozenset(vars(shell))
        self._kind, self._values = type(shell), dict(vars(shell))
        self._known: dict[str, ModuleType] = {}
        self._ours: dict[str, ModuleType] = {}
        self._path: list[str] = []
        self._finders: tuple[list[Any], list[Any]] = ([], [])
        self._said: list[str] = []
        self._entry = Entry()
        self.remember()

    def remember(self) -> None:
        """Take what is loaded now for what belongs here."""
        self._known = {name: module for name, module in _modules.items() if module is not None}
        self._known.pop("__main__", None)
        self._ours = {
            name: module
            for name, module in self._known.items()
            if name.partition(".")[0] == _BRIDGE or name in ("sys", "builtins", "_host")
        }
        self._path = list(sys.path)
        self._finders = (list(sys.meta_path), list(sys.path_hooks))
        self._entry.remember()

    def heal(self) -> None:
        """Put back what is broken. Runs none of the notebook's code."""
        self._entry.begin()
        self._heal_modules()
        self._heal_imports()
        self._say_mended(streams.mend())
        self._heal_directory()
        self._heal_shell()
        if self._runner.mend():
            share_loop(self._shell, self._runner)
            self._said.append("the event loop was closed: there is another one")
        if gate.too_shallow is not None:
            self._said.append(
                f"a recursion limit of {gate.too_shallow} is too low for a cell to run: it is {LEAST_DEPTH}"
            )
            gate.too_shallow = None

    def end(self) -> None:
        """A turn is over: the next one must be able to begin."""
        self._heal_table()
        self._entry.end()

    def _heal_table(self) -> None:
        if getattr(sys, "modules", None) is not _modules:
            sys.modules = _modules
        for name, module in self._ours.items():
            if _modules.get(name) is not module:
                _modules[name] = module

    def say(self) -> None:
        """Say what was put back, once."""
        said, self._said = self._said, []
        for text in said:
            streams.say(text)

    def _say_mended(self, names: list[str]) -> None:
        if names:
            self._said.append(f"put back, as nothing could be written there: {', '.join(names)}")

    def _heal_modules(self) -> None:
        self._heal_table()
        if all(_modules.get(name) is not None for name in _ESSENTIAL if name in self._known):
            return
        lost = [name for name in self._known if _modules.get(name) is None]
        for name in lost:
            _modules[name] = self._known[name]
        self._said.append(f"`sys.modules` lacked {len(lost)} modules of the session: they are there again")

    def _heal_imports(self) -> None:
        if type(sys.path) is not list:
            sys.path = list(self._path)
            self._said.append("`sys.path` was no list: it is the session's again")
        for name, found, known in (
            ("meta_path", getattr(sys, "meta_path", None), self._finders[0]),
            ("path_hooks", getattr(sys, "path_hooks", None), self._finders[1]),
        ):
            if type(found) is not list or not found:
                setattr(sys, name, list(known))
                self._said.append(f"`sys.{name}` was empty, so nothing could be imported: it is the session's again")

        if not hasattr(type(os.environ), "__getitem__"):
            os.environ = _environ
            self._said.append("`os.environ` was none: it is the session's again")

    def _heal_directory(self) -> None:
        try:
            _stat(".")
        except OSError:
            if sys.platform == "wasi":
                _chdir("/app")
                self._said.append("the working directory is gone: it is `/app` again")

    def _heal_shell(self) -> None:
        shell, lost = self._shell, []
        if type(shell) is not self._kind:
            object.__setattr__(shell, "__class__", self._kind)
            lost.append("the shell's class")
        own = object.__getattribute__(shell, "__dict__")
        if type(own.get("_trait_values")) is not dict:
            own.update(self._values)
            lost.append("the shell's attributes")
        values = own["_trait_values"]
        for name, part in self._parts.items():
            found = values.get(name) if name in values else vars(shell).get(name)
            if found is part or (found is not None and issubclass(type(found), _kind(part))):
                continue
            if name in values:
                values[name] = part
            else:
                vars(shell)[name] = part
            lost.append(name)
        for name in _LISTS:
            if type(getattr(shell, name, None)) is not list:
                setattr(shell, name, [])
                lost.append(name)
        # A method that an attribute hides, and which cannot be called.
        for name in vars(shell).keys() - self._attributes:
            if callable(getattr(type(shell), name, None)) and not callable(vars(shell)[name]):
                del vars(shell)[name]
                lost.append(name)
        for trap in (self._parts["display_trap"], self._parts["builtin_trap"]):
            vars(trap)["_nested_level"] = 0  # a cell that was left in the midst of it has left it, too
        namespace = vars(self._parts["user_module"])
        names = namespace.get("__builtins__")
        if names is not builtins and names is not vars(builtins):
            namespace["__builtins__"] = builtins
            lost.append("__builtins__")
        if (
            shell.user_ns is not namespace
            or "get_ipython" not in namespace
            or type(namespace.get("_oh")) is not dict
            or type(namespace.get("_ih")) is not list
        ):
            shell.user_ns = namespace
            shell.init_user_ns()
            lost.append("user_ns")
        if lost:
            self._said.append(f"put back, as IPython needs it: {', '.join(lost)}")


def _kind(part: Any) -> type:
    """What a stand-in for a part of the shell has to be."""
    for kind in type(part).__mro__:
        if kind.__module__.startswith(("IPython.", "types", "builtins")):
            return kind
    return type(part)


def share_loop(shell: Any, runner: CellRunner) -> None:
    """Let IPython's own helpers (`%autoawait`, `%%timeit` of coroutines) find the cells' loop."""
    from IPython.core import async_helpers

    async_helpers._asyncio_event_loop = runner.loop
