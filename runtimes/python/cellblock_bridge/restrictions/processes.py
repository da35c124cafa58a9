"""Processes: there are none to start, and no shell."""

from __future__ import annotations

import concurrent.futures.process
import errno
import multiprocessing.context
import multiprocessing.process
import os
import subprocess
from typing import Any


class ProcessUnavailable(OSError):
    """A process was to be started."""

    cellblock_reason = "subprocess"


_MESSAGE = "cells run in a sandbox that cannot start processes"

def unavailable(what: str) -> ProcessUnavailable:
    """The error for an attempt to run `what`."""
    return ProcessUnavailable(errno.ENOTSUP, f"{what[:200]}: {_MESSAGE}")


def _refuse_popen(self: Any, args: Any = None, *rest: Any, **kwargs: Any) -> None:
    command = args if isinstance(args, str) else " ".join(map(str, args or ()))
    raise unavailable(command or "subprocess")


def _refuse_system(command: Any, *args: Any) -> Any:
    raise unavailable(str(command))


def _refuse_multiprocessing(*args: Any, **kwargs: Any) -> Any:
    raise unavailable("multiprocessing")


def install() -> None:
    """Make every way of starting a process raise."""
    subprocess.Popen.__init__ = _refuse_popen  # type: ignore[method-assign]
    os.system = os.popen = _refuse_system  # type: ignore[assignment]
    multiprocessing.process.BaseProcess.start = _refuse_multiprocessing  # type: ignore[method-assign]
    concurrent.futures.process.ProcessPoolExecutor.__init__ = _refuse_multiprocessing  # type: ignore[method-assign]
    for name in ("Pool", "Manager", "Pipe", "Queue", "SimpleQueue", "JoinableQueue"):
        setattr(multiprocessing.context.BaseContext, name, _refuse_multiprocessing)
        setattr(multiprocessing, name, _refuse_multiprocessing)
