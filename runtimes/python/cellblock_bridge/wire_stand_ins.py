"""What libraries find where ipykernel has its session and sockets: enough to publish messages as they do there.

No message of a library's own making goes out as it is: it becomes the display, the text or the comm message
that it would be, which the host checks like any other.
"""

from __future__ import annotations

import datetime
import itertools
import uuid
from typing import Any

Message = dict[str, Any]


class Socket:
    """Stands for a socket: it can be named as the stream of a message, and takes nothing itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def __repr__(self) -> str:
        return f"<the sandbox's {self.name} socket>"

    def flush(self, *_: Any, **__: Any) -> None:
        """Nothing waits here."""

    def send_multipart(self, *_: Any, **__: Any) -> None:
        """Nothing is sent past `Session.send`."""

    send = send_multipart


class Session:
    """The little of `jupyter_client.session.Session` that is used inside of kernels."""

    username = "kernel"
    key = b""
    auth = None

    def __init__(self, publish: Any) -> None:
        self._publish = publish
        self._numbers = itertools.count(1)
        self._session: str | None = None

    @property
    def session(self) -> str:
        """The session's id, made when it is asked for: those of an image would all be the same."""
        if self._session is None:
            self._session = uuid.uuid4().hex
        return self._session

    @property
    def bsession(self) -> bytes:
        return self.session.encode()

    @property
    def msg_id(self) -> str:
        return f"{self.session}_{next(self._numbers)}"

    def msg_header(self, msg_type: str) -> Message:
        """A header for a message of that type."""
        return {
            "msg_id": self.msg_id,
            "msg_type": msg_type,
            "username": self.username,
            "session": self.session,
            "date": datetime.datetime.now(datetime.UTC),
            "version": "5.3",
        }

    def msg(
        self,
        msg_type: str,
        content: Message | None = None,
        parent: Message | None = None,
        header: Message | None = None,
        metadata: Message | None = None,
    ) -> Message:
        """A message of that type."""
        header = header or self.msg_header(msg_type)
        return {
            "header": header,
            "msg_id": header["msg_id"],
            "msg_type": header["msg_type"],
            "parent_header": (parent or {}).get("header", parent or {}),
            "content": content or {},
            "metadata": metadata or {},
        }

    def send(
        self,
        stream: Any,
        msg_or_type: Message | str,
        content: Message | None = None,
        parent: Message | None = None,
        ident: Any = None,
        buffers: list[Any] | None = None,
        track: bool = False,
        header: Message | None = None,
        metadata: Message | None = None,
    ) -> Message:
        """Publish what a message shows."""
        if isinstance(msg_or_type, str):
            message = self.msg(msg_or_type, content, parent, header, metadata)
        else:
            message = msg_or_type
        self._publish(message["msg_type"], message.get("content") or {}, message.get("metadata") or {}, buffers)
        return message
