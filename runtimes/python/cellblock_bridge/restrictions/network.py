"""The network: there is none."""

from __future__ import annotations

import errno
import socket
import urllib.request
from typing import Any
from urllib.error import URLError


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


_unknown = urllib.request.UnknownHandler.unknown_open


def _refuse_tls(self: Any, request: Any) -> Any:
    """Without TLS, urllib does not even know the word `https`."""
    if request.type != "https":
        return _unknown(self, request)
    try:
        _refuse()
    except NetworkUnavailable as error:
        raise URLError(error) from error


def install() -> None:
    """Make every way to the network raise `NetworkUnavailable`."""
    socket.socket.__init__ = _refuse  # type: ignore[method-assign]
    socket.socket.__repr__ = object.__repr__  # type: ignore[method-assign]  # of one never made
    for name in _RESOLVING:
        setattr(socket, name, _refuse)
    urllib.request.UnknownHandler.unknown_open = _refuse_tls  # type: ignore[method-assign]
