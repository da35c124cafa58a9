"""The names of importable modules, for completing `import …`.

IPython's own list knows source files only, and asks a zip in a way that it no longer answers. Here
the import system is asked, once for each directory that cannot change.
"""

from __future__ import annotations

import functools
import pkgutil
import sys

from IPython.core import completerlib

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


def install() -> None:
    """Have IPython's completer ask here."""
    completerlib.get_root_modules = root_modules
    completerlib.module_list = modules_in
