"""One turn: take a request from the host, serve it, send one reply.

Whatever user code does, a turn ends in exactly one reply. Nothing here may raise out of
`serve_turn` but a fault of the door itself.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from typing import Any

from . import streams
from .background import go_on, pending
from .completeness import is_complete
from .door import door
from .execution import execute, show_error
from .frames import Buffer
from .interrupts import Gate, gate
from .randomness import reseed, reseed_everything
from .session import Session, session

Request = dict[str, Any]
Content = dict[str, Any]
Buffers = list[Buffer]

_begin_turn = Gate.begin_turn  # which a notebook may set something else in front of
_modules = sys.modules  # which a notebook may put another table in place of
Handler = Callable[[Session, Request, list[bytes]], "Content | tuple[Content, Buffers]"]


def serve_turn() -> None:
    """Serve one request. The host's only way in."""
    _begin_turn(gate)
    # The reactor runs the turn's source in whatever `__main__` is: the user's own must not be it,
    # or a notebook's global named like a builtin could reach the next turn's first line.
    reactor_main = _modules.get("__main__")
    request, buffers = door.ask("next")
    here = session()
    _heal(here)
    _modules["__main__"] = here.main_module
    try:
        served = _serve(here, request, buffers)
    except BaseException as error:  # noqa: BLE001 - a turn always ends in a reply
        served = _failure(error)
        if request.get("op") == "execute":
            served["stuck"] = _repair(here)
    finally:
        streams.flush_own()
        here.healer.end()
        if reactor_main is not None:
            _modules["__main__"] = reactor_main
    _reply(*(served if isinstance(served, tuple) else (served, [])))
    gate.end_turn()


def _heal(here: Session) -> None:
    try:
        here.healer.heal()
    except Exception:  # noqa: BLE001 - of what IPython's own classes were made into
        _repair(here)
        here.healer.heal()


def _repair(here: Session) -> list[str]:
    try:
        return here.repair.take_out()
    except Exception:  # noqa: BLE001 - beyond repair; the host goes back
        return []


def _serve(
    here: Session, request: Request, buffers: list[bytes]
) -> Content | tuple[Content, Buffers]:
    handler = _HANDLERS.get(str(request.get("op")))
    if handler is None:
        return {
            "status": "error",
            "ename": "UnknownRequest",
            "evalue": f"no such request: {request.get('op')!r}",
            "traceback": [],
        }
    return handler(here, request, buffers)


def _reply(content: Content, buffers: Buffers) -> None:
    try:
        door.tell("reply", content=content, buffers=buffers)
    except BaseException as error:  # noqa: BLE001 - not JSON, or over a size limit
        door.tell("reply", content=_failure(error))


def _failure(error: BaseException) -> Content:
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001
        text = ""
    name = type(error).__name__
    return {"status": "error", "ename": name, "evalue": text, "traceback": [f"{name}: {text}"]}


# The handlers. Completion and inspection are imported by the image's warm-up, and late here so
# that an unwarmed guest can run a cell without them.


def _execute(here: Session, request: Request, buffers: list[bytes]) -> Content:
    reply = execute(here, request)
    reply.update(pending(here))
    return reply


def _complete(here: Session, request: Request, buffers: list[bytes]) -> Content:
    from .completion import complete

    code, cursor_pos = request.get("code", ""), int(request.get("cursor_pos", 0))
    return gate.run(lambda: complete(here.shell, code, cursor_pos), users=False)


def _inspect(here: Session, request: Request, buffers: list[bytes]) -> Content:
    from .inspection import inspect

    code, cursor_pos = request.get("code", ""), int(request.get("cursor_pos", 0))
    detail_level = int(request.get("detail_level", 0))
    return gate.run(lambda: inspect(here.shell, code, cursor_pos, detail_level), users=False)


def _is_complete(here: Session, request: Request, buffers: list[bytes]) -> Content:
    return is_complete(here.shell, request.get("code", ""))


def _comm(here: Session, request: Request, buffers: list[bytes]) -> Content:
    here.shell.begin_request(str(request.get("msg_id") or ""), str(request.get("msg_type")))
    msg_type, content = str(request.get("msg_type")), request.get("content", {})
    metadata = request.get("metadata", {})

    def serve() -> None:
        with here.runner.ambient():
            here.comms.serve(msg_type, content, metadata, buffers)
            here.runner.step()
            streams.flush()

    try:
        gate.run(serve)
    except BaseException as error:  # noqa: BLE001 - an interrupt in a callback
        show_error(here.shell, error)
    return pending(here)


def _loop(here: Session, request: Request, buffers: list[bytes]) -> Content:
    return go_on(here, request)


def _variables(here: Session, request: Request, buffers: list[bytes]) -> Content:
    from .inventory import inventory

    return inventory(here.shell)


def _comm_info(here: Session, request: Request, buffers: list[bytes]) -> Content:
    return here.comms.info(request.get("target_name"))


def _start(here: Session, request: Request, buffers: list[bytes]) -> Content:
    _set_up(request)
    if request.get("reseed", True):
        reseed(bytes.fromhex(request.get("seed", "")))
    return {}


def _resume(here: Session, request: Request, buffers: list[bytes]) -> Content:
    # Timers that were due meanwhile are not run here, where nobody would see what they print, but
    # with the next cell, as those that are due between two cells always are.
    _set_up(request)
    if request.get("reseed", False):
        reseed_everything(bytes.fromhex(request.get("seed", "")))
    return {}


def _set_up(request: Request) -> None:
    """What a session is told when it comes into a process."""
    os.environ.update(request.get("env") or {})
    for directory in os.environ.get("PYTHONPATH", "").split(":"):
        # Python read it when the image was made.
        if directory and directory not in sys.path:
            sys.path.append(directory)
    limit = request.get("recursion_limit")
    if isinstance(limit, int) and limit > 0:
        gate.set_depth(limit)


def _portable(
    here: Session, request: Request, buffers: list[bytes]
) -> tuple[Content, Buffers]:
    from .portable.saving import save

    return save(here.shell, int(request.get("max_bytes", 0)))


def _load_portable(here: Session, request: Request, buffers: list[bytes]) -> Content:
    from .portable.loading import load

    return load(here.shell, request, buffers)


def _hello(here: Session, request: Request, buffers: list[bytes]) -> Content:
    from . import __version__

    return {
        "python": platform.python_version(),
        "banner": here.shell.banner,
        "implementation_version": __version__,
    }


def _warm(here: Session, request: Request, buffers: list[bytes]) -> Content:
    from .warm import warm

    warm(here, str(request.get("profile", "base")))
    return {}


_HANDLERS: dict[str, Handler] = {
    "execute": _execute,
    "complete": _complete,
    "inspect": _inspect,
    "is_complete": _is_complete,
    "comm": _comm,
    "loop": _loop,
    "comm_info": _comm_info,
    "variables": _variables,
    "start": _start,
    "resume": _resume,
    "portable": _portable,
    "load_portable": _load_portable,
    "hello": _hello,
    "warm": _warm,
}
