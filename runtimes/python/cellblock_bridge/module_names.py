"""The names of importable modules, for completing `import …`, and which of them `%run -m` runs.

IPython's own list knows source files only, and asks a zip in a way that it no longer answers. Here
the import system is asked, once for each directory that cannot change.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import pkgutil
import sys
from typing import Any

from IPython.core import completerlib
from IPython.core.magics import execution
from IPython.utils import module_paths

# What the host mounts read-only.
_FIXED = ("/usr/local/", "/data/site-packages")


def root_modules() -> list[str]:
    """Everything that `import` may be followed by."""
    names = {name for name in sys.builtin_module_names if "." not in name}
    for directory in sys.path:
        names.update(modules_in(directory))
    return sorted(names)


def modules_in(directory: str) -> list[str]:
    """The modules and packages of one entry of a path."""
    directory = directory or "."
    if directory.startswith(_FIXED):
        return list(_fixed_modules_in(directory))
    return [module.name for module in pkgutil.iter_modules([directory])]


@functools.lru_cache(64)
def _fixed_modules_in(directory: str) -> tuple[str, ...]:
    return tuple(module.name for module in pkgutil.iter_modules([directory]))


def runnable(name: str) -> Any:
    """What `%run -m` takes for a module's file: that, or, of one that is there as bytecode only, a finder's own."""
    found = module_paths.find_mod(name)
    if found is not None or importlib.util.find_spec(name) is None:
        return found
    # It looks for no file then, and leaves the rest to `runpy`.
    return importlib.machinery.FrozenImporter


def install() -> None:
    """Have IPython's completer, and `%run`, ask here."""
    execution.find_mod = runnable
    completerlib.get_root_modules = root_modules
    completerlib.module_list = modules_in
