"""The network: there is none."""

from __future__ import annotations

import errno
import socket
from typing import Any


class NetworkUnavailable(OSError):
    """A socket was to be made or a name to be resolved."""

    cellblock_reason = "network"


_MESSAGE = (
    "cells run in a sandbox without network access. Data comes in through files: the workspace "
    "/app, or a directory that the policy mounts at /data."
)

_RESOLVING = [
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname_ex",
    "gethostbyaddr",
    "getnameinfo",
    "create_connection",
    "create_server",
    "socketpair",
    "fromfd",
]


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise NetworkUnavailable(errno.ENETUNREACH, _MESSAGE)


def install() -> None:
    """Make every way to the network raise `NetworkUnavailable`."""
    socket.socket.__init__ = _refuse  # type: ignore[method-assign]
    socket.socket.__repr__ = object.__repr__  # type: ignore[method-assign]  # of one never made
    for name in _RESOLVING:
        setattr(socket, name, _refuse)
